// Many commands as one change, on a relay that forwards meanwhile.
import { afterAll, afterEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Relay } from "../helpers/relay.ts";
import { statusOf } from "../helpers/status.ts";
import { bench, intact, Sink, Stream } from "../helpers/traffic.ts";
import { until } from "../helpers/until.ts";

const lab = bench("batch");
afterEach(() => lab.endAll());
afterAll(() => lab.close());

const adding = (name: string, group: string, port: number) =>
  `add --name ${name} --input-interface in0 --input-group ${group} --input-port ${port} --outputs 239.2.2.2:${port}:out0`;

function file(lines: readonly string[]): string {
  const path = join(lab.dir, "batch.txt");
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
}

test("10,000 rules come and go in a batch each, and a flow beside them loses nothing", async () => {
  const relay = await Relay.start(lab, "relay", ["--workers", "1"]);
  expect((await relay.tryCtl("batch", file([adding("flow", "239.1.1.1", 5000)]))).exitCode).toBe(0);
  const sink = await Sink.start(lab, "sink", ["--group", "239.2.2.2", "--port", "5000", "--interface", "in0"]);
  const stream = new Stream(lab, "gen", [
    ...["--group", "239.1.1.1", "--port", "5000", "--interface", "out0", "--rate", "2k", "--size", "200"],
  ]);
  await until("the stream flows", async () => (await statusOf(relay)).rules[0]?.datagrams !== 0);
  const many = Array.from({ length: 9_999 }, (_, index) => index);
  const lines = many.map((index) => adding(`r${index}`, "10.9.9.9", 6000 + index));
  const started = performance.now();
  const added = await relay.tryCtl("batch", file(lines));
  process.stderr.write(`9,999 rules came in ${Math.round(performance.now() - started)} ms\n`);
  expect(added.stdout).toBe("9999 commands: 9999 rules added, 0 removed, 0 changed, 1 unchanged; version 3 runs\n");
  const removed = await relay.tryCtl("batch", file(many.map((index) => `remove --name r${index}`)));
  expect(removed.stdout).toBe("9999 commands: 0 rules added, 9999 removed, 0 changed, 1 unchanged; version 4 runs\n");
  const { sent } = await stream.finished();
  expect(await sink.received()).toMatchObject({ ...intact, received: sent });
  await relay.stop();
}, 60_000);

test("a batch with a mistake anywhere names its line and changes nothing", async () => {
  const relay = await Relay.start(lab, "relay", ["--workers", "1"]);
  const path = file([
    "# two of these are fine",
    adding("a", "239.1.1.1", 5000),
    "remove b",
    adding("c", "239.1.1.1", 5000),
  ]);
  const refused = await relay.tryCtl("batch", path);
  expect([refused.exitCode, refused.stderr]).toEqual([
    1,
    "mcr-appliance: line 3: Rule b not found\nNothing was changed.\n",
  ]);
  const wrong = await relay.tryCtl("batch", file([adding("a", "239.1.1.1", 5000), "", "add --input-port 5", "remove"]));
  expect([wrong.exitCode, wrong.stdout]).toEqual([64, ""]);
  expect(wrong.stderr.match(/batch\.txt:[0-9]+: /g)).toEqual(["batch.txt:3: ", "batch.txt:4: "]);
  expect((await statusOf(relay)).rules).toEqual([]);
  await relay.stop();
});
