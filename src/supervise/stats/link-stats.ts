// What is known of the links that rules name, in the words of GetStatus.
import { formatIpv4 } from "../../base/ipv4.ts";
import type { LinkStatus } from "../../control/status.ts";
import { linkField, linkFirst, linkSize } from "../../relay/counters.ts";
import type { Captures } from "../capture/captures.ts";
import type { Page } from "../counters/pages.ts";
import type { Ending } from "../ending/ending.ts";
import type { Link, LinksView } from "../kernel/links.ts";
import { type LiveRule, membershipsOf } from "../rules/live-rule.ts";
import type { Rejoin } from "../watch/rejoin.ts";

/** Where the numbers come from. */
export type LinkParts = {
  links: LinksView;
  ending: Pick<Ending, "wayOf">;
  captures: Pick<Captures, "list">;
  rejoin: Pick<Rejoin, "countsOf">;
  pages: readonly Page[];
  /** Frames lost in the kernel, by link name. */
  kernelDrops: ReadonlyMap<string, number>;
};

/** Every link that one of `lives` takes from or sends to, by name. */
export function linkStatus(parts: LinkParts, lives: readonly LiveRule[]): LinkStatus[] {
  const named = lives.flatMap((live) => [...inputsOf(live), ...live.rule.outputs.map((each) => each.interface)]);
  return [...new Set(named)].sort().map((name) => {
    const link = parts.links.table().get(name);
    const [address] = link?.addresses ?? [];
    const way = link === undefined ? undefined : parts.ending.wayOf(link.index);
    const inputs = lives.filter((live) => inputsOf(live).includes(name));
    return {
      name,
      ...(link === undefined ? {} : { index: link.index }),
      state: link === undefined ? "missing" : link.isUp ? "up" : "down",
      ...(address === undefined ? {} : { address: formatIpv4(address.address) }),
      memberships: groupCount(inputs, link),
      inputs: inputs.length,
      outputs: lives.flatMap(({ rule }) => rule.outputs).filter((output) => output.interface === name).length,
      kernel_drops: parts.kernelDrops.get(name) ?? 0,
      ...frameCounts(parts, name),
      ...rejoinCounts(parts, name),
      ...(way === undefined ? {} : { ending: way }),
    };
  });
}

/** The links that a rule takes from; of one that stands for many, those that are captured. */
function inputsOf({ rule, captures }: LiveRule): string[] {
  return captures.length === 0 ? [rule.input_interface] : captures.map(({ link }) => link.name);
}

function groupCount(inputs: readonly LiveRule[], link: Link | undefined): number {
  const joined = inputs
    .filter(({ pending }) => pending === undefined)
    .flatMap(membershipsOf)
    .filter(({ linkIndex }) => linkIndex === link?.index);
  return new Set(joined.map(({ group, source }) => `${group} ${source}`)).size;
}

/** How often memberships were reported again; nothing when none ever was. */
function rejoinCounts({ rejoin }: LinkParts, name: string): Pick<LinkStatus, "rejoin"> {
  const counts = rejoin.countsOf(name);
  if (counts === undefined) {
    return {};
  }
  const { reports, failed, lastMs, problem } = counts;
  const age = lastMs === undefined ? {} : { last_seconds: (performance.now() - lastMs) / 1000 };
  return { rejoin: { reports, failed, ...age, ...(problem === undefined ? {} : { problem }) } };
}

/** What workers counted on the link since it is captured; nothing when it is not. */
function frameCounts(
  { captures, pages }: LinkParts,
  name: string,
): Pick<LinkStatus, "frames" | "tagged" | "last_vlan"> {
  const captured = captures.list().find(({ link }) => link.name === name);
  if (captured === undefined) {
    return {};
  }
  const first = linkFirst + captured.counter * linkSize;
  const values = (field: keyof typeof linkField) => pages.map((page) => page.value(first + linkField[field]));
  const sum = (field: keyof typeof linkField) => values(field).reduce((all, each) => all + each, 0);
  const lastVlan = Math.max(0, ...values("lastVlan"));
  return { frames: sum("frames"), tagged: sum("tagged"), ...(lastVlan > 0 ? { last_vlan: lastVlan } : {}) };
}
