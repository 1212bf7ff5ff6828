import { expect, test } from "bun:test";
import fc from "fast-check";
import { portRangesMax, socketFilter } from "../../../src/supervise/kernel/socket-filter.ts";

type Socket = { local: number; far: number };
type Step = { code: number; yes: number; no: number; port: number };

function stepAt(bytes: Uint8Array, at: number): Step {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const [code, yes] = [view.getUint8(at), view.getUint8(at + 1)];
  return { code, yes, no: view.getUint16(at + 2, true), port: yes === 8 ? view.getUint16(at + 6, true) : 0 };
}

/** As inet_diag_bc_run() of net/ipv4/inet_diag.c. */
function passes(bytes: Uint8Array, { local, far }: Socket): boolean {
  let at = 0;
  while (at < bytes.length) {
    const { code, yes, no, port } = stepAt(bytes, at);
    const isTrue = [() => true, () => false, () => local >= port, () => local <= port, () => far >= port][code];
    if (isTrue === undefined) throw new Error(`no such operation: ${code}`);
    at += isTrue() ? yes : no;
  }
  return at === bytes.length;
}

/** As inet_diag_bc_audit(): what the kernel refuses a question for. */
function isSound(bytes: Uint8Array): boolean {
  const starts = new Set<number>();
  for (let at = 0; at < bytes.length; at += stepAt(bytes, at).yes) {
    starts.add(at);
    if (stepAt(bytes, at).yes < 4) return false;
  }
  return [...starts].every((at) => {
    const { code, yes, no } = stepAt(bytes, at);
    const size = code === 1 ? 4 : 8;
    const isShort = (way: number) => way >= size && way <= bytes.length - at + 4 && way % 4 === 0;
    return isShort(yes) && isShort(no) && at + yes <= bytes.length && (at + no >= bytes.length || starts.has(at + no));
  });
}

const port = fc.integer({ min: 1, max: 65_535 });

test("what is bound to a wanted port passes, and of what has no far end everything", () => {
  fc.assert(
    fc.property(
      fc.array(port, { maxLength: portRangesMax }),
      port,
      fc.option(port, { nil: 0 }),
      (ports, local, far) => {
        const filter = socketFilter(ports);
        expect(isSound(filter)).toBe(true);
        expect(passes(filter, { local, far })).toBe(far === 0 || ports.includes(local));
        for (const wanted of ports) expect(passes(filter, { local: wanted, far })).toBe(true);
      },
    ),
  );
});

test("of ports in more ranges than there is room for, too many pass and none too few", () => {
  const ports = Array.from({ length: 1000 }, (_, index) => 1000 + 3 * index);
  const filter = socketFilter([...ports, 65_535]);
  expect(isSound(filter)).toBe(true);
  expect(filter.length).toBeLessThan(portRangesMax * 24);
  for (const local of ports) expect(passes(filter, { local, far: 9 })).toBe(true);
  // An output has a port of the ephemeral range: the widest gap stays.
  for (const local of [999, 32_768, 60_999, 65_534]) expect(passes(filter, { local, far: 9 })).toBe(false);
});

test("the ends of the range of ports are ports like any other", () => {
  const filter = socketFilter([1, 65_535]);
  for (const [local, isWanted] of [
    [1, true],
    [2, false],
    [65_534, false],
    [65_535, true],
  ] as const) {
    expect(passes(filter, { local, far: 1 })).toBe(isWanted);
  }
});
