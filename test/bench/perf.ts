// How much of a relay's CPU time is spent in user space, as perf samples it.
import { join } from "node:path";
import type { Lab } from "../helpers/namespaces.ts";

const samplesPerSecond = 997;
/** The upper half of the address space is the kernel's, on every 64-bit machine. */
const kernelAddress = /^[89a-f][0-9a-f]{15}$/;

/**
 * Samples the processes by their CPU clock for `seconds`: the share of samples outside the kernel, 0 to 1. Undefined without a
 * process, without perf, or when nothing was sampled.
 */
export async function sampleUserShare(lab: Lab, pids: readonly number[], seconds: number): Promise<number | undefined> {
  if (pids.length === 0 || Bun.which("perf") === null) return undefined;
  const path = join(lab.dir, "perf.data");
  const what = ["-q", "-F", String(samplesPerSecond), "-e", "cpu-clock", "-p", pids.join(","), "-o", path];
  await lab.spawn("relay", ["perf", "record", ...what, "--", "sleep", String(seconds)]).finish(seconds * 1000 + 20_000);
  const script = lab.spawn("relay", ["perf", "script", "-i", path, "-F", "ip"]);
  const addresses = (await script.finish()).stdout.split("\n").map((line) => line.trim());
  const sampled = addresses.filter(Boolean);
  const inKernel = sampled.filter((address) => kernelAddress.test(address)).length;
  return sampled.length === 0 ? undefined : 1 - inKernel / sampled.length;
}
