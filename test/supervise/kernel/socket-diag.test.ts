import { expect, test } from "bun:test";
import { parseSocket, question } from "../../../src/supervise/kernel/socket-diag.ts";

/** A struct inet_diag_msg of linux/inet_diag.h. */
function message(family: number, port: number, words: readonly number[], inode: number): Uint8Array {
  const bytes = new Uint8Array(72);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, family);
  view.setUint16(4, port, false);
  for (const [at, word] of words.entries()) view.setUint32(8 + at * 4, word, false);
  view.setUint32(68, inode, true);
  return bytes;
}

const ports = new Set([5000]);

test("an IPv4 socket has the first word for an address", () => {
  expect(parseSocket(message(2, 5000, [0xef010101], 4711), ports)).toEqual({
    address: 0xef010101,
    port: 5000,
    inode: 4711,
  });
});

test("an IPv6 socket hears IPv4 when it is bound to any address or to a mapped one, else not", () => {
  expect(parseSocket(message(10, 5000, [0, 0, 0, 0], 1), ports)).toEqual({ address: 0, port: 5000, inode: 1 });
  expect(parseSocket(message(10, 5000, [0, 0, 0xffff, 0x0a000102], 2), ports)?.address).toBe(0x0a000102);
  expect(parseSocket(message(10, 5000, [0xfe800000, 0, 0, 1], 3), ports)).toBeUndefined();
});

test("a transparent socket counts whatever its port, unless it has a far end", () => {
  // struct nlattr of INET_DIAG_SOCKOPT: size 6, type 22; the bit is IP_TRANSPARENT's.
  const options = (bits: number) => Uint8Array.of(6, 0, 22, 0, bits, 0, 0, 0);
  const with_ = (bits: number) => Buffer.concat([message(2, 1234, [0x7f000001], 9), options(bits)]);
  expect(parseSocket(with_(0x20), ports)).toEqual({ address: 0x7f000001, port: 1234, inode: 9, isTransparent: true });
  expect(parseSocket(with_(0xdf), ports)).toBeUndefined();
  const connected = with_(0x20);
  connected.writeUInt16BE(9, 6);
  expect(parseSocket(connected, ports)).toBeUndefined();
});

test("ports that nobody asked for, and messages cut short, are passed over", () => {
  expect(parseSocket(message(2, 5001, [0], 1), ports)).toBeUndefined();
  expect(parseSocket(message(2, 5000, [0], 1).subarray(0, 71), ports)).toBeUndefined();
});

test("the question names the family, UDP and every state, and brings the filter", () => {
  const bytes = question(2, Uint8Array.of(1, 4, 8, 0));
  expect(bytes.length).toBe(16 + 56 + 8);
  expect([...bytes.subarray(16, 24)]).toEqual([2, 17, 0, 0, 255, 255, 255, 255]);
  expect([...bytes.subarray(16 + 56)]).toEqual([8, 0, 1, 0, 1, 4, 8, 0]);
});
