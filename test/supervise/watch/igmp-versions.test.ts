import { expect, test } from "bun:test";
import type { Rule } from "../../../src/rules/schema.ts";
import { mismatch } from "../../../src/supervise/watch/igmp-versions.ts";

function said(change: Partial<Rule>, spoken: 1 | 2 | 3 | undefined): string | undefined {
  const rule: Rule = {
    ...{ rule_id: "r", input_interface: "in0", input_group: "239.1.1.1", input_port: 1, input_protocol: 17 },
    ...{ outputs: [], source: "Dynamic", ...change },
  };
  return mismatch(rule, "in0", spoken);
}

test.each<[wish: Partial<Rule>, spoken: 1 | 2 | 3 | undefined, says: RegExp | undefined]>([
  [{}, 2, undefined],
  [{ input_igmp_version: 2 }, 2, undefined],
  [{ input_igmp_version: 3 }, 3, undefined],
  [{ input_igmp_version: 2 }, undefined, undefined],
  [{ input_igmp_version: 2 }, 3, /in0 speaks IGMPv3: .*'sysctl -w net.ipv4.conf.in0.force_igmp_version=2'/],
  [{ input_igmp_version: 3 }, 2, /in0 speaks IGMPv2: .* repeated in version 3.* older querier/],
  [{ input_source: "10.0.0.1" }, 3, undefined],
  [
    { input_source: "10.0.0.1" },
    2,
    /in0 speaks IGMPv2, which knows no sources: .* only what 10.0.0.1 sends is forwarded/,
  ],
])("a rule with %j on a link that speaks %p: %p", (wish, spoken, says) => {
  if (says === undefined) expect(said(wish, spoken)).toBeUndefined();
  else expect(said(wish, spoken)).toMatch(says);
});
