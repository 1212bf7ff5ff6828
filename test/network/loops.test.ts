// What must not be sent twice or for ever: loops of rules, rules that make the same, and a kernel that routes beside them.
import { afterAll, afterEach, expect, test } from "bun:test";
import { compiled } from "../helpers/compiled.ts";
import { Relay } from "../helpers/relay.ts";
import { ruleOf } from "../helpers/status.ts";
import { bench, generate, intact, Sink } from "../helpers/traffic.ts";
import { until } from "../helpers/until.ts";

const lab = bench("loops");
afterEach(() => lab.endAll());
afterAll(() => lab.close());

const group = "239.1.1.1:5000";
const from = (link: string) => ["--input-interface", link, "--input-group", "239.1.1.1", "--input-port", "5000"];

test("a group both ways is refused with the loop spelled out, and relayed both ways when it is allowed", async () => {
  const relay = await Relay.start(lab, "relay");
  await relay.ctl("add", "--name", "there", ...from("in0"), "--outputs", `${group}:out0`);
  const back = ["add", "--name", "back", ...from("out0"), "--outputs", `${group}:in0`];
  const refused = await relay.tryCtl(...back);
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr + refused.stdout).toMatch(
    /it closes a loop: out0 239\.1\.1\.1:5000 -> in0 239\.1\.1\.1:5000 by rule 'back' \(id: \w+\) -> out0 .* by rule 'there' \(id: \w+\)\. .*--allow-loop/,
  );
  expect((await relay.tryCtl("list")).stdout).toContain("1 rule, 0 pending");
  const allowed = await relay.tryCtl(...back, "--allow-loop");
  expect(allowed.stdout).toMatch(/^Rule \w+ added; warning: a loop is allowed: out0 /);
  expect((await relay.tryCtl("list")).stdout).toContain("warning: a loop is allowed");
  await relay.logs("a loop is allowed");

  // One datagram in, one out, on each side: nothing of ours comes in again.
  for (const [ns, link, farNs, farLink] of [
    ["gen", "out0", "sink", "in0"],
    ["sink", "in0", "gen", "out0"],
  ] as const) {
    const listen = ["--group", "239.1.1.1", "--port", "5000", "--interface", farLink, "--expect", "2000"];
    const sink = await Sink.start(lab, farNs, listen);
    await generate(lab, ns, [
      ...["--group", "239.1.1.1", "--port", "5000", "--interface", link, "--rate", "5k", "--count", "2000"],
    ]);
    expect(await sink.received()).toMatchObject({ ...intact, received: 2000 });
  }
  expect([(await ruleOf(relay, "there")).datagrams, (await ruleOf(relay, "back")).datagrams]).toEqual([2000, 2000]);
  await relay.stop();
});

test("two rules that make one group and port on one link are taken, and both carry a warning until one goes", async () => {
  const relay = await Relay.start(lab, "relay");
  await relay.ctl("add", "--name", "one", ...from("in0"), "--outputs", "239.2.2.2:5001:out0");
  const other = ["--input-interface", "in0", "--input-group", "239.1.1.2", "--input-port", "5000"];
  const added = await relay.tryCtl("add", "--name", "two", ...other, "--outputs", "239.2.2.2:5001:out0");
  expect(added.stdout).toMatch(/added; warning: out0 239\.2\.2\.2:5001 is also made by rule 'one'/);
  expect((await relay.tryCtl("list")).stdout.match(/warning: /g)).toHaveLength(2);
  await relay.ctl("remove", "--name", "one");
  expect((await relay.tryCtl("list")).stdout).not.toContain("warning");
  await relay.stop();
});

test("what the kernel routes as well is said in log, list, status and explain, and so is its end", async () => {
  const relay = await Relay.start(lab, "relay");
  await relay.ctl(
    "add",
    "--name",
    "feed",
    ...from("in0"),
    "--outputs",
    `${group}:out0`,
    "--outputs",
    "239.7.7.7:5000:out0",
  );
  const receive = async (expected: number) => {
    const listen = ["--group", "239.1.1.1", "--port", "5000", "--interface", "in0", "--expect", "500"];
    const sink = await Sink.start(lab, "sink", listen, 0.3);
    const stream = ["--group", "239.1.1.1", "--port", "5000", "--interface", "out0", "--rate", "5k", "--ttl", "4"];
    await generate(lab, "gen", [...stream, "--count", "500"]);
    expect((await sink.received()).duplicated).toBe(expected);
  };
  await receive(0);
  const router = lab.spawn("relay", [compiled("mroute"), "in0", "out0", "239.1.1.1", "10.0.1.1"]);
  await router.says("ready");
  await relay.logs(/"level":"Warning".*the kernel routes 239\.1\.1\.1 from in0 to out0 as well/);
  const warning = "the kernel routes 239.1.1.1 from in0 to out0 as well: receivers there get every datagram twice";
  expect((await relay.tryCtl("list")).stdout).toContain(`warning: ${warning}`);
  expect(await ruleOf(relay, "feed")).toMatchObject({ warnings: [expect.stringContaining(warning)] });
  expect((await relay.tryCtl("explain", "feed")).stdout).toContain(`sent twice: ${warning}`);
  // It is true.
  await receive(500);
  router.closeInput();
  await router.succeed();
  await relay.logs("no longer so: the kernel routes");
  await until("the warning is gone", async () => (await ruleOf(relay, "feed")).warnings === undefined);
  await receive(0);
  await relay.stop();
});
