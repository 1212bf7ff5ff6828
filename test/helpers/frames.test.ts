import { describe, expect, test } from "bun:test";
import {
  addressBytes,
  checksum,
  ethernet,
  fragmentFrames,
  groupMac,
  ipv4,
  macBytes,
  patternPayload,
  udp,
  udpFrame,
} from "./frames.ts";
import { superFrame } from "./rawsend.ts";

const flow = { source: "10.0.0.1", destination: "239.1.2.3", sourcePort: 4000, destinationPort: 5000 };

describe("checksums", () => {
  test("agree with the example of RFC 1071, section 3", () => {
    const example = Uint8Array.fromHex("0001f203f4f5f6f7");
    expect(checksum(example)).toBe(~0xddf2 & 0xffff);
    expect(checksum(example.subarray(0, 4), example.subarray(4))).toBe(~0xddf2 & 0xffff);
  });

  test("count an odd last byte as the high half of a word", () => {
    expect(checksum(Uint8Array.of(0x12))).toBe(~0x1200 & 0xffff);
  });

  test("of an IPv4 header come out as in a captured one", () => {
    const captured = "45000073000040004011b861c0a80001c0a800c7";
    const packet = ipv4(
      { source: "192.168.0.1", destination: "192.168.0.199", ttl: 64, dontFragment: true },
      new Uint8Array(0x73 - 20),
    );
    expect(packet.subarray(0, 20).toHex()).toBe(captured);
  });

  test("of a datagram verify to zero over the pseudo header", () => {
    const datagram = udp(flow, patternPayload(33));
    const pseudo = Uint8Array.of(...addressBytes(flow.source), ...addressBytes(flow.destination), 0, 17, 0, 41);
    expect(checksum(pseudo, datagram)).toBe(0);
    expect(checksum(pseudo, udp(flow, patternPayload(33), { checksum: "wrong" }))).not.toBe(0);
    expect(udp(flow, patternPayload(33), { checksum: "none" }).subarray(6, 8).toHex()).toBe("0000");
  });
});

describe("layout", () => {
  test("a group's Ethernet address holds its low 23 bits", () => {
    expect(groupMac("239.1.2.3")).toBe("01:00:5e:01:02:03");
    expect(groupMac("224.128.255.255")).toBe("01:00:5e:00:ff:ff");
  });

  test("tags stand between the addresses and the type, outermost first", () => {
    const vlans = [
      { id: 600, type: 0x88a8 },
      { id: 7, priority: 5 },
    ];
    const frame = ethernet({ destination: "01:00:5e:01:02:03", vlans }, new Uint8Array(0));
    expect(frame.subarray(0, 6)).toEqual(macBytes("01:00:5e:01:02:03"));
    expect(frame.subarray(12).toHex()).toBe("88a80258" + "8100a007" + "0800");
  });

  test("options lengthen the header in words of four bytes", () => {
    const packet = ipv4(
      { source: "10.0.0.1", destination: "10.0.0.2", options: Uint8Array.of(0x94, 4, 0, 0, 1) },
      new Uint8Array(8),
    );
    expect(packet[0]).toBe(0x47);
    expect(packet.length).toBe(20 + 8 + 8);
    expect(checksum(packet.subarray(0, 28))).toBe(0);
  });

  test("a lie stands in the header while the bytes stay as they are", () => {
    const frame = udpFrame(flow, patternPayload(10), { ipv4: { totalLength: 99 }, udp: { length: 3 } });
    expect(frame.length).toBe(14 + 20 + 8 + 10);
    expect(frame.subarray(16, 18).toHex()).toBe("0063");
    expect(frame.subarray(38, 40).toHex()).toBe("0003");
  });

  test("fragments laid at their offsets are the datagram", () => {
    const payload = patternPayload(3000);
    const frames = fragmentFrames(flow, payload, 1480);
    const whole = new Uint8Array(3008);
    const flags = frames.map((frame) => {
      const view = new DataView(frame.buffer, 14);
      whole.set(frame.subarray(34), (view.getUint16(6) & 0x1fff) * 8);
      return view.getUint16(6) >>> 13;
    });
    expect(flags).toEqual([1, 1, 0]);
    expect(whole).toEqual(udp(flow, payload));
  });

  test("a super-frame names its segment size and carries the pseudo header's sum", () => {
    const frame = superFrame(udpFrame(flow, patternPayload(300)), 100);
    expect(frame.subarray(0, 10).toHex()).toBe("0105" + "2a00" + "6400" + "2200" + "0600");
    const pseudo = Uint8Array.of(...addressBytes(flow.source), ...addressBytes(flow.destination), 0, 17, 1, 0x34);
    const partial = new DataView(frame.buffer, 10 + 40).getUint16(0);
    expect(partial).toBe(~checksum(pseudo) & 0xffff);
  });
});
