// Every verdict of `explain`, each with its cause arranged; and captured frames walked through the rules that run.
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { ethernet, etherTypes, fragmentFrames, patternPayload, u16, u32, udpFrame } from "../helpers/frames.ts";
import { Listener } from "../helpers/listener.ts";
import { rawsend } from "../helpers/rawsend.ts";
import { Relay } from "../helpers/relay.ts";
import { settled } from "../helpers/status.ts";
import { bench, generate, Stream } from "../helpers/traffic.ts";
import { until } from "../helpers/until.ts";

const lab = bench("explain");
/** What a test puts right again, passed or failed. */
const amends: (() => unknown)[] = [];
afterEach(async () => {
  await lab.endAll();
  for (const amend of amends.splice(0)) amend();
});
afterAll(() => lab.close());

const evidence = z.object({
  name: z.string(),
  value: z.union([z.number(), z.string()]),
  age_seconds: z.number().optional(),
});
const finding = z.object({
  verdict: z.string(),
  text: z.string(),
  is_past: z.boolean().optional(),
  evidence: z.array(evidence),
});
const explanation = z.object({ Explanation: z.object({ findings: z.array(finding) }) });
type Finding = z.output<typeof finding>;

const group = "239.1.1.1";
const toGroup = ["--group", group, "--port", "5000", "--interface", "out0"];
const flow = { source: "10.0.1.1", destination: group, sourcePort: 4000, destinationPort: 5000 };
const plain = udpFrame(flow, patternPayload(100));

function start(): Promise<Relay> {
  return Relay.start(lab, "relay", ["--workers", "1"]);
}

async function add(relay: Relay, outputs: string, input = "in0", ...more: readonly string[]): Promise<void> {
  const to = ["--input-interface", input, "--input-group", group, "--input-port", "5000", "--outputs", outputs];
  await relay.ctl("add", "--name", "feed", ...to, ...more);
}

async function findings(relay: Relay): Promise<Finding[]> {
  return (await relay.ctlAs(explanation, "explain", "feed")).Explanation.findings;
}

/** Waits until the gravest verdict is this one, and returns it. */
async function explained(relay: Relay, verdict: string): Promise<Finding> {
  const found = await until(
    `the first verdict is ${verdict}`,
    () => findings(relay),
    ([first]) => first?.verdict === verdict,
  );
  return found[0] as Finding;
}

