// ESP (protocol 50): no ports, nothing to gather; each packet leaves as it came, under another address.
import { afterAll, expect, test } from "bun:test";
import { espFrame, patternPayload } from "../helpers/frames.ts";
import { Listener } from "../helpers/listener.ts";
import { rawsend } from "../helpers/rawsend.ts";
import { Relay } from "../helpers/relay.ts";
import { statusOf } from "../helpers/status.ts";
import { bench } from "../helpers/traffic.ts";
import { until } from "../helpers/until.ts";

const lab = bench("esp");
afterAll(() => lab.close());

/** What stands behind the IP header: SPI, sequence number, and what nobody on the way can read. */
const bodyOf = (sequence: number, size: number) =>
  `000000ff${sequence.toString(16).padStart(8, "0")}${patternPayload(size, sequence).toHex()}`;

test("packets of ESP arrive one by one, in order, on every output of their rule", async () => {
  const relay = await Relay.start(lab, "relay", ["--workers", "1"]);
  const outputs = [
    { group: "239.2.2.2", port: 0, interface: "out0" },
    { group: "239.3.3.3", port: 0, interface: "out1" },
  ];
  const rule = { input_interface: "in0", input_group: "239.1.1.1", input_port: 0, input_protocol: 50, outputs };
  await relay.must({ AddRule: { name: "esp", ...rule } });
  const first = await Listener.startRaw(lab, "sink", 50, { group: "239.2.2.2", linkAddress: "10.0.2.2" });
  const second = await Listener.startRaw(lab, "sink", 50, { group: "239.3.3.3", linkAddress: "10.0.3.2" });
  // All of one size, so that they would be gathered if they were UDP.
  const numbers = Array.from({ length: 40 }, (_, at) => at + 1);
  const frames = numbers.map((number) => espFrame("10.0.1.1", "239.1.1.1", 0xff, number, patternPayload(200, number)));
  rawsend(lab, "gen", "out0", frames);
  const wanted = numbers.map((number) => bodyOf(number, 200));
  for (const [listener, from] of [
    [first, "10.0.2.1"],
    [second, "10.0.3.1"],
  ] as const) {
    // A raw socket without ports hears both groups; each listener's own are those from its link's address.
    const own = () => listener.heard.filter((heard) => heard.from === from).map(({ payload }) => payload);
    expect(await until("forty packets", own, ({ length }) => length >= 40)).toEqual(wanted);
  }
  const { rules } = await statusOf(relay);
  expect(rules[0]?.outputs.map(({ datagrams_sent }) => datagrams_sent)).toEqual([40, 40]);
  await relay.stop();
});
