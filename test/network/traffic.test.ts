// gen and sink themselves, over a wire with no relay in it: other tests count with them.
import { afterAll, describe, expect, test } from "bun:test";
import { z } from "zod";
import { Lab } from "../helpers/namespaces.ts";
import { binary } from "../helpers/relay.ts";
import type { Ended, Running } from "../helpers/running.ts";

const lab = Lab.create("traffic");
afterAll(() => lab.close());

lab.veth({ ns: "gen", link: "out0", address: "10.0.1.1/24" }, { ns: "sink", link: "in0", address: "10.0.1.2/24" });

const genResult = z.object({
  sent: z.number(),
  failed: z.number(),
  errors: z.record(z.string(), z.number()),
  seconds: z.number(),
  rate: z.number(),
  held: z.boolean(),
  interrupted: z.boolean(),
});
const sinkResult = z.object({
  received: z.number(),
  expected: z.number().nullable(),
  lost: z.number(),
  duplicated: z.number(),
  reordered: z.number(),
  corrupt: z.number(),
  foreign: z.number(),
  empty: z.number(),
  kernel_drops: z.number(),
  latency_us: z.object({ min: z.number(), p50: z.number(), p99: z.number() }).nullable(),
  complete: z.boolean(),
  interrupted: z.boolean(),
  flows: z.array(z.object({ target: z.string(), received: z.number() })),
});

const group = ["--group", "239.1.1.1", "--port", "5000"];

async function listen(...args: readonly string[]): Promise<Running> {
  const sink = lab.spawn("sink", [binary, "sink", "--interface", "in0", "--json", ...args]);
  await sink.says("ready\n", "stderr");
  return sink;
}

async function generate(...args: readonly string[]) {
  const gen = lab.spawn("gen", [binary, "gen", "--interface", "out0", "--json", ...args]);
  return genResult.parse(JSON.parse((await gen.succeed(30_000)).stdout));
}

async function counted(sink: Running): Promise<{ ended: Ended; result: z.infer<typeof sinkResult> }> {
  const ended = await sink.finish(30_000);
  return { ended, result: sinkResult.parse(JSON.parse(ended.stdout)) };
}

const clean = { lost: 0, duplicated: 0, reordered: 0, corrupt: 0, foreign: 0, complete: true };

describe("what gen sends, sink receives, to the last datagram", () => {
  test("20,000 a second of all sizes, empty ones too, at the rate that was asked for", async () => {
    const sink = await listen(...group, "--expect", "40000", "--idle", "0.5");
    const sent = await generate(...group, "--count", "40000", "--rate", "20k", "--size", "0-1472");
    expect(sent).toMatchObject({ sent: 40_000, failed: 0, errors: {} });
    expect(sent.rate).toBeCloseTo(40_000 / sent.seconds, 3);
    expect(sent.held).toBe(sent.rate >= 0.995 * 20_000);
    expect(sent.rate).toBeLessThan(20_000 * 1.001);
    const { ended, result } = await counted(sink);
    expect(ended.exitCode).toBe(0);
    expect(result).toMatchObject({ ...clean, received: 40_000, expected: 40_000 });
    expect(result.empty).toBeGreaterThan(0);
    expect(result.latency_us?.min).toBeGreaterThan(0);
  });

  test("flows on ports of their own, each with its share", async () => {
    const sink = await listen(...group, "--flows", "3", "--count", "3000");
    await generate(...group, "--flows", "3", "--count", "3000", "--rate", "20k", "--size", "100");
    const { ended, result } = await counted(sink);
    expect(ended.exitCode).toBe(0);
    expect(result).toMatchObject(clean);
    expect(result.flows.map((flow) => [flow.target, flow.received])).toEqual([
      ["239.1.1.1:5000", 1000],
      ["239.1.1.1:5001", 1000],
      ["239.1.1.1:5002", 1000],
    ]);
  });

  test("sends of several segments, the last one shorter", async () => {
    const sink = await listen(...group, "--expect", "1003", "--idle", "0.5");
    await generate(...group, "--count", "1003", "--rate", "20k", "--gso", "10", "--size", "700");
    expect((await counted(sink)).result).toMatchObject({ ...clean, received: 1003 });
  });

  test("to a host instead of a group, in bursts", async () => {
    const sink = await listen("--port", "6000", "--expect", "1000", "--idle", "0.5");
    await generate("--group", "10.0.1.2", "--port", "6000", "--count", "1000", "--rate", "20k", "--burst", "8");
    expect((await counted(sink)).result).toMatchObject({ ...clean, received: 1000 });
  });
});

describe("what does not arrive whole is said", () => {
  test("a datagram too few: exit code 1, one lost", async () => {
    const sink = await listen(...group, "--expect", "101", "--idle", "0.3");
    await generate(...group, "--count", "100", "--rate", "10k");
    const { ended, result } = await counted(sink);
    expect(ended.exitCode).toBe(1);
    expect(result).toMatchObject({ received: 100, lost: 1, complete: false });
  });

  test("what the receiver has no room for is lost, and counted as its own doing", async () => {
    const sink = await listen(...group, "--rcvbuf", "4096", "--expect", "20000", "--idle", "0.5");
    await generate(...group, "--count", "20000", "--rate", "max", "--size", "1400");
    const { ended, result } = await counted(sink);
    expect(ended.exitCode).toBe(1);
    expect(result.lost).toBeGreaterThan(0);
    expect(result.kernel_drops).toBe(result.lost);
  });

  test("what is not from gen is foreign", async () => {
    const sink = await listen("--port", "6001", "--duration", "1");
    const text = "x".repeat(100);
    await lab.spawn("gen", ["sh", "-c", `printf ${text} | socat -u - UDP4:10.0.1.2:6001`]).succeed();
    const { ended, result } = await counted(sink);
    expect(ended.exitCode).toBe(1);
    expect(result).toMatchObject({ received: 0, foreign: 1 });
  });

  test("a rate beyond what this machine can do", async () => {
    const sent = await generate(...group, "--duration", "0.5", "--rate", "50M", "--size", "100");
    expect(sent.held).toBe(false);
    expect(sent.rate).toBeLessThan(50e6);
  });
});

describe("an operator", () => {
  test("stops both with a signal and gets their summaries", async () => {
    const sink = await listen(...group);
    const gen = lab.spawn("gen", [binary, "gen", "--interface", "10.0.1.1", "--json", ...group, "--rate", "5k"]);
    const { stdout } = await lab
      .spawn("sink", [binary, "sink", "--interface", "in0", ...group, "--count", "100"])
      .succeed();
    expect(stdout).toContain("received");
    gen.signal("SIGINT");
    expect(genResult.parse(JSON.parse((await gen.succeed()).stdout)).interrupted).toBe(true);
    sink.signal("SIGTERM");
    const { ended, result } = await counted(sink);
    expect(ended.exitCode).toBe(0);
    expect(result).toMatchObject({ ...clean, interrupted: true });
  });

  test("who mistypes is told what was meant, with exit code 64", () => {
    const mistyped = lab.execAnyway("gen", [binary, "gen", "--grup", "239.1.1.1"]);
    expect(mistyped.exitCode).toBe(64);
    expect(mistyped.stderr).toContain("--group");
  });

  test("who names a link that is not there is told so, with exit code 71", () => {
    const wrong = lab.execAnyway("gen", [binary, "gen", ...group, "--interface", "nosuch0"]);
    expect(wrong.exitCode).toBe(71);
    expect(wrong.stderr).toContain("nosuch0");
  });
});