describe("of the input", () => {
  test("a link that is missing", async () => {
    const relay = await start();
    await add(relay, "239.2.2.2:5001:out0", "in7");
    expect((await explained(relay, "link_missing")).text).toContain("input link in7 does not exist");
    await relay.stop();
  });

  test("a link that is down", async () => {
    const relay = await start();
    await add(relay, "239.2.2.2:5001:out0");
    lab.ip("relay", "link set in0 down");
    expect((await explained(relay, "link_down")).text).toContain("ip link set in0 up");
    lab.ip("relay", "link set in0 up");
    await explained(relay, "silent");
    await relay.stop();
  });

  test("silence: joined, and no frame seen", async () => {
    const relay = await start();
    await add(relay, "239.2.2.2:5001:out0");
    const { text, evidence: said } = await explained(relay, "silent");
    expect(text).toMatch(/^joined, and no frame seen in the \d/);
    expect(said).toContainEqual({ name: `joined ${group}`, value: "yes" });
    await relay.stop();
  });

  test("frames for the group, but for another port", async () => {
    const relay = await start();
    await add(relay, "239.2.2.2:5001:out0");
    await generate(lab, "gen", [
      "--group",
      group,
      "--port",
      "6000",
      "--interface",
      "out0",
      "--count",
      "5",
      "--rate",
      "1k",
    ]);
    const { text, evidence: said } = await explained(relay, "other_port");
    expect(text).toContain("for port 6000, not 5000");
    expect(said).toContainEqual({ name: "without a rule", value: 5, age_seconds: expect.any(Number) });
    await relay.stop();
  });

  test("frames from another source than the rule takes", async () => {
    const relay = await start();
    await add(relay, "239.2.2.2:5001:out0", "in0", "--input-source", "10.0.1.77");
    rawsend(lab, "gen", "out0", [plain]);
    expect((await explained(relay, "other_source")).text).toContain(
      "from 10.0.1.1, and the rule takes only those from 10.0.1.77",
    );
    await relay.stop();
  });

  test("frames that are tagged for a VLAN", async () => {
    const relay = await start();
    await add(relay, "239.2.2.2:5001:out0");
    rawsend(lab, "gen", "out0", [udpFrame(flow, patternPayload(100), { ethernet: { vlans: [{ id: 600 }] } })]);
    const { text, evidence: said } = await explained(relay, "tagged");
    expect(text).toContain("tagged for VLAN 600");
    expect(said).toContainEqual({ name: "vlan", value: "600" });
    await relay.stop();
  });

  test.each([
    [
      "a wrong checksum",
      udpFrame(flow, patternPayload(100), { udp: { checksum: "wrong" } }),
      "its UDP checksum is wrong",
    ],
    ["a wrong UDP length", udpFrame(flow, patternPayload(100), { udp: { length: 2000 } }), "its UDP length disagrees"],
  ])("frames that are refused because of %s", async (_, frame, said) => {
    const relay = await start();
    await add(relay, "239.2.2.2:5001:out0");
    rawsend(lab, "gen", "out0", [frame]);
    expect((await explained(relay, "refused")).text).toContain(said);
    await relay.stop();
  });

  test("a group that cannot be joined, by the namespace's limit", async () => {
    lab.sysctl("relay", "net.ipv4.igmp_max_memberships", 0);
    try {
      const relay = await start();
      await add(relay, "239.2.2.2:5001:out0");
      const { text, evidence: said } = await explained(relay, "not_joined");
      expect(text).toContain(`group ${group} could not be joined on in0`);
      expect(said).toContainEqual({ name: `joined ${group}`, value: "no" });
      await relay.logs(`group ${group} could not be joined`);
      await relay.stop();
    } finally {
      lab.sysctl("relay", "net.ipv4.igmp_max_memberships", 20);
    }
  });

  test("a capture that cannot be opened, because there are no descriptors left", async () => {
    const relay = await Relay.start(lab, "relay", ["--workers", "1"], { under: ["prlimit", "--nofile=200:200"] });
    // Outputs take one each; what they leave is for the operator's own connection.
    const outputs = Array.from({ length: 60 }, (_, at) => ({ group: "239.3.3.3", port: 7000 + at, interface: "out0" }));
    for (const port of [1, 2, 3, 4]) {
      const other = { name: `other-${port}`, input_interface: "in0", input_group: "239.9.9.9", input_port: port };
      await relay.must({ AddRule: { ...other, outputs } });
    }
    await relay.must({
      AddRule: { name: "feed", input_interface: "out1", input_group: group, input_port: 5000, outputs: [] },
    });
    expect((await explained(relay, "pending")).text).toMatch(/^the rule waits: out1 cannot be captured: .*EMFILE/);
    await relay.stop();
  });

  test("frames that the kernel dropped, because a worker did not keep up", async () => {
    const relay = await start();
    await add(relay, "239.2.2.2:5001:out0");
    const [pid = 0] = relay.workerPids();
    process.kill(pid, "SIGSTOP");
    // The ring has 8,192 slots.
    await generate(lab, "gen", [...toGroup, "--count", "10000", "--rate", "50k", "--size", "100"]);
    process.kill(pid, "SIGCONT");
    const { text, evidence: said } = await explained(relay, "kernel_drops");
    expect(text).toBe("the kernel drops frames of in0: the capture ring is full, the workers do not keep up");
    const [drops] = said;
    expect(drops).toMatchObject({ name: "kernel drops", age_seconds: expect.any(Number) });
    const { datagrams } = await settled(relay, "feed");
    expect(datagrams + Number(drops?.value)).toBe(10_000);
    await relay.stop();
  });

  test("a worker that does not run", async () => {
    const relay = await start();
    await add(relay, "239.2.2.2:5001:out0");
    // Killed faster than it may be born again: the delay doubles with each death.
    const finding = await until(
      "a moment without a worker is explained",
      async () => {
        for (const pid of relay.workerPids()) process.kill(pid, "SIGKILL");
        return (await findings(relay))[0];
      },
      (first) => first?.verdict === "no_worker",
      { deadlineMs: 20_000, everyMs: 50 },
    );
    expect(finding?.evidence).toEqual([{ name: "workers running", value: "0 of 1" }]);
    await relay.stop();
  });
});

