// One output that cannot send, beside one that can: the good one must not notice, and every datagram is accounted for.
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { Relay } from "../helpers/relay.ts";
import { outputOf, ruleOf, settled, statusOf } from "../helpers/status.ts";
import { bench, generate, intact, Sink } from "../helpers/traffic.ts";
import { until } from "../helpers/until.ts";

const lab = bench("outputs");
afterEach(() => lab.endAll());
afterAll(() => lab.close());

const count = 20_000;
const good = { group: "239.2.2.2", port: 5001, interface: "out0" };

type Bad = {
  output: { group: string; port: number; interface: string };
  /** Breaks it under traffic, and mends it. */
  break?: () => unknown;
  mend?: () => unknown;
  /** The errno that the sends report, or that datagrams were given up, or that a neighbour is silent, of which no send hears. */
  shows: string;
};

const route = "route add 10.9.9.0/24 via 10.0.3.2 dev out1";
lab.ip("relay", route);
lab.ip("sink", "route add unreachable 10.9.9.9");
lab.sysctl("sink", "net.ipv4.ip_forward", 1);
const far = { group: "10.0.3.2", port: 5001, interface: "out1" };
const tc = (words: string) => lab.exec("relay", ["tc", "qdisc", ...words.split(" ")]);
const firewall = `table ip mcrt {
  chain out {
    type filter hook output priority 0;
    ip daddr 10.0.3.2 drop
  }
}`;

const bad: [what: string, bad: Bad][] = [
  ["a unicast port that nobody listens on", { output: far, shows: "ECONNREFUSED" }],
  ["a host that does not answer ARP", { output: { ...far, group: "10.0.3.77" }, shows: "silence" }],
  ["a host that a router says is unreachable", { output: { ...far, group: "10.9.9.9" }, shows: "EHOSTUNREACH" }],
  [
    "a link whose transmit queue takes nothing",
    {
      output: far,
      break: () => tc("add dev out1 root pfifo limit 0"),
      mend: () => tc("del dev out1 root"),
      shows: "ENOBUFS",
    },
  ],
  [
    "a link that goes down",
    {
      output: { ...far, group: "239.3.3.3" },
      break: () => lab.ip("relay", "link set out1 down"),
      mend: () => {
        lab.ip("relay", "link set out1 up");
        lab.ip("relay", route);
      },
      shows: "dropped",
    },
  ],
  [
    "a link that is a hundred times too slow",
    {
      output: far,
      break: () => tc("add dev out1 root tbf rate 1mbit burst 10kb limit 100mb"),
      mend: () => tc("del dev out1 root"),
      shows: "EAGAIN",
    },
  ],
  [
    "a firewall that drops what it sends",
    {
      output: far,
      break: () => lab.exec("relay", ["nft", "-f", "-"], firewall),
      mend: () => lab.exec("relay", ["nft", "delete", "table", "ip", "mcrt"]),
      shows: "EPERM",
    },
  ],
];

describe.each(["split", "unified"])("in the pipeline %s", (pipeline) => {
  test.each(bad)("%s costs no other output a datagram", async (_, { output, break: breaks, mend, shows }) => {
    const relay = await Relay.start(lab, "relay", ["--workers", "1", "--pipeline", pipeline]);
    const input = { input_interface: "in0", input_group: "239.1.1.1", input_port: 5000 };
    // The bad one stands first, where it would be served first.
    await relay.must({ AddRule: { name: "feed", ...input, outputs: [output, good] } });
    const listen = ["--group", good.group, "--port", "5001", "--interface", "in0", "--expect", `${count}`];
    const sink = await Sink.start(lab, "sink", listen);
    const sending = generate(lab, "gen", [
      ...["--group", "239.1.1.1", "--port", "5000", "--interface", "out0", "--rate", "20k", "--size", "0-1472"],
      ...["--count", `${count}`],
    ]);
    await until("the stream flows", async () => (await ruleOf(relay, "feed")).datagrams > count / 10);
    breaks?.();
    await sending;
    const received = await sink.received();
    mend?.();
    const { datagrams, outputs } = await settled(relay, "feed");
    const { frames, workers } = await statusOf(relay);
    const [first, second] = outputs;
    expect({ received, datagrams, second, frames }).toMatchObject({
      received: { ...intact, received: count },
      datagrams: count,
      second: { datagrams_sent: count, datagrams_failed: 0, datagrams_dropped: 0 },
      frames: { kernel_drops: 0 },
    });
    const shown = new Set(Object.keys(workers[0]?.send_errors ?? {}));
    if ((first?.datagrams_dropped ?? 0) > 0) shown.add("dropped");
    if (shows === "silence") {
      const state = await until(
        "the neighbour is known as silent",
        () => outputOf(relay, "feed", "out1"),
        (each) => each.silent_neighbour !== undefined,
      );
      expect(state.silent_neighbour).toBe(output.group);
    } else {
      expect([...shown]).toContain(shows);
    }
    const failures = Object.keys(first?.failures ?? {}).filter((name) => name !== "EAGAIN" && name !== "ENOBUFS");
    if (shows === "silence" || failures.length > 0) await relay.logs("an output fails: ");
    // Once in ten seconds, however many sends failed.
    expect(relay.log.split("an output fails").length - 1).toBeLessThanOrEqual(1);
    await relay.stop();
  });
});
