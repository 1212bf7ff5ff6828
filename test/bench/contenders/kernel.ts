// Relays inside the kernel: multicast routing (set up by smcroute), nftables at netdev ingress, a program at tc ingress. Their
// work is done by whoever receives, here on top of the generator's sends.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "../../helpers/namespaces.ts";
import { until } from "../../helpers/until.ts";
import { input, outputs, type Place, type Shape } from "../bed.ts";
import { bpfObjectWith } from "../compile.ts";
import { type Contender, missing } from "./contender.ts";

function mac(lab: Lab, link: string): string {
  return /link\/ether (\S+)/.exec(lab.ip("relay", `link show dev ${link}`))?.[1] ?? "";
}

function numberOf(address: string): string {
  const value = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  return `0x${value.toString(16)}`;
}

/** The multicast address of RFC 1112 6.4: the low 23 bits of the group. */
function groupMac(group: string): string {
  const [, b, c, d] = group.split(".").map(Number);
  const bytes = [1, 0, 0x5e, (b ?? 0) & 0x7f, c ?? 0, d ?? 0];
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** Kernel multicast forwarding cannot change the group, so each output is a link. */
export const smcroute: Contender = {
  name: "smcroute",
  title: "kernel multicast forwarding (smcroute), no rewrite",
  warmUpSeconds: 0.3,
  kind: "kernel",
  refuses: (shape) =>
    missing("smcrouted", "smcroute") ??
    (shape.outputs > 3 ? "one output per link, and there are three links" : undefined),
  arrivals: (shape) => outputs(shape).map((place) => ({ ...place, group: input.group, port: input.port })),
  async start(lab, shape) {
    const links = outputs(shape).map(({ link }) => link);
    const conf = join(lab.dir, "smcroute.conf");
    const enabled = [input.link, ...links].map((link) => `phyint ${link} enable\n`).join("");
    // No mgroup: nothing between generator and relay asks for one, and a joined group would go up the IP stack as well.
    const routes = `mroute from ${input.link} group ${input.group} to ${links.join(" ")}\n`;
    writeFileSync(conf, enabled + routes);
    const own = ["-f", conf, "-P", join(lab.dir, "smcroute.pid"), "-u", join(lab.dir, "smcroute.sock")];
    const daemon = lab.spawn("relay", ["smcrouted", "-n", "-N", ...own]);
    await until(
      "the kernel routes multicast",
      () => lab.read("relay", "/proc/net/ip_mr_vif"),
      (text) => [input.link, ...links].every((link) => text.includes(link)),
    );
    return { pids: () => [], stop: () => daemon.end() };
  },
};

function nftOutput(lab: Lab, shape: Shape, to: Place, isLast: boolean): string {
  const ports = Array.from({ length: shape.flows }, (_, flow) => `${input.port + flow} : ${to.port + flow}`);
  const port = shape.flows === 1 ? String(to.port) : "$flow";
  const addresses = `ether saddr set ${mac(lab, to.link)} ether daddr set ${groupMac(to.group)} ip saddr set ${to.address} ip daddr set ${to.group} ip ttl set 1`;
  const hand = `${isLast ? "fwd" : "dup"} to "${to.link}"`;
  return port === "$flow"
    ? `${addresses} udp dport set udp dport map { ${ports.join(", ")} } ${hand}`
    : `${addresses} udp dport set ${port} ${hand}`;
}

export const nftables: Contender = {
  name: "nftables",
  title: "nftables, netdev ingress, fwd",
  warmUpSeconds: 0.3,
  kind: "kernel",
  refuses: (shape) =>
    missing("nft", "nftables") ??
    (shape.flows > 1 && shape.outputs > 1 ? "its map of ports would see the first output's" : undefined),
  async start(lab, shape) {
    const places = outputs(shape);
    // A rule per output: one rule has no room for fifty. The matching comes once, before anything is rewritten.
    const steps = places.map((place, index) => nftOutput(lab, shape, place, index === places.length - 1));
    const match = `ip daddr ${input.group} udp dport ${input.port}-${input.port + shape.flows - 1}`;
    const hook = `type filter hook ingress device "${input.link}" priority 0;\n${match} goto relay`;
    const chains = `chain relay {\n${steps.join("\n")}\n}\nchain ingress {\n${hook}\n}`;
    lab.exec("relay", ["nft", "-f", "-"], `table netdev bench {\n${chains}\n}\n`);
    return {
      pids: () => [],
      stop: async () => {
        lab.exec("relay", ["nft", "delete table netdev bench"]);
      },
    };
  },
};

function linkIndex(lab: Lab, link: string): number {
  return Number(/^(\d+):/.exec(lab.ip("relay", `-o link show dev ${link}`))?.[1]);
}

function table(lab: Lab, shape: Shape): string {
  const rows = outputs(shape).map(({ group, port, link, address }) => {
    const bytes = mac(lab, link)
      .split(":")
      .map((byte) => `0x${byte}`);
    return `{ ${numberOf(group)}, ${port}, ${numberOf(address)}, ${linkIndex(lab, link)}, { ${bytes.join(", ")} } }`;
  });
  const lines = [
    `#define INPUT_GROUP ${numberOf(input.group)}`,
    `#define INPUT_PORT ${input.port}`,
    `#define FLOWS ${shape.flows}`,
    `#define OUTPUTS { ${rows.join(", ")} }`,
  ];
  return `${lines.join("\n")}\n`;
}

export const tcBpf: Contender = {
  name: "tc-bpf",
  title: "tc/eBPF: rewrite, clone, redirect",
  warmUpSeconds: 0.3,
  kind: "kernel",
  refuses: () => missing("clang", "clang") ?? missing("tc", "iproute2"),
  async start(lab, shape) {
    writeFileSync(join(lab.dir, "table.h"), table(lab, shape));
    const object = bpfObjectWith("peers/rewrite.bpf.c", lab.dir);
    lab.exec("relay", ["tc", "qdisc", "add", "dev", input.link, "clsact"]);
    const loaded = ["bpf", "direct-action", "object-file", object, "section", "tc"];
    lab.exec("relay", ["tc", "filter", "add", "dev", input.link, "ingress", ...loaded]);
    return {
      pids: () => [],
      stop: async () => {
        lab.exec("relay", ["tc", "qdisc", "del", "dev", input.link, "clsact"]);
      },
    };
  },
};
