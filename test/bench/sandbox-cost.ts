// What the sandbox costs a loop: io_uring_enter without waiting, before and after this process confines itself as a worker does.
// Usage: bun test/bench/sandbox-cost.ts [ROUNDS] | cat    default 7, of 300,000 calls each; as root; a confined process writes
// to no file
import { pageSize, refusedCall } from "../../src/relay/counters.ts";
import { shim } from "../../src/shim/library.ts";
import { map } from "../../src/shim/memory.ts";
import { Uring } from "../../src/shim/ring.ts";
import { confine } from "../../src/worker/sandbox/confine.ts";

const calls = 300_000;
const rounds = Number(process.argv[2] ?? "7");
const ring = new Uring({ entries: 8, sendsMax: 1, piecesMax: 1 });
const monotonic = 1;

/** Nanoseconds of a call, a round each. */
function measure(): number[] {
  return Array.from({ length: rounds }, () => {
    const before = shim.mcr_clock_ns(monotonic);
    for (let call = 0; call < calls; call++) ring.wait(0, 0);
    return (shim.mcr_clock_ns(monotonic) - before) / calls;
  });
}

function spread(values: number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const [low = 0, median = 0, high = 0] = [sorted[0], sorted[sorted.length >> 1], sorted.at(-1)];
  return `${median.toFixed()} (${low.toFixed()} to ${high.toFixed()})`;
}

measure();
const open = measure();
const counters = map(pageSize);
const shortfalls = confine({
  uid: 65_534,
  gid: 65_534,
  emptyRoot: undefined,
  rings: ["io_uring"],
  refusedCallAt: counters.at(refusedCall * Float64Array.BYTES_PER_ELEMENT),
});
const confined = measure();
const text =
  `io_uring_enter, ns a call, median (least to most) of ${rounds} rounds\n` +
  `open      ${spread(open)}\nconfined  ${spread(confined)}\n${shortfalls.map(({ text: said }) => `${said}\n`).join("")}`;
const said = map(4096);
const { written } = new TextEncoder().encodeInto(text, said.u8);
shim.mcr_write(1, said.pointer, written);
shim.mcr_exit(0);
