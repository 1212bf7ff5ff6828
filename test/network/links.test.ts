// Links that are not there yet, go and come back: rules wait, say why, and run again by themselves.
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { Relay } from "../helpers/relay.ts";
import { outputOf, type RuleStatus, ruleOf } from "../helpers/status.ts";
import { bench, generate, intact, Sink } from "../helpers/traffic.ts";
import { until } from "../helpers/until.ts";

const lab = bench("links");
afterEach(() => lab.endAll());
afterAll(() => lab.close());

/** From the moment that a link can carry it, a rule runs within this time. */
const soonMs = 200;
const stream = ["--group", "239.1.1.1", "--port", "5000"];

function rule(input: string, output = "out0") {
  const outputs = [{ group: "239.2.2.2", port: 5001, interface: output }];
  return { AddRule: { name: "feed", input_interface: input, input_group: "239.1.1.1", input_port: 5000, outputs } };
}

/** Waits for a state of the rule; with a reason that says this. */
function becomes(relay: Relay, state: RuleStatus["state"], reason = "", deadlineMs = soonMs): Promise<RuleStatus> {
  return until(
    `rule is ${state} ${reason}`,
    () => ruleOf(relay, "feed"),
    (seen) => seen.state === state && (seen.reason ?? "").includes(reason),
    { deadlineMs },
  );
}

/** 500 datagrams go in by a link of the generator, and all come out. */
async function forwards(via = "out0", sinkLink = "in0"): Promise<void> {
  const listen = ["--group", "239.2.2.2", "--port", "5001", "--interface", sinkLink, "--expect", "500"];
  const sink = await Sink.start(lab, "sink", listen, 0.3);
  await generate(lab, "gen", [...stream, "--interface", via, "--rate", "5k", "--count", "500"]);
  expect(await sink.received()).toMatchObject({ ...intact, received: 500 });
}

describe("an input link", () => {
  function create(): void {
    const far = { ns: "relay", link: "later0", address: "10.0.9.2/24" };
    lab.veth({ ns: "gen", link: "out9", address: "10.0.9.1/24" }, far);
  }
  const index = () => Number(/^(\d+):/.exec(lab.ip("relay", "link show dev later0"))?.[1]);

  test("that is missing leaves its rule pending until it appears, goes, and comes back under a new index", async () => {
    const relay = await Relay.start(lab, "relay");
    await relay.must(rule("later0"));
    const listed = await relay.tryCtl("list");
    expect(listed.stdout).toContain("pending: input link later0 does not exist");
    expect(await ruleOf(relay, "feed")).toMatchObject({
      state: "pending",
      reason: "input link later0 does not exist",
    });
    create();
    const first = index();
    await becomes(relay, "active");
    await forwards("out9");
    for (let turn = 0; turn < 3; turn++) {
      lab.ip("relay", "link del later0");
      await becomes(relay, "pending", "does not exist");
      create();
      await becomes(relay, "active");
      await forwards("out9");
    }
    expect(index()).not.toBe(first);
    const { datagrams } = await ruleOf(relay, "feed");
    expect(datagrams).toBe(2000);
    lab.ip("relay", "link del later0");
    await becomes(relay, "pending");
    await relay.stop();
  });

  test("that is deleted and made again at once, faster than anybody looks, forwards again", async () => {
    create();
    const relay = await Relay.start(lab, "relay");
    await relay.must(rule("later0"));
    await forwards("out9");
    lab.ip("relay", "link del later0");
    create();
    const joined = () => lab.read("relay", "/proc/net/igmp").includes("010101EF");
    await until("the group is joined on the new link", joined, Boolean, { deadlineMs: soonMs });
    await becomes(relay, "active");
    await forwards("out9");
    lab.ip("relay", "link del later0");
    await relay.stop();
  });

  test("that goes down leaves its rule pending, and when it is up again it forwards again", async () => {
    const relay = await Relay.start(lab, "relay");
    await relay.must(rule("in0"));
    await forwards();
    lab.ip("relay", "link set in0 down");
    await becomes(relay, "pending", "in0 is down");
    lab.ip("relay", "link set in0 up");
    await becomes(relay, "active");
    await forwards();
    await relay.stop();
  });

  test.each(["split", "unified"])(
    "%s: that flaps faster than anybody looks is heard again at once",
    async (pipeline) => {
      const relay = await Relay.start(lab, "relay", ["--workers", "1", "--pipeline", pipeline]);
      await relay.must(rule("in0"));
      await forwards();
      // One process for both: between them lies less than the time after which the supervisor looks at links again.
      lab.exec("relay", ["ip", "-batch", "-"], "link set in0 down\nlink set in0 up\n");
      await until("the link carries", () => / UP /.test(lab.ip("relay", "-br link show dev in0")));
      // A deaf worker would look at its ring once a second only, and 20,000 frames do not fit into it.
      const listen = ["--group", "239.2.2.2", "--port", "5001", "--interface", "in0", "--expect", "40000"];
      const sink = await Sink.start(lab, "sink", listen);
      await generate(lab, "gen", [
        ...stream,
        "--interface",
        "out0",
        "--rate",
        "20k",
        "--size",
        "100",
        "--count",
        "40000",
      ]);
      expect(await sink.received()).toMatchObject({ ...intact, received: 40_000 });
      await relay.stop();
    },
  );
});

