// One rule brought in line with the links: its capture and its outputs' sockets, or why they have to wait.

import { isEnabled } from "../rules/labels.ts";
import { closeSocket } from "../shim/socket.ts";
import type { Captures } from "./captures.ts";
import type { LinksView } from "./links.ts";
import { type LiveRule, usable } from "./live-rule.ts";
import type { Outputs } from "./outputs.ts";
import { pendingText } from "./pending.ts";

/** What a rule is made to run with. */
export type SettleParts = { links: LinksView; captures: Pick<Captures, "open">; outputs: Pick<Outputs, "settle"> };

/** True when workers must hear of it. */
export function settle(live: LiveRule, { links, captures, outputs }: SettleParts): boolean {
  const { pending: wasPending, capture: wasCapture } = live;
  if (!isEnabled(live.rule)) {
    // Sockets that it has from before stay until workers have let go of it: the change may have to be taken back.
    live.capture = undefined;
    live.pending = pendingText("disabled", {});
    for (const output of live.outputs.filter(({ fd }) => fd < 0)) {
      output.pending = live.pending;
    }
    return wasPending !== live.pending;
  }
  const link = links.table().get(live.rule.input_interface);
  const captured = usable(live.rule.input_interface, link) ?? (link === undefined ? "" : captures.open(link));
  live.capture = typeof captured === "string" ? undefined : captured;
  live.pending = typeof captured === "string" ? captured : undefined;
  let hasChanged = wasPending !== live.pending || wasCapture !== live.capture;
  for (const output of live.outputs) {
    const { changed, stale } = outputs.settle(output, live.rule.input_protocol);
    if (stale >= 0) {
      // Workers hold copies of their own; ours has served.
      closeSocket(stale);
    }
    hasChanged = hasChanged || changed;
  }
  return hasChanged;
}