describe("of an output", () => {
  async function feeding(outputs: string): Promise<[Relay, Stream]> {
    const relay = await start();
    await add(relay, outputs);
    return [relay, new Stream(lab, "gen", [...toGroup, "--rate", "1k"])];
  }

  test("all is well", async () => {
    const [relay, stream] = await feeding("239.2.2.2:5001:out0");
    const { evidence: said } = await explained(relay, "forwarding");
    expect(said.map(({ name }) => name)).toEqual(["matched", "sent to 239.2.2.2:5001"]);
    await stream.finished();
    await relay.stop();
  });

  test("its link is missing", async () => {
    const [relay, stream] = await feeding("239.2.2.2:5001:out7");
    expect((await explained(relay, "output_link_missing")).text).toContain("out7 does not exist");
    await stream.finished();
    await relay.stop();
  });

  test("its link is down, and what it dropped meanwhile is said", async () => {
    const [relay, stream] = await feeding("239.2.2.2:5001:out1");
    lab.ip("relay", "link set out1 down");
    await explained(relay, "output_link_down");
    const [, dropped] = await until(
      "drops are seen",
      () => findings(relay),
      (all) => all.length > 1,
    );
    expect(dropped).toMatchObject({ verdict: "output_dropped", text: expect.stringContaining("it had no socket yet") });
    lab.ip("relay", "link set out1 up");
    await stream.finished();
    await relay.stop();
  });

  test("its link has no address to send from", async () => {
    lab.ip("relay", "addr del 10.0.3.1/24 dev out1");
    const [relay, stream] = await feeding("239.2.2.2:5001:out1");
    const { text, evidence: said } = await explained(relay, "output_pending");
    expect(text).toBe("output out1 239.2.2.2:5001 waits: out1 has no IPv4 address");
    expect(said).toContainEqual({ name: "link out1", value: "up" });
    lab.ip("relay", "addr add 10.0.3.1/24 dev out1");
    await until(
      "it waits no more",
      () => findings(relay),
      (all) => !all.some(({ verdict }) => verdict === "output_pending"),
    );
    await stream.finished();
    await relay.stop();
  });

  test("what it dropped: its socket was full, its worker died, its socket was made anew", async () => {
    lab.exec("relay", "tc qdisc add dev out1 root tbf rate 1mbit burst 10kb limit 100mb".split(" "));
    amends.push(() => lab.exec("relay", "tc qdisc del dev out1 root".split(" ")));
    await Listener.start(lab, "sink", 5001);
    const relay = await start();
    await add(relay, "10.0.3.2:5001:out1");
    const stream = new Stream(lab, "gen", [...toGroup, "--rate", "10k", "--size", "1000"]);
    const dropped = (why: string) =>
      until(
        `drops ${why}`,
        () => findings(relay),
        (all) => all.some(({ verdict, text }) => verdict === "output_dropped" && text.includes(why)),
        { deadlineMs: 10_000 },
      );
    const [full] = await dropped("its socket was full for longer than a backlog may wait");
    expect(full?.text).toStartWith("output out1 10.0.3.2:5001 drops datagrams: ");
    for (const pid of relay.workerPids()) process.kill(pid, "SIGKILL");
    await dropped("a worker died with them");
    // To a host the route may choose another address now: another socket. The successor's backlog may not have filled yet: again then.
    let turn = 0;
    await until(
      "drops they waited when its socket was closed",
      async () => {
        lab.ip("relay", `addr ${turn++ % 2 === 0 ? "add" : "del"} 10.0.3.9/24 dev out1`);
        return await findings(relay);
      },
      (all) => all.some(({ text }) => text.includes("they waited when its socket was closed")),
      { deadlineMs: 15_000, everyMs: 500 },
    );
    await stream.finished();
    if (turn % 2 === 1) lab.ip("relay", "addr del 10.0.3.9/24 dev out1");
    await relay.stop();
  }, 30_000);

  test("no route leads to it", async () => {
    const [relay, stream] = await feeding("10.77.0.1:5001:out0");
    expect((await explained(relay, "output_no_route")).text).toContain("no route to 10.77.0.1 through out0");
    await stream.finished();
    await relay.stop();
  });

  test("its neighbour does not answer", async () => {
    const [relay, stream] = await feeding("10.0.2.99:5001:out0");
    expect((await explained(relay, "output_no_neighbour")).text).toContain("10.0.2.99 does not answer to ARP");
    await stream.finished();
    await relay.stop();
  });

  test("the gateway on the way to it does not answer", async () => {
    lab.ip("relay", "route add 10.88.0.0/24 via 10.0.2.98 dev out0");
    const [relay, stream] = await feeding("10.88.0.1:5001:out0");
    expect((await explained(relay, "output_no_neighbour")).text).toContain("10.0.2.98 does not answer to ARP");
    await stream.finished();
    await relay.stop();
    lab.ip("relay", "route del 10.88.0.0/24");
  });

  test("the kernel says that nobody listens there", async () => {
    const [relay, stream] = await feeding("10.0.2.2:9:out0");
    const { text, evidence: said } = await explained(relay, "send_failed");
    expect(text).toContain("sent, and the kernel says ECONNREFUSED");
    expect(said).toContainEqual({ name: "refused ECONNREFUSED", value: expect.any(Number) });
    await stream.finished();
    await relay.stop();
  });
});

