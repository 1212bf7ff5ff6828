// `npm run demo`: a real stream crosses from a network whose sources nobody routes to another one, complete. As root, in
// namespaces of its own; the machine's network is not touched. Exit: 0 nothing was lost, 1 something was, 77 not root.
// --keep leaves it standing, --down takes such a one away. MCR_DEMO_RATE: datagrams a second.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Running } from "../test/helpers/running.ts";
import { until } from "../test/helpers/until.ts";
import { Stage, strikeKept } from "./demo/stage.ts";

const binary = process.env["MCR_BINARY"] ?? join(import.meta.dir, "../dist/mcr-appliance");
const perSecond = Number(process.env["MCR_DEMO_RATE"] ?? 20_000);
const seconds = 10;
const count = perSecond * seconds;

const picture = `
   network A                    the relay                      network B
 ┌────────────────┐           ┌──────────────────┐           ┌────────────────────┐
 │ gen       out0 ├───────────┤ in0         out0 ├───────────┤ in0       two sinks│
 │ 172.31.99.1    │           │ 10.0.1.1 10.0.2.1│           │ 10.0.2.2           │
 └────────────────┘           └──────────────────┘           └────────────────────┘
   239.1.1.1:5000  ──────────▶  rule "studio"  ─────────────▶  239.2.2.2:6001
   239.1.1.2:5000  ──────────▶  rule "cloud"   ─────────────▶  10.0.2.2:7000 (unicast)

 The relay has no route to 172.31.99.0/24, and rp_filter=1 tells its kernel to drop what comes from there.
`;

const genResult = z.object({ sent: z.number(), failed: z.number(), rate: z.number(), held: z.boolean() });
const sinkResult = z.object({
  received: z.number(),
  lost: z.number(),
  duplicated: z.number(),
  reordered: z.number(),
  corrupt: z.number(),
  kernel_drops: z.number(),
  latency_us: z.object({ p50: z.number(), p99: z.number() }).nullable(),
  complete: z.boolean(),
});
type SinkResult = z.infer<typeof sinkResult>;
const statsReply = z.object({
  Stats: z.array(z.object({ input_group: z.string(), packets_relayed: z.number(), packets_per_second: z.number() })),
});

const number = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const isTerminal = process.stdout.isTTY === true;
const say = (text: string) => console.log(text);
const headline = (text: string) => say(isTerminal ? `\n\u001b[1m${text}\u001b[0m` : `\n${text}`);

function listen(stage: Stage, room: "relay" | "sink", args: string): Promise<Running> {
  const sink = stage.start(room, [binary, "sink", "--json", ...args.split(" ")]);
  return sink.says("ready\n", "stderr").then(() => sink);
}

function generate(stage: Stage, args: string): Running {
  const where = "--group 239.1.1.1 --port 5000 --interface out0 --json";
  return stage.start("gen", [binary, "gen", ...where.split(" "), ...args.split(" ")]);
}

async function resultOf<T>(schema: z.ZodType<T>, running: Running): Promise<T> {
  const ended = await running.finish((seconds + 20) * 1000);
  if (ended.stdout === "") {
    throw new Error(ended.stderr);
  }
  return schema.parse(JSON.parse(ended.stdout));
}

/** The premise: without the relay, an ordinary socket in its place hears nothing. */
async function provePremise(stage: Stage): Promise<boolean> {
  headline("1. Without the relay: a plain UDP socket at in0 joins 239.1.1.1");
  const dropsBefore = reversePathDrops(stage);
  const sink = await listen(stage, "relay", "--group 239.1.1.1 --port 5000 --interface in0 --duration 2");
  const { sent } = await resultOf(genResult, generate(stage, "--rate 5000 --count 5000 --size 0-1472"));
  const { received } = await resultOf(sinkResult, sink);
  const drops = reversePathDrops(stage) - dropsBefore;
  say(
    `   sent ${number.format(sent)}, received ${number.format(received)}: the kernel dropped ${number.format(drops)}`,
  );
  say("   for their source (IPReversePathFilter in /proc/net/netstat).");
  return received === 0 && drops >= sent;
}

