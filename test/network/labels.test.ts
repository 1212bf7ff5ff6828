// Rules that rest: kept, listed and saved, and nothing of theirs left in the kernel.
import { afterAll, afterEach, expect, test } from "bun:test";
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { Relay } from "../helpers/relay.ts";
import { settled, statusOf } from "../helpers/status.ts";
import { bench, generate, intact, Sink } from "../helpers/traffic.ts";
import { until } from "../helpers/until.ts";

const lab = bench("labels");
afterEach(() => lab.endAll());
afterAll(() => lab.close());

const add = (name: string, group: string, ...more: readonly string[]) => [
  ...["add", "--name", name, "--input-interface", "in0", "--input-group", group, "--input-port", "5000"],
  ...["--outputs", "239.2.2.2:5001:out0", ...more],
];
// A spare worker is born at any time, and its pipes would count.
const oneWorker = ["--workers", "1", "--spare", "off"];
const stream = ["--group", "239.1.1.1", "--port", "5000", "--interface", "out0", "--rate", "5k", "--count", "500"];
const listen = ["--group", "239.2.2.2", "--port", "5001", "--interface", "in0"];

/** What the supervisor holds of rules: its sockets, what is joined on in0, packet sockets of the namespace. */
function held(relay: Relay) {
  const fds = `/proc/${relay.pid}/fd`;
  const sockets = readdirSync(fds).filter((fd) => {
    try {
      return readlinkSync(join(fds, fd)).startsWith("socket:");
    } catch {
      // Closed since it was listed.
      return false;
    }
  });
  const joined = lab.read("relay", "/proc/net/igmp").match(/^\t+010101EF/gm) ?? [];
  const captures = lab.read("relay", "/proc/net/packet").trim().split("\n").length - 1;
  return { sockets: sockets.length, joined: joined.length, captures };
}

/** A client that has its answer may still be connected for a moment. */
async function holds(relay: Relay, wanted: ReturnType<typeof held>): Promise<void> {
  await until(
    "the supervisor holds just that",
    () => held(relay),
    (now) => Bun.deepEquals(now, wanted),
  );
}

/** What it holds without rules, once nobody is connected any more. */
async function restOf(relay: Relay): Promise<ReturnType<typeof held>> {
  let last = held(relay);
  await until("nothing moves", async () => {
    await Bun.sleep(100);
    const before = last;
    last = held(relay);
    return Bun.deepEquals(before, last);
  });
  return last;
}

test("a disabled rule holds no socket, no group and no capture, and goes on where it stood when it is enabled", async () => {
  const relay = await Relay.start(lab, "relay", oneWorker);
  const empty = await restOf(relay);
  await relay.ctl(...add("feed", "239.1.1.1", "--tag", "lab", "--description", "a feed"));
  const first = await Sink.start(lab, "sink", [...listen, "--expect", "500"]);
  await generate(lab, "gen", stream);
  expect(await first.received()).toMatchObject({ ...intact, received: 500 });
  await holds(relay, { sockets: empty.sockets + 2 + 1, joined: 1, captures: 1 });

  expect((await relay.tryCtl("disable", "feed")).stdout).toBe("1 rule disabled: feed\n");
  await holds(relay, empty);
  expect((await relay.tryCtl("disable", "--tag", "lab")).stdout).toBe("1 rule disabled: nothing to change: feed\n");
  const quiet = await Sink.start(lab, "sink", listen);
  await generate(lab, "gen", stream);
  // Proof that the sink hears at all comes with the rule's return, by sequence numbers of another stream.
  expect((await relay.tryCtl("enable", "--tag", "lab")).stdout).toBe("1 rule enabled: feed\n");
  await holds(relay, { sockets: empty.sockets + 2 + 1, joined: 1, captures: 1 });
  await generate(lab, "gen", stream);
  const rule = await settled(relay, "feed");
  expect([rule.datagrams, rule.outputs[0]?.datagrams_sent]).toEqual([1000, 1000]);
  expect(await quiet.received()).toMatchObject({ received: 500 });
  await relay.stop();
});

test("a rule that is added disabled starts with nothing, and lists, plans, saves and returns that way", async () => {
  const path = join(lab.dir, "labels.json5");
  writeFileSync(path, "{ rules: [] } // mine\n");
  const relay = await Relay.start(lab, "relay", [...oneWorker, "--config", path]);
  const empty = held(relay);
  await relay.ctl(
    ...add("resting", "239.1.1.1", "--disabled", "--tag", "a", "--tag", "b", "--description", "for later"),
  );
  await relay.ctl(...add("working", "239.1.1.2", "--tag", "b"));
  const listed = await relay.tryCtl("list", "--tag", "a");
  expect(listed.stdout).toMatch(/resting .*239\.1\.1\.1:5000 .* a, b +disabled; not saved; "for later"/);
  expect(listed.stdout).toContain("1 rule, 0 pending, 1 disabled");
  expect(listed.stdout).not.toContain("working");
  expect((await statusOf(relay)).rules.map(({ state }) => state)).toEqual(["disabled", "active"]);
  expect((await relay.tryCtl("explain", "resting")).stdout).toContain("'mcr-appliance enable resting'");
  expect((await relay.tryCtl("config", "diff")).stdout).toContain("    enabled: false\n");
  const routes = z.object({ Mroute: z.array(z.object({ group: z.string() })) });
  expect(routes.parse(await relay.send("GetMroute")).Mroute.map(({ group }) => group)).toEqual(["239.1.1.2"]);
  expect((await relay.tryCtl("config", "save")).exitCode).toBe(0);
  expect(readFileSync(path, "utf8")).toContain("enabled: false");
  await relay.ctl("remove", "--tag", "b");
  await holds(relay, empty);
  const back = await relay.tryCtl("config", "plan");
  expect(back.stdout).toContain("2 added, 0 removed, 0 changed, 0 unchanged");
  await relay.stop();

  const again = await Relay.start(lab, "relay", [...oneWorker, "--config", path]);
  expect((await statusOf(again)).rules.map(({ name, state }) => [name, state])).toEqual([
    ["resting", "disabled"],
    ["working", "active"],
  ]);
  expect((await again.tryCtl("list")).stdout).not.toContain("not saved");
  expect((await again.tryCtl("enable", "resting")).exitCode).toBe(0);
  expect((await again.tryCtl("config", "diff")).stdout).toContain("enabled: false -> none");
  const sink = await Sink.start(lab, "sink", [...listen, "--expect", "500"]);
  await generate(lab, "gen", stream);
  expect(await sink.received()).toMatchObject({ ...intact, received: 500 });
  await again.stop();
});

test("an enable that is refused leaves the rule resting, with nothing held", async () => {
  const relay = await Relay.start(lab, "relay", oneWorker);
  await relay.ctl(...add("there", "239.1.1.1", "--disabled"));
  const empty = await restOf(relay);
  const back = ["--input-interface", "out0", "--input-group", "239.2.2.2", "--input-port", "5001"];
  await relay.ctl("add", "--name", "back", ...back, "--outputs", "239.1.1.1:5000:in0", "--tag", "lab");
  const refused = await relay.tryCtl("enable", "there");
  expect([refused.exitCode, refused.stderr.includes("closes a loop")]).toEqual([1, true]);
  await relay.ctl("remove", "--tag", "lab");
  await holds(relay, empty);
  expect((await relay.tryCtl("enable", "nobody")).stderr).toContain("no rule has the id or name 'nobody'");
  await relay.stop();
});
