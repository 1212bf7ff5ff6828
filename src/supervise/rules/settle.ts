// One rule brought in line with the links: its captures and its outputs' sockets, or why they have to wait.

import { isEnabled } from "../../rules/labels.ts";
import { pendingText } from "../../rules/pending.ts";
import { namesLink } from "../../rules/range.ts";
import { closeSocket } from "../../shim/socket.ts";
import type { CapturedLink, Captures } from "../capture/captures.ts";
import type { Link, LinksView } from "../kernel/links.ts";
import type { Outputs } from "../outputs/outputs.ts";
import { type LiveRule, usable } from "./live-rule.ts";

/** What a rule is made to run with. */
export type SettleParts = { links: LinksView; captures: Pick<Captures, "open">; outputs: Pick<Outputs, "settle"> };

/** All of them, whether workers must hear of it or not. */
export function settleAll(lives: Iterable<LiveRule>, parts: SettleParts): void {
  for (const live of lives) {
    settle(live, parts);
  }
}

/** True when workers must hear of it. */
export function settle(live: LiveRule, parts: SettleParts): boolean {
  const { pending: wasPending, captures: wereCaptured } = live;
  if (!isEnabled(live.rule)) {
    // Sockets that it has from before stay until workers have let go of it: the change may have to be taken back.
    live.captures = [];
    live.uncaptured = [];
    live.pending = pendingText("disabled", {});
    for (const output of live.outputs.filter(({ fd }) => fd < 0)) {
      output.pending = live.pending;
    }
    return wasPending !== live.pending;
  }
  capture(live, parts);
  const isCapturedSame =
    wereCaptured.length === live.captures.length && wereCaptured.every((each, at) => each === live.captures[at]);
  let hasChanged = wasPending !== live.pending || !isCapturedSame;
  for (const output of live.outputs) {
    const { changed, stale } = parts.outputs.settle(output, live.rule);
    if (stale >= 0) {
      // Workers hold copies of their own; ours has served.
      closeSocket(stale);
    }
    hasChanged = hasChanged || changed;
  }
  return hasChanged;
}

/** Captures what can be: a rule that stands for many links runs on those that are there. */
function capture(live: LiveRule, { links, captures }: SettleParts): void {
  const name = live.rule.input_interface;
  const table = links.table();
  const exact = table.get(name);
  const meant: Link[] =
    exact === undefined ? [...table.values()].filter((link) => namesLink(name, link.name)) : [exact];
  const captured: CapturedLink[] = [];
  const refused: string[] = [];
  for (const link of meant) {
    const made = usable(link.name, link) ?? captures.open(link);
    if (typeof made === "string") {
      refused.push(made);
    } else {
      captured.push(made);
    }
  }
  live.captures = captured;
  live.uncaptured = captured.length === 0 ? [] : refused;
  live.pending = captured.length > 0 ? undefined : (refused[0] ?? usable(name, undefined));
}