function reversePathDrops(stage: Stage): number {
  const lines = stage.inside("relay", ["cat", "/proc/net/netstat"]).split("\n");
  const [names = [], values = []] = lines.filter((line) => line.startsWith("TcpExt:")).map((line) => line.split(" "));
  return Number(values[names.indexOf("IPReversePathFilter")] ?? 0);
}

class Relay {
  readonly socketPath: string;
  readonly logPath: string;
  readonly #stage: Stage;

  constructor(stage: Stage) {
    this.#stage = stage;
    this.socketPath = join(stage.directory, "control.sock");
    this.logPath = join(stage.directory, "relay.log");
  }

  /** Starts the supervisor and waits until it answers. */
  async start(): Promise<void> {
    const command = [binary, "supervise", "--control-socket-path", this.socketPath];
    const pid = this.#stage.startApart("relay", command, this.logPath);
    await until("the relay answers 'ping'", async () => {
      if (!existsSync(`/proc/${pid}`)) {
        return true;
      }
      const ended = await this.#stage.start("relay", [binary, "--socket-path", this.socketPath, "ping"]).finish();
      return ended.exitCode === 0;
    });
  }

  /** An operator's command; what it printed. */
  async operate(...args: readonly string[]): Promise<string> {
    return (await this.#stage.start("relay", [binary, "--socket-path", this.socketPath, ...args]).succeed()).stdout;
  }

  /** Datagrams a second of each input group. */
  async rates(): Promise<string> {
    const reply = statsReply.parse(JSON.parse(await this.operate("stats", "--json")));
    const flows = reply.Stats.toSorted((a, b) => a.input_group.localeCompare(b.input_group));
    return flows
      .map((flow) => `${flow.input_group} ${number.format(flow.packets_per_second).padStart(7)}/s`)
      .join("   ");
  }
}

async function addRules(relay: Relay): Promise<void> {
  for (const [name, group, outputs] of [
    ["studio", "239.1.1.1", "239.2.2.2:6001:out0"],
    ["cloud", "239.1.1.2", "10.0.2.2:7000:out0"],
  ] as const) {
    const input = ["--input-interface", "in0", "--input-group", group, "--input-port", "5000"];
    const command = ["add", "--name", name, ...input, "--outputs", outputs];
    say(`   mcr-appliance ${command.join(" ")}`);
    await relay.operate(...command);
  }
}

/** The main act: a stream through the relay, counted at real sockets behind it. */
async function stream(stage: Stage, relay: Relay): Promise<boolean> {
  headline("2. With the relay: supervise runs, and gets two rules while it runs");
  await relay.start();
  await addRules(relay);
  headline(
    `3. ${number.format(perSecond)} datagrams a second of 0 to 1,472 bytes, for ${seconds} s; the relay's own figures:`,
  );
  const half = `--expect ${count / 2} --idle 1.5 --duration ${seconds + 10}`;
  const sinks = await Promise.all([
    listen(stage, "sink", `--group 239.2.2.2 --port 6001 --interface in0 ${half}`),
    listen(stage, "sink", `--port 7000 --interface in0 ${half}`),
  ]);
  const gen = generate(stage, `--flows 2 --flow-step group --rate ${perSecond} --count ${count} --size 0-1472`);
  for (let second = 1; gen.isUp; second++) {
    await Promise.race([Bun.sleep(1000), gen.finish((seconds + 20) * 1000)]);
    // The relay's first figures are those of the idle second before.
    if (gen.isUp && second > 1) {
      say(`   ${String(second).padStart(2)} s   ${await relay.rates()}`);
    }
  }
  const sent = await resultOf(genResult, gen);
  const results = await Promise.all(sinks.map((sink) => resultOf(sinkResult, sink)));
  headline("4. Counted at the sinks");
  say(`   sent       ${number.format(sent.sent)} ${sentNote(sent)}`);
  say(`   ${row("", "received", "lost", "duplicated", "reordered", "corrupt", "p50", "p99")}`);
  const names = ["239.2.2.2:6001", "10.0.2.2:7000"];
  for (const [index, result] of results.entries()) {
    say(`   ${resultRow(names[index] ?? "", result)}`);
  }
  return (
    sent.sent === count && sent.failed === 0 && results.every((result) => result.complete && result.reordered === 0)
  );
}

function sentNote(sent: z.infer<typeof genResult>): string {
  const rate = `(${number.format(sent.rate)}/s${sent.held ? "" : ": this machine was too busy for more"})`;
  return sent.failed === 0 ? rate : `${rate}, ${number.format(sent.failed)} refused by the kernel`;
}

function row(name: string, ...cells: readonly string[]): string {
  return name.padEnd(16) + cells.map((cell) => cell.padStart(11)).join("");
}

function resultRow(name: string, result: SinkResult): string {
  const { received, lost, duplicated, reordered, corrupt, latency_us: latency } = result;
  const counts = [received, lost, duplicated, reordered, corrupt].map((value) => number.format(value));
  const times = [latency?.p50, latency?.p99].map((value) => (value === undefined ? "-" : `${number.format(value)} us`));
  const own = result.kernel_drops > 0 ? `  (${number.format(result.kernel_drops)} lost by the sink itself)` : "";
  return row(name, ...counts, ...times) + own;
}

function explainKept(stage: Stage, relay: Relay): void {
  headline("It stays up. In another terminal, as root:");
  const enter = (room: "gen" | "relay" | "sink") => `ip netns exec ${stage.namespace(room)} ${binary}`;
  say(`   ${enter("relay")} --socket-path ${relay.socketPath} list`);
  say(`   watch -n1 ${enter("relay")} --socket-path ${relay.socketPath} stats`);
  say(`   ${enter("sink")} sink --group 239.2.2.2 --port 6001 --interface in0`);
  say(`   ${enter("gen")} gen --group 239.1.1.1 --port 5000 --interface out0 --rate 20k --duration 60`);
  say(`   less ${relay.logPath}`);
  say("\n   npm run demo -- --down     takes it away");
}

async function demo(isKept: boolean): Promise<number> {
  say(picture.trimEnd());
  const stage = Stage.build();
  let isStopping = false;
  const stop = (signal: NodeJS.Signals) => {
    isStopping = true;
    say(`\n${signal}: cleaning up`);
    void stage.strike().then(() => process.exit(signal === "SIGINT" ? 130 : 143));
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, stop);
  }
  const relay = new Relay(stage);
  let isStanding = false;
  try {
    const isPremiseTrue = await provePremise(stage);
    const isComplete = isPremiseTrue && (await stream(stage, relay));
    headline(verdict(isPremiseTrue, isComplete));
    if (isKept) {
      stage.keep();
      isStanding = true;
      explainKept(stage, relay);
    }
    return isComplete ? 0 : 1;
  } catch (error) {
    if (isStopping) {
      // Its programs were ended under it; the exit comes when all is clean.
      await Promise.withResolvers<never>().promise;
    }
    say(`\nThe demo failed: ${error instanceof Error ? error.message : error}`);
    if (existsSync(relay.logPath)) {
      say(`The relay's log ends:\n${readFileSync(relay.logPath, "utf8").slice(-3000)}`);
    }
    return 1;
  } finally {
    if (!isStanding) {
      await stage.strike();
    }
  }
}

function verdict(isPremiseTrue: boolean, isComplete: boolean): string {
  if (!isPremiseTrue) {
    return "The premise does not hold: the kernel here did not drop the stream.";
  }
  return isComplete
    ? "Complete: every datagram arrived once, in order and intact."
    : "NOT complete: see the counts above.";
}

async function main(args: readonly string[]): Promise<number> {
  const unknown = args.find((arg) => arg !== "--keep" && arg !== "--down");
  if (unknown !== undefined) {
    say(`usage: npm run demo [-- --keep | --down]   (not ${unknown})`);
    return 64;
  }
  if (process.getuid?.() !== 0) {
    say("The demo makes network namespaces and captures packets: run it as root ('sudo npm run demo').");
    say("It touches nothing of this machine's own network, and cleans up after itself.");
    return 77;
  }
  if (!existsSync(binary)) {
    say(`${binary} is missing: 'npm run build' makes it.`);
    return 69;
  }
  if (args.includes("--down")) {
    const names = strikeKept();
    say(names.length === 0 ? "Nothing is up." : `Taken away: ${names.join(", ")}`);
    return 0;
  }
  return demo(args.includes("--keep"));
}

process.exit(await main(process.argv.slice(2)));
