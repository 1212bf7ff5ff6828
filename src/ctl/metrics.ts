// metrics: the page that Prometheus reads, without a listener: for node_exporter's textfile collector, and for a look by hand.
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { exitCodes } from "../base/exit.ts";
import { codeOf, reasonOf } from "../base/outcome.ts";
import { printable } from "../base/printable.ts";
import { downExposition, exposition } from "../control/exposition.ts";
import { askAndShow } from "./answer.ts";
import type { Given, Verb, World } from "./verb.ts";

export const metrics: Verb = {
  name: "metrics",
  chapter: "Watch",
  summary: "print every number in Prometheus' format",
  details: [
    "For boxes without a listener of ours: a timer writes the file that node_exporter's textfile collector reads. The file is " +
      "replaced in one step, never half written. When no supervisor answers, it says 'mcr_up 0' and nothing else: numbers that " +
      "stood still would look like a relay at rest. The exit code is then that of any other command.",
  ],
  usesSocket: true,
  options: { textfile: { value: "FILE", summary: "write it to FILE, which must end in .prom" } },
  examples: [
    { line: "mcr-appliance metrics", does: "the page on standard output" },
    {
      line: "mcr-appliance metrics --textfile /var/lib/prometheus/node-exporter/mcr.prom",
      does: "for node_exporter, from cron or a timer",
    },
  ],
  run,
};

async function run(given: Given, world: World): Promise<number> {
  const path = given.text("textfile");
  if (path === undefined) {
    return askAndShow(world, "GetStatus", "Status", (status) => exposition(status, Date.now() / 1000).trimEnd());
  }
  if (!path.endsWith(".prom")) {
    world.complain(`mcr-appliance: node_exporter reads files that end in .prom, and '${printable(path)}' does not`);
    return exitCodes.usage;
  }
  let page = downExposition();
  const listening: World = { ...world, json: false, say: (text) => (page = `${text}\n`) };
  const code = await askAndShow(listening, "GetStatus", "Status", (status) =>
    exposition(status, Date.now() / 1000).trimEnd(),
  );
  return replaceFile(path, page, world) ? code : exitCodes.system;
}

/** Puts `text` into the file at `path` in one step. False: it could not, and the operator has been told. */
function replaceFile(path: string, text: string, world: World): boolean {
  // Beside it, so that the rename stays within one file system; and not *.prom, so that nobody reads it unfinished.
  const unfinished = `${path}.${process.pid}`;
  try {
    writeFileSync(unfinished, text, { mode: 0o644 });
    renameSync(unfinished, path);
    return true;
  } catch (thrown) {
    if (codeOf(thrown) === undefined) {
      throw thrown;
    }
    rmSync(unfinished, { force: true });
    world.complain(`mcr-appliance: '${printable(path)}' cannot be written: ${reasonOf(thrown)}`);
    return false;
  }
}
