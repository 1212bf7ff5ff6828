// `npm run bench`: this relay and its peers over the same namespaces, in turns. See README.md beside this file.
import { cpus, loadavg, release } from "node:os";
import { chart } from "./chart.ts";
import { parseBenchOptions, usage } from "./options.ts";
import { Medians, report } from "./report.ts";

let options: ReturnType<typeof parseBenchOptions>;
try {
  options = parseBenchOptions(process.argv.slice(2));
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : error}\n\n${usage}`);
  process.exit(64);
}
if (options === "help") {
  console.log(usage);
  process.exit(0);
}
if (process.getuid?.() !== 0) {
  console.error("bench: needs root, for namespaces and links");
  process.exit(77);
}
// helpers/relay.ts reads this when it is loaded.
if (options.binary !== undefined) process.env["MCR_BINARY"] = options.binary;
// gen.c reads this.
if (options.isGentle) process.env["GEN_GENTLE"] = "1";
const { runBench } = await import("./bench.ts");
const { contendersWith, yardstick } = await import("./contenders/all.ts");
const { ownTwoWorkers } = await import("./contenders/own.ts");
const { preferSession } = await import("./usage.ts");
const restore = preferSession(options.nice);
const result = await runBench(options).finally(restore);
const rows = [...contendersWith(options.against), ownTwoWorkers];
console.log(`\n${report(result, rows, options.sizes, yardstick)}`);
if (options.jsonPath !== undefined) {
  await Bun.write(options.jsonPath, `${JSON.stringify({ machine: machine(), options, ...result }, null, 2)}\n`);
}
if (options.svgPath !== undefined) {
  await Bun.write(options.svgPath, chart(new Medians(result.taken), rows, options.sizes));
}

/** What the figures belong to. */
function machine() {
  return { kernel: release(), cpus: cpus().length, cpu: cpus()[0]?.model, load: loadavg(), bun: Bun.version };
}
