// Gathers what the kernel says of its own multicast routing.
import { judgeRouting, parseRoutes, parseVifs } from "./multicast-routing.ts";
import type { Place } from "./place.ts";
import type { Verdict } from "./verdict.ts";

/** Names of programs that make the kernel route multicast, cut to the 15 characters of /proc/PID/comm. */
const daemons: readonly string[] = [
  "smcrouted",
  "pimd",
  "pimdd",
  "mrouted",
  "igmpproxy",
  "pim6sd",
  "xorp_fea",
  "omcproxy",
];
const settings = "/proc/sys/net/ipv4/conf";

/** Whether the kernel forwards multicast beside the relay. */
export function checkRouting(place: Place): Verdict[] {
  const { machine, supervisor } = place;
  const vifs = parseVifs(machine.text("/proc/net/ip_mr_vif") ?? "");
  // Other routing tables have their own interfaces, which that file does not list.
  const forwarding = machine
    .names(settings)
    .filter(
      (link) => link !== "all" && link !== "default" && machine.number(`${settings}/${link}/mc_forwarding`) === 1,
    );
  const routed = new Set([...vifs.values(), ...forwarding]);
  const rules = supervisor.kind === "answers" ? supervisor.status.rules : [];
  return judgeRouting({
    routed,
    routes: parseRoutes(machine.text("/proc/net/ip_mr_cache") ?? "").map(({ group, vif }) => ({
      group,
      link: vifs.get(vif),
    })),
    inputs: [
      ...rules.map((rule) => ({ link: rule.input_interface, group: rule.input_group })),
      ...place.named.map((link) => ({ link, group: undefined })),
    ],
    daemon: routed.size === 0 ? undefined : daemonOf(place),
  });
}

/** The first of `daemons` in this network namespace. */
function daemonOf({ machine }: Place): { pid: number; name: string } | undefined {
  const own = machine.target("/proc/self/ns/net");
  for (const pid of machine.names("/proc").filter((name) => /^\d+$/.test(name))) {
    const name = machine.text(`/proc/${pid}/comm`);
    if (name !== undefined && daemons.includes(name) && machine.target(`/proc/${pid}/ns/net`) === own) {
      return { pid: Number(pid), name };
    }
  }
  return undefined;
}
