// Relays that are ordinary programs: the two written for this bench, and socat.
import type { Lab } from "../../helpers/namespaces.ts";
import type { Running } from "../../helpers/running.ts";
import { input, outputs, type Shape, spelled } from "../bed.ts";
import { bpfObject, program } from "../compile.ts";
import { type Contender, type Contestant, missing, onRelayCpu } from "./contender.ts";

async function contestant(all: readonly Running[]): Promise<Contestant> {
  return {
    pids: () => all.map(({ pid }) => pid),
    stop: async () => {
      await Promise.all(all.map((running) => running.end()));
    },
  };
}

async function startPeer(lab: Lab, command: readonly string[]): Promise<Contestant> {
  const running = lab.spawn("relay", onRelayCpu(command));
  await running.says("ready\n");
  return contestant([running]);
}

/** recvmmsg and sendmmsg: what every ratio is against. */
export const plain: Contender = {
  name: "plain",
  title: "plain C: recvmmsg, sendmmsg",
  warmUpSeconds: 0.3,
  kind: "program",
  refuses: () => undefined,
  start: (lab, shape) =>
    startPeer(lab, [program("peers/plain.c"), String(shape.flows), spelled(input), ...outputs(shape).map(spelled)]),
};

export const uring: Contender = {
  name: "uring",
  title: "C: AF_PACKET, io_uring, a send each",
  warmUpSeconds: 0.3,
  kind: "program",
  refuses: () => undefined,
  start: (lab, shape) => {
    const places = [spelled(input), ...outputs(shape).map(spelled)];
    return startPeer(lab, [program("peers/uring.c"), String(shape.flows), input.link, ...places]);
  },
};

/** A capture of `peers/gso.c`, and what its link needs to serve it. */
function captureTrial(mode: string, title: string, prepare: () => string[][], undo: readonly string[]): Contender {
  return {
    name: `gso-${mode}`,
    title,
    warmUpSeconds: 0.3,
    kind: "program",
    isTrial: true,
    refuses: ({ flows }) => (flows > 1 ? "it carries one flow" : undefined),
    start: async (lab, shape) => {
      for (const command of prepare()) lab.exec("relay", command);
      const places = [spelled(input), ...outputs(shape).map(spelled)];
      const peer = await startPeer(lab, [program("peers/gso.c"), mode, input.link, ...places]);
      return {
        ...peer,
        stop: async () => {
          await peer.stop();
          lab.exec("relay", undo);
        },
      };
    },
  };
}

/** Ends every frame behind the tap, for programs that have nothing of their own for it. */
function ending(): string[][] {
  const program = ["bpf", "direct-action", "object-file", bpfObject("peers/end.bpf.c"), "section", "tc"];
  return [
    ["tc", "qdisc", "replace", "dev", input.link, "clsact"],
    ["tc", "filter", "add", "dev", input.link, "ingress", ...program],
  ];
}
const passing = ["tc", "qdisc", "del", "dev", input.link, "clsact"];
const gathering = (is: "on" | "off") => ["ethtool", "-K", input.link, "gro", is];

/** What the choice of a capture is worth, with the same sends behind it. */
export const captureTrials: readonly Contender[] = [
  captureTrial("v2", "C: TPACKET_V2, GSO, ended after the tap", ending, passing),
  captureTrial("v3", "C: TPACKET_V3, GSO, ended after the tap", ending, passing),
  captureTrial("gro", "C: UDP socket with UDP_GRO, GSO", () => [gathering("on")], gathering("off")),
];

/** One socat carries one flow to one output; more of them share the group's port. */
function socatCommand(shape: Shape, index: number): string[] {
  const flow = Math.floor(index / shape.outputs);
  const to = outputs(shape)[index % shape.outputs];
  if (to === undefined) throw new Error(`no output ${index}`);
  // The kernel makes of it what net.core.rmem_max allows.
  const room = "rcvbuf=8388608";
  const from = `UDP4-RECV:${input.port + flow},bind=${input.group},reuseaddr,ip-add-membership=${input.group}:${input.address},${room}`;
  const target = `UDP4-DATAGRAM:${to.group}:${to.port + flow},ip-multicast-if=${to.address}`;
  return onRelayCpu(["socat", "-u", "-b", "65536", from, target]);
}

export const socat: Contender = {
  name: "socat",
  title: "socat",
  warmUpSeconds: 0.3,
  kind: "program",
  refuses: () => missing("socat", "socat"),
  start: async (lab, shape) => {
    const all = Array.from({ length: shape.flows * shape.outputs }, (_, index) =>
      lab.spawn("relay", socatCommand(shape, index)),
    );
    // It does not say when it is ready; the warm-up is long enough, and the first trial would show it.
    await Bun.sleep(300 + 5 * all.length);
    const gone = all.find(({ isUp }) => !isUp);
    if (gone !== undefined) throw new Error(`socat ended at its start: ${gone.stderr}`);
    return contestant(all);
  },
};