describe("a link that is captured", () => {
  const create = (change = "") => {
    lab.ip("relay", `link add name later0 ${change} type veth peer name out9 netns ${lab.ns("gen")}`);
    lab.ip("relay", "addr add 10.0.9.2/24 dev later0");
    lab.ip("relay", "link set later0 up");
    lab.ip("gen", "addr add 10.0.9.1/24 dev out9");
    lab.ip("gen", "link set out9 up");
  };
  const joined = () => lab.read("relay", "/proc/net/igmp").includes("010101EF");

  test("and made anew under its old index, faster than anybody looks, is heard and joined again", async () => {
    create("index 77");
    const relay = await Relay.start(lab, "relay");
    await relay.must(rule("later0"));
    await forwards("out9");
    lab.ip("relay", "link del later0");
    create("index 77");
    expect(lab.ip("relay", "link show dev later0")).toStartWith("77: ");
    await until("the group is joined on the new link", joined, Boolean, { deadlineMs: soonMs });
    await becomes(relay, "active");
    await forwards("out9");
    expect((await relay.tryCtl("status")).stdout).toMatch(/later0 +up/);
    lab.ip("relay", "link del later0");
    await relay.stop();
  });

  test("and moved to another namespace and back at once keeps its index, and is heard again", async () => {
    create();
    const limbo = lab.ns("limbo");
    const relay = await Relay.start(lab, "relay");
    await relay.must(rule("later0"));
    await forwards("out9");
    lab.ip("relay", `link set later0 netns ${limbo}`);
    lab.ip("limbo", `link set later0 netns ${lab.ns("relay")}`);
    lab.exec("relay", ["ip", "-batch", "-"], "addr add 10.0.9.2/24 dev later0\nlink set later0 up\n");
    await until("the group is joined again", joined, Boolean, { deadlineMs: soonMs });
    await becomes(relay, "active");
    await forwards("out9");
    lab.ip("relay", "link del later0");
    await relay.stop();
  });

  test("and renamed takes its rule with it to nobody, until a link has that name again", async () => {
    create();
    const relay = await Relay.start(lab, "relay");
    await relay.must(rule("later0"));
    await forwards("out9");
    lab.exec("relay", ["ip", "-batch", "-"], "link set later0 down\nlink set later0 name other0\nlink set other0 up\n");
    await becomes(relay, "pending", "input link later0 does not exist");
    await generate(lab, "gen", [...stream, "--interface", "out9", "--rate", "5k", "--count", "100"]);
    expect((await ruleOf(relay, "feed")).datagrams).toBe(500);
    lab.exec("relay", ["ip", "-batch", "-"], "link set other0 down\nlink set other0 name later0\nlink set later0 up\n");
    await becomes(relay, "active");
    await forwards("out9");
    lab.ip("relay", "link del later0");
    await relay.stop();
  });

  test("and changes names with another serves the rules of its new name", async () => {
    create();
    const relay = await Relay.start(lab, "relay");
    await relay.must(rule("later0"));
    await forwards("out9");
    const swap = ["later0 down", "in0 down", "later0 name x0", "in0 name later0", "x0 name in0", "later0 up", "in0 up"];
    const swapped = `${swap.map((words) => `link set ${words}`).join("\n")}\n`;
    lab.exec("relay", ["ip", "-batch", "-"], swapped);
    await until("it takes what comes to the other link", joined, Boolean, { deadlineMs: soonMs });
    await becomes(relay, "active");
    await forwards("out0");
    lab.exec("relay", ["ip", "-batch", "-"], swapped);
    await becomes(relay, "active");
    await forwards("out9");
    lab.ip("relay", "link del later0");
    await relay.stop();
  });
});

