import { expect, test } from "bun:test";
import { swap } from "../../src/base/byte-order.ts";
import { record } from "../../src/log/record.ts";
import { LogPipe } from "../../src/log/writer.ts";
import { Datagram } from "../../src/relay/parse.ts";
import { FrameTrace } from "../../src/worker/frame-trace.ts";

function trace() {
  const lines: string[] = [];
  const pipe = new LogPipe({ write: (line) => (lines.push(line) > 0 ? "written" : "full"), clockUs: () => 0 });
  const links = new Map([[3, { link: "eth0" }]]);
  const rules = new Map([[7, { rule_id: "feed" }]]);
  const datagram = Object.assign(new Datagram(), {
    sourceWord: swap(0x0a000109),
    destinationWord: swap(0xef010203),
    portAndProtocol: 5000 | (17 << 16),
    payloadSize: 1400,
  });
  const said = () => lines.map((line) => record.parse(JSON.parse(line)));
  return { made: new FrameTrace(pipe, links, rules), pipe, datagram, said };
}

test("a frame is described by what it was and by what became of it", () => {
  const { made, pipe, datagram, said } = trace();
  pipe.follow("Trace", {});
  made.matched(3, datagram, 7);
  made.unmatched(3, datagram);
  made.refused(3, "fragment");
  const parsed = { link: "eth0", from: "10.0.1.9", to: "239.1.2.3:5000", protocol: 17, bytes: 1400 };
  expect(said().map(({ facility, message, fields }) => [facility, message, fields])).toEqual([
    ["PacketParser", "frame parsed", parsed],
    ["Ingress", "frame matched", { rule: "feed", datagrams: 1 }],
    ["PacketParser", "frame parsed", parsed],
    ["Ingress", "no rule wants this frame", { link: "eth0" }],
    ["PacketParser", "frame refused: fragment", { link: "eth0" }],
  ]);
});

test("it is wanted when one of its facilities traces, and then only that one speaks", () => {
  const { made, pipe, datagram, said } = trace();
  expect(made.isWanted).toBe(false);
  pipe.follow("Debug", { Egress: "Trace" });
  expect(made.isWanted).toBe(false);
  pipe.follow("Info", { Ingress: "Trace" });
  expect(made.isWanted).toBe(true);
  made.matched(3, datagram, 7);
  made.refused(3, "vlan");
  expect(said().map(({ message }) => message)).toEqual(["frame matched"]);
});

test("a link or rule that is gone is named by its number", () => {
  const { made, pipe, datagram, said } = trace();
  pipe.follow("Trace", {});
  made.matched(4, datagram, 8);
  expect(said().map(({ fields }) => fields)).toMatchObject([{ link: "capture 4" }, { rule: 8 }]);
});