test("what was wrong an hour ago does not hide that all is well", async () => {
  const relay = await start();
  await add(relay, "239.2.2.2:5001:out1");
  lab.ip("relay", "link set out1 down");
  await until(
    "it waits",
    () => findings(relay),
    (all) => all.some(({ verdict }) => verdict === "output_link_down"),
  );
  await generate(lab, "gen", [...toGroup, "--count", "50"]);
  lab.ip("relay", "link set out1 up");
  const stream = new Stream(lab, "gen", [...toGroup, "--rate", "1k"]);
  // Fresh for ten seconds: not an hour, but the same.
  const found = await until(
    "forwarding is the first verdict",
    () => findings(relay),
    ([first]) => first?.verdict === "forwarding",
    { deadlineMs: 20_000, everyMs: 200 },
  );
  expect(found[1]).toMatchObject({
    verdict: "output_dropped",
    is_past: true,
    text: "output out1 239.2.2.2:5001 dropped datagrams: 50 because it had no socket yet",
  });
  expect((await relay.tryCtl("explain", "feed")).stdout).toContain("output dropped (past): ");
  await stream.finished();
  await relay.stop();
}, 30_000);

test("a rule that is not there is refused by name, with exit code 1", async () => {
  const relay = await start();
  const { exitCode, stderr } = await relay.tryCtl("explain", "nobody");
  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining("'nobody'") });
  await relay.stop();
});

describe("a captured frame", () => {
  test("is walked through the rules that run, decision by decision", async () => {
    const relay = await start();
    await add(relay, "239.2.2.2:5001:out0");
    const walk = async (frame: Uint8Array, ...more: string[]) => {
      const { exitCode, stdout, stderr } = await relay.tryCtl("explain", "--frame", frame.toHex(), ...more);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
      return stdout;
    };
    expect(await walk(plain)).toContain(
      "parsed: UDP to 239.1.1.1:5000 from 10.0.1.1, 100 bytes of payload\n  on in0: matches feed (in0 239.1.1.1:5000)\n    -> out0 239.2.2.2:5001",
    );
    expect(await walk(plain, "--interface", "out0")).toContain("on out0: no match: no rule wants 239.1.1.1 there");
    const elsewhere = udpFrame({ ...flow, destinationPort: 6000 }, patternPayload(3));
    expect(await walk(elsewhere)).toContain("no match: rules for 239.1.1.1 want port 5000, not 6000");
    const tagged = udpFrame(flow, patternPayload(9), { ethernet: { vlans: [{ id: 600 }] } });
    expect(await walk(tagged)).toContain("refused: vlan (VLAN 600)");
    const [fragment = plain] = fragmentFrames(flow, patternPayload(3000), 1400);
    expect(await walk(fragment)).toContain("refused: fragment");
    expect(
      await walk(ethernet({ destination: "ff:ff:ff:ff:ff:ff", type: etherTypes.arp }, new Uint8Array(28))),
    ).toContain("refused: not_ipv4");
    await relay.stop();
  });

  test("in a file of tcpdump is too, and a frame that was cut short is refused as truncated", async () => {
    const relay = await start();
    await add(relay, "239.2.2.2:5001:out0");
    const path = join(lab.dir, "trace.pcap");
    const dump = lab.spawn("relay", ["tcpdump", "-i", "in0", "-U", "-c", "2", "-s", "100", "-w", path, "udp"]);
    await dump.says("listening", "stderr");
    rawsend(lab, "gen", "out0", [udpFrame(flow, patternPayload(10)), plain]);
    await dump.succeed();
    const { stdout } = await relay.tryCtl("explain", "--pcap", path);
    expect(stdout).toContain("frame 1: 52 bytes\n  parsed: UDP");
    expect(stdout).toContain("frame 2: 100 bytes of 142 captured\n  refused: truncated");
    await relay.stop();
  });

  test("that is none, or a file that is none, is a usage error", async () => {
    const relay = await start();
    const strange = join(lab.dir, "strange.pcap");
    writeFileSync(strange, Buffer.concat([u32(0x0a0d0d0a), new Uint8Array(40)]));
    const said = async (...args: string[]) => {
      const { exitCode, stderr } = await relay.tryCtl("explain", ...args);
      expect(exitCode).toBe(64);
      return stderr;
    };
    expect(await said("--frame", "xyz")).toContain("hexadecimal");
    expect(await said("--pcap", strange)).toContain("pcapng");
    expect(await said("--pcap", join(lab.dir, "none.pcap"))).toContain("no such file");
    expect(await said()).toContain("one of a RULE");
    writeFileSync(strange, Buffer.concat([u16(1), u16(2), new Uint8Array(40)]));
    expect(await said("--pcap", strange)).toContain("is no pcap file");
    await relay.stop();
  });
});
