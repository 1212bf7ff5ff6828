// Whether the kernel forwards multicast by itself (smcroute, pimd, mrouted, …): then a datagram may arrive twice.
import { swap } from "../base/byte-order.ts";
import { formatIpv4 } from "../base/ipv4.ts";
import { fine, type Verdict } from "./verdict.ts";

/** `routes`: groups (dotted) that the kernel forwards, with the link they come in by. */
export type RoutingFacts = {
  /** Links of the kernel's multicast routing, by /proc/net/ip_mr_vif or mc_forwarding. */
  routed: ReadonlySet<string>;
  routes: readonly { group: string; link: string | undefined }[];
  /** What rules take, by link; empty when none are known. */
  inputs: readonly { link: string; group: string | undefined }[];
  /** A routing daemon of this network namespace. */
  daemon: { pid: number; name: string } | undefined;
};

const id = "kernel-routing";

/** What the kernel forwards of what rules take. */
export function judgeRouting({ routed, routes, inputs, daemon }: RoutingFacts): Verdict[] {
  if (routed.size === 0) {
    return [fine(id, "the kernel routes no multicast")];
  }
  const cure: Pick<Verdict, "commands" | "advice"> = {
    ...(daemon === undefined ? {} : { commands: [{ run: ["kill", String(daemon.pid)] as const }] }),
    advice: `Leave the forwarding to one of the two: stop ${daemon?.name ?? "the routing daemon (smcrouted, pimd, mrouted, …)"}, or take these links out of its configuration.`,
  };
  const twice = inputs.filter(({ link, group }) =>
    routes.some((route) => route.group === group && (route.link === link || route.link === undefined)),
  );
  if (twice.length > 0) {
    const what = [...new Set(twice.map(({ link, group }) => `${group} from ${link}`))].join(", ");
    return [
      {
        id,
        severity: "error",
        what: `The kernel forwards what rules relay: ${what}.`,
        why: "Receivers that both reach get every datagram twice.",
        ...cure,
      },
    ];
  }
  const shared = [...new Set(inputs.map(({ link }) => link))].filter((link) => routed.has(link));
  if (shared.length > 0) {
    return [
      {
        id,
        severity: "warning",
        what: `The kernel routes multicast from ${shared.join(", ")} by itself.`,
        why: "A group that both forward arrives twice; a group that nobody joined costs a new route each time.",
        ...cure,
      },
    ];
  }
  return [
    {
      id,
      severity: "note",
      what: `The kernel routes multicast between ${[...routed].join(", ")}; no rule takes from there.`,
    },
  ];
}

/** Links by the number of their virtual interface, from /proc/net/ip_mr_vif. */
export function parseVifs(text: string): Map<number, string> {
  const rows = text.split("\n").map((line) => line.trim().split(/\s+/));
  return new Map(rows.flatMap(([number = "", name]) => (/^\d+$/.test(number) && name ? [[Number(number), name]] : [])));
}

/** What is forwarded, from /proc/net/ip_mr_cache: a group, the virtual interface it comes in by, and those it leaves by. */
export function parseRoutes(text: string): { group: string; vif: number }[] {
  return text.split("\n").flatMap((line) => {
    const [group = "", , vif, , , , ...outputs] = line.trim().split(/\s+/);
    // A route without an output only remembers that nobody wants it.
    return /^[0-9A-F]{8}$/.test(group) && outputs.length > 0
      ? [{ group: formatIpv4(swap(Number.parseInt(group, 16))), vif: Number(vif) }]
      : [];
  });
}