describe("an output link", () => {
  const pendingOf = (relay: Relay) => async () => (await outputOf(relay, "feed", "out0")).pending;
  const waits = (relay: Relay, reason: string) =>
    until(`output waits: ${reason}`, pendingOf(relay), (pending) => (pending ?? "").includes(reason), {
      deadlineMs: soonMs,
    });
  const runs = (relay: Relay) =>
    until("output runs", pendingOf(relay), (pending) => pending === undefined, { deadlineMs: soonMs });

  test("without an address is waited for, and named", async () => {
    const relay = await Relay.start(lab, "relay");
    await relay.must(rule("in0"));
    await forwards();
    lab.ip("relay", "addr del 10.0.2.1/24 dev out0");
    await waits(relay, "out0 has no IPv4 address");
    lab.ip("relay", "addr add 10.0.2.1/24 dev out0");
    await runs(relay);
    await forwards();
    lab.ip("relay", "link set out0 down");
    await waits(relay, "out0 is down");
    lab.ip("relay", "link set out0 up");
    await runs(relay);
    await forwards();
    await relay.stop();
  });

  test("whose address changes is sent from by the new one", async () => {
    const relay = await Relay.start(lab, "relay");
    await relay.must(rule("in0"));
    await forwards();
    const sources = lab.spawn("sink", ["tcpdump", "-Z", "root", "-n", "-l", "-i", "in0", "-c", "1", "src 10.0.2.99"]);
    await sources.says("listening", "stderr");
    lab.exec("relay", ["ip", "-batch", "-"], "addr del 10.0.2.1/24 dev out0\naddr add 10.0.2.99/24 dev out0\n");
    // Whether it was seen without an address in between is chance: it runs, and from the new one.
    const changed = () => lab.read("relay", "/proc/net/udp").includes("6302000A");
    await until("its socket has the new address", changed, Boolean, { deadlineMs: soonMs });
    await runs(relay);
    await forwards();
    expect(await sources.says("10.0.2.99")).toContain("239.2.2.2.5001");
    lab.exec("relay", ["ip", "-batch", "-"], "addr del 10.0.2.99/24 dev out0\naddr add 10.0.2.1/24 dev out0\n");
    await relay.stop();
  });

  test("through which the route to a receiver goes away and comes back waits for it, in words", async () => {
    const relay = await Relay.start(lab, "relay");
    const outputs = [{ group: "10.77.0.2", port: 5001, interface: "out0" }];
    lab.ip("relay", "route add 10.77.0.0/24 via 10.0.2.2 dev out0");
    await relay.must({ AddRule: { ...rule("in0").AddRule, outputs } });
    await runs(relay);
    lab.ip("relay", "route del 10.77.0.0/24");
    await waits(relay, "no route to 10.77.0.2 through out0");
    lab.ip("relay", "route add 10.77.0.0/24 via 10.0.2.2 dev out0");
    await runs(relay);
    lab.ip("relay", "route add unreachable 10.77.0.2/32");
    await waits(relay, "no route to 10.77.0.2 through out0");
    lab.ip("relay", "route del unreachable 10.77.0.2/32");
    await runs(relay);
    lab.ip("relay", "route del 10.77.0.0/24");
    await relay.stop();
  });

  test("with a source address of another link waits while that address is away", async () => {
    const relay = await Relay.start(lab, "relay");
    const outputs = [{ group: "239.2.2.2", port: 5001, interface: "out0", source_ip: "10.0.3.7" }];
    await relay.must({ AddRule: { ...rule("in0").AddRule, outputs } });
    await waits(relay, "10.0.3.7 is not an address of this machine");
    lab.ip("relay", "addr add 10.0.3.7/24 dev out1");
    await runs(relay);
    await forwards();
    lab.ip("relay", "addr del 10.0.3.7/24 dev out1");
    await waits(relay, "10.0.3.7 is not an address of this machine");
    await relay.stop();
  });

  test("that is missing is waited for, while the rule's other outputs run", async () => {
    const relay = await Relay.start(lab, "relay");
    const outputs = [
      { group: "239.5.5.5", port: 5005, interface: "nosuch0" },
      { group: "239.2.2.2", port: 5001, interface: "out0" },
    ];
    await relay.must({ AddRule: { ...rule("in0").AddRule, outputs } });
    await forwards();
    expect(await outputOf(relay, "feed", "nosuch0")).toMatchObject({
      pending: "output link nosuch0 does not exist",
      datagrams_dropped: 500,
    });
    expect((await relay.tryCtl("list")).stdout).toContain("output pending: output link nosuch0 does not exist");
    await relay.stop();
  });
});
