import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readPcap } from "../../src/ctl/pcap.ts";
import { ruleFor, walk } from "../../src/ctl/walk.ts";
import { fragmentFrames, join, patternPayload, tcpFrame, u16, u32, udpFrame } from "../helpers/frames.ts";
import { prove } from "../helpers/prove.ts";

const flow = { source: "10.0.0.1", destination: "239.1.1.1", sourcePort: 4000, destinationPort: 5000 };
const whole = (bytes: Uint8Array) => walk({ bytes, wireSize: bytes.length });

describe("a walked frame", () => {
  test("that is good is the datagram it carries, whatever its size", () => {
    for (const size of [0, 1, 2, 1471, 1472]) {
      const { refusal, datagram } = whole(udpFrame(flow, patternPayload(size)));
      expect({ refusal, size: datagram.payloadSize }).toEqual({ refusal: undefined, size });
    }
  });

  test("is refused as a worker would", () => {
    const [fragment = new Uint8Array(0)] = fragmentFrames(flow, patternPayload(3000), 1400);
    const good = udpFrame(flow, patternPayload(100));
    expect([
      whole(tcpFrame(flow)).refusal,
      whole(fragment).refusal,
      whole(udpFrame(flow, patternPayload(9), { udp: { checksum: "wrong" } })).refusal,
      whole(udpFrame(flow, patternPayload(9), { ethernet: { vlans: [{ id: 7 }] } })).refusal,
      walk({ bytes: good.subarray(0, 60), wireSize: good.length }).refusal,
    ]).toEqual(["protocol", "fragment", "udp_checksum", "vlan", "truncated"]);
  });

  test("with a priority tag alone is on no VLAN", () => {
    expect(whole(udpFrame(flow, patternPayload(9), { ethernet: { vlans: [{ id: 0, priority: 5 }] } }))).toMatchObject({
      refusal: undefined,
      vlan: 0,
    });
  });

  test("may be any bytes", () => {
    prove(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(2000), (bytes, more) => {
        walk({ bytes, wireSize: bytes.length + more });
        return true;
      }),
      500,
    );
  });

  test("finds the rule that a worker would find", () => {
    const rule = (rule_id: string, input_group: string, input_port: number, input_source?: string) => ({
      ...{
        rule_id,
        input_interface: "eth0",
        input_group,
        input_port,
        input_protocol: 17,
        outputs: [],
        source: "Static" as const,
      },
      ...(input_source === undefined ? {} : { input_source }),
    });
    const rules = [
      rule("any", "239.1.1.1", 5000),
      rule("one", "239.1.1.1", 5000, "10.0.0.1"),
      rule("x", "239.1.1.1", 6000),
    ];
    const { datagram } = whole(udpFrame(flow, patternPayload(9)));
    const other = whole(udpFrame({ ...flow, source: "10.0.0.2" }, patternPayload(9))).datagram;
    expect([ruleFor(rules, datagram)?.rule_id, ruleFor(rules, other)?.rule_id]).toEqual(["one", "any"]);
    expect(ruleFor(rules.slice(2), datagram)).toBeUndefined();
  });
});

describe("a capture file", () => {
  const little = (value: number) => u32(value).reverse();
  const head = (order: (value: number) => Uint8Array, magic: number, link = 1) =>
    join(order(magic), new Uint8Array(16), order(link));
  const record = (order: (value: number) => Uint8Array, bytes: Uint8Array, wireSize: number) =>
    join(new Uint8Array(8), order(bytes.length), order(wireSize), bytes);

  test.each([
    ["little-endian microseconds", little, 0xa1b2c3d4],
    ["big-endian microseconds", u32, 0xa1b2c3d4],
    ["little-endian nanoseconds", little, 0xa1b23c4d],
  ] as const)("in %s gives its frames", (_, order, magic) => {
    const file = join(head(order, magic), record(order, Uint8Array.of(1, 2, 3), 9), record(order, Uint8Array.of(4), 1));
    expect(readPcap(file, 10)).toEqual({
      ok: true,
      value: [
        { bytes: Uint8Array.of(1, 2, 3), wireSize: 9 },
        { bytes: Uint8Array.of(4), wireSize: 1 },
      ],
    });
    expect(readPcap(file, 1)).toMatchObject({ value: { length: 1 } });
    // The end is missing, as of a file that is still written.
    expect(readPcap(file.subarray(0, file.length - 1), 10)).toMatchObject({ value: { length: 1 } });
  });

  test("of another kind is refused with the cure", () => {
    const error = (file: Uint8Array) => {
      const read = readPcap(file, 1);
      return read.ok ? "" : read.error;
    };
    expect(error(new Uint8Array(3))).toContain("too short");
    expect(error(join(u32(0x0a0d0d0a), new Uint8Array(40)))).toContain("pcapng");
    expect(error(head(little, 0xa1b2c3d4, 113))).toContain("link type 113");
    expect(error(join(u16(7), new Uint8Array(40)))).toContain("no pcap file");
  });

  test("may be any bytes", () => {
    prove(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => readPcap(bytes, 5) !== undefined),
      500,
    );
  });
});
