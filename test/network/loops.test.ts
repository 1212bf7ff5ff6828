// What must not be sent twice or for ever: loops of rules, and rules that make the same.
import { afterAll, afterEach, expect, test } from "bun:test";
import { Relay } from "../helpers/relay.ts";
import { ruleOf } from "../helpers/status.ts";
import { bench, generate, intact, Sink } from "../helpers/traffic.ts";

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
