// Groups and ports: which flow goes where.
import { formatIpv4, isMulticast } from "../base/ipv4.ts";
import { failed, type Outcome } from "../base/outcome.ts";

/** Where a flow goes or is heard; the group may be a unicast address, 0 is any address of this host. */
export type Target = { group: number; port: number };

/** What differs between flows. */
export type FlowStep = "port" | "group";

/** `flows` targets from each of `firsts` on, one port or one group apart. */
export function expand(firsts: readonly Target[], flows: number, step: FlowStep): Outcome<Target[]> {
  const targets: Target[] = [];
  for (const first of firsts) {
    for (let flow = 0; flow < flows; flow++) {
      const port = first.port + (step === "port" ? flow : 0);
      const group = first.group + (step === "group" ? flow : 0);
      if (port > 65_535) {
        return failed(`--flows: flow ${flow} would have port ${port}; ports end at 65535`);
      }
      if (group > 0xffff_ffff || isMulticast(group) !== isMulticast(first.group)) {
        return failed(`--flows: ${flows} groups from ${formatIpv4(first.group)} on leave the range of multicast`);
      }
      targets.push({ group, port });
    }
  }
  return { ok: true, value: targets };
}

/** `239.1.1.1:5000`, `*:5000`. */
export function describeTarget(target: Target): string {
  return `${target.group === 0 ? "*" : formatIpv4(target.group)}:${target.port}`;
}
