// What mcrgen prints (INTEROP.md 1.3). Pure.
import type { Second } from "../traffic/gen.ts";
import type { GenResult } from "../traffic/report.ts";

export const modes = ["async", "spin", "burst"] as const;
export type Mode = (typeof modes)[number];

/** What is to be sent: `rate` in datagrams a second, `size` in bytes, `count` 0 for "until stopped". */
export type GenRun = {
  group: string;
  port: number;
  interface: string;
  rate: number;
  size: number;
  count: number;
  mode: Mode;
  batch: number;
};

/** The first line. */
export function beginning({ group, port, interface: from, rate, size, mode, batch }: GenRun): string {
  const target = `sending to ${group}:${port} from ${from}`;
  switch (mode) {
    case "async": {
      const perTick = Math.ceil(rate / 1000);
      return `Async mode: ${target} at ${rate} pps (${perTick} packets/tick @ ${Math.ceil(rate / perTick)} Hz, sendmmsg)`;
    }
    case "spin":
      return `Spin mode: ${target} at ${rate} pps (${Math.floor(1e9 / rate)} ns interval)`;
    case "burst":
      return `Burst mode: ${target} with size ${size} (batch=${batch})`;
  }
}

/** The line of every second. */
export function progress({ sent, sentSince, bytesSince, failed }: Second): string {
  return `Progress: ${sent} sent, ${sentSince} pps (${gigabits(bytesSince * 8)} Gbps), ${failed} errors`;
}

/** The end. An error is not a datagram that was sent. */
export function summary({ mode, batch, rate, size }: GenRun, result: GenResult): string {
  const tried = result.sent + result.failed;
  const accuracy = ((result.rate / rate) * 100).toFixed(1);
  return [
    "",
    "=== Traffic Generator Summary ===",
    `Mode: ${mode}`,
    ...(mode === "burst" ? [`Batch size: ${batch}`] : []),
    `Total packets sent: ${result.sent}`,
    `Total errors: ${result.failed}`,
    ...(result.failed > 0 ? [`Error rate: ${((result.failed / tried) * 100).toFixed(2)}%`] : []),
    `Elapsed time: ${result.seconds.toFixed(2)}s`,
    `Actual packet rate: ${result.rate.toFixed(0)} pps`,
    ...(mode === "burst" ? [] : [`Rate accuracy: ${accuracy}% of target ${rate} pps`]),
    `Actual throughput: ${gigabits(result.bits_per_second)} Gbps`,
    `Total bytes: ${result.bytes} (${(result.bytes / 1e6).toFixed(2)} MB)`,
    `Packet size: ${size} bytes`,
  ].join("\n");
}

function gigabits(bitsPerSecond: number): string {
  return (bitsPerSecond / 1e9).toFixed(2);
}
