// Rules that come and go beside one that must not notice. Wants quiet: 20,000 datagrams a second and 1,000 commands.
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { Relay } from "../helpers/relay.ts";
import { ruleOf, spareOf, statusOf } from "../helpers/status.ts";
import { bench, generate, intact, Sink, Stream } from "../helpers/traffic.ts";
import { until } from "../helpers/until.ts";

const lab = bench("churn");
afterEach(() => lab.endAll());
afterAll(() => lab.close());

const steady = {
  ...{ name: "steady", input_interface: "in0", input_group: "239.1.1.1", input_port: 5000 },
  outputs: [{ group: "239.2.2.2", port: 5001, interface: "out0" }],
};

/** Neighbours of every kind: same group, another group, another link (whose capture ring comes and goes with it). */
function neighbour(turn: number) {
  const output = { group: "239.9.9.9", port: 6000, interface: "out0" };
  const shared = { name: "neighbour", input_port: 5001 + (turn % 100), outputs: [output] };
  if (turn % 10 === 0) return { ...shared, input_interface: "out1", input_group: "239.7.7.7" };
  const input_group = turn % 2 === 0 ? "239.1.1.1" : `239.1.2.${turn % 250}`;
  return { ...shared, input_interface: "in0", input_group };
}

describe.each([
  ["split", "1"],
  ["unified", "1"],
  ["split", "2"],
])("in the pipeline %s with %s workers", (pipeline, workers) => {
  test("a rule at 20,000/s loses nothing while others are added and removed 500 times", async () => {
    const relay = await Relay.start(lab, "relay", ["--workers", workers, "--pipeline", pipeline]);
    await relay.must({ AddRule: steady });
    const sink = await Sink.start(lab, "sink", ["--group", "239.2.2.2", "--port", "5001", "--interface", "in0"]);
    const stream = new Stream(lab, "gen", [
      ...["--group", "239.1.1.1", "--port", "5000", "--interface", "out0", "--rate", "20k", "--size", "200"],
    ]);
    const seen = async () => (await ruleOf(relay, "steady")).datagrams;
    const before = await until("the stream flows", seen, (datagrams) => datagrams > 0);
    for (let turn = 0; turn < 500; turn++) {
      await relay.must({ AddRule: neighbour(turn) });
      await relay.must({ RemoveRuleByName: { name: "neighbour" } });
    }
    // The claim means something only when there was traffic all along.
    expect((await seen()) - before).toBeGreaterThan(10_000);
    const { sent } = await stream.finished();
    expect(await sink.received()).toMatchObject({ ...intact, received: sent });
    const { frames, rules } = await statusOf(relay);
    expect(rules.map(({ name, datagrams }) => ({ name, datagrams }))).toEqual([{ name: "steady", datagrams: sent }]);
    expect(frames.kernel_drops).toBe(0);
    await relay.stop();
  });
});

test("outputs added to a rule and taken from it under traffic do not touch the one that stays", async () => {
  const relay = await Relay.start(lab, "relay", ["--workers", "1"]);
  await relay.must({ AddRule: steady });
  const sink = await Sink.start(lab, "sink", ["--group", "239.2.2.2", "--port", "5001", "--interface", "in0"]);
  const stream = new Stream(lab, "gen", [
    ...["--group", "239.1.1.1", "--port", "5000", "--interface", "out0", "--rate", "20k", "--size", "200"],
  ]);
  await until("the stream flows", async () => (await ruleOf(relay, "steady")).datagrams > 0);
  const second = { group: "239.3.3.3", port: 5002, interface: "out1" };
  for (let turn = 0; turn < 50; turn++) {
    const more = { ...steady, outputs: [second, ...steady.outputs] };
    await relay.must({ AddRule: more });
    await relay.must({ AddRule: steady });
  }
  const { sent } = await stream.finished();
  expect(await sink.received()).toMatchObject({ ...intact, received: sent });
  await relay.stop();
});

test.each<[pipeline: string, how: object, rate: string]>([
  ["unified", { preserve_source: true }, "30k"],
  ["split", {}, "50k"],
])(
  "%s: an output, %j, that is opened anew again and again under traffic loses nothing and keeps the order",
  async (pipeline, how, rate) => {
    const relay = await Relay.start(lab, "relay", ["--workers", "1", "--pipeline", pipeline]);
    const rule = (dscp: number) => ({
      AddRule: { ...steady, rule_id: "feed", outputs: steady.outputs.map((output) => ({ ...output, ...how, dscp })) },
    });
    await relay.must(rule(0));
    const sink = await Sink.start(lab, "sink", ["--group", "239.2.2.2", "--port", "5001", "--interface", "in0"]);
    const stream = new Stream(lab, "gen", [
      ...["--group", "239.1.1.1", "--port", "5000", "--interface", "out0", "--rate", rate, "--size", "200"],
    ]);
    await until("the stream flows", async () => (await ruleOf(relay, "steady")).datagrams > 0);
    for (let turn = 1; turn <= 120; turn++) await relay.must(rule(turn % 60));
    const { sent } = await stream.finished();
    expect(await sink.received()).toMatchObject({ ...intact, received: sent });
    await relay.stop();
  },
);

test("a rule whose change no worker took sends where it sent before, also by an output that says how much to add to its port", async () => {
  const relay = await Relay.start(lab, "relay", ["--workers", "1"]);
  const rule = (port: number) => ({
    AddRule: {
      ...{ rule_id: "feed", input_interface: "in0", input_group: "239.1.1.1", input_port: port },
      outputs: [{ group: "239.2.2.2", port: "+1000", interface: "out0" }],
    },
  });
  await relay.must(rule(5000));
  await spareOf(relay);
  const [pid = 0] = relay.workerPids();
  process.kill(pid, "SIGSTOP");
  expect(await relay.send(rule(5100), 10_000)).toMatchObject({ Error: expect.stringContaining("Nothing was changed") });
  const listen = ["--group", "239.2.2.2", "--port", "6000", "--interface", "in0", "--expect", "500"];
  const sink = await Sink.start(lab, "sink", listen, 0.3);
  const stream = ["--group", "239.1.1.1", "--port", "5000", "--interface", "out0", "--rate", "5k", "--count", "500"];
  await generate(lab, "gen", stream);
  expect(await sink.received()).toMatchObject({ ...intact, received: 500 });
  await relay.stop();
}, 30_000);
