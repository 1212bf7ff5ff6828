// The doctor at real machines, good ones and bad ones: namespaces whose links, settings and sockets are put in disorder. Where it
// prints a command, that command is run as printed, and the doctor must then be content.
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { chmodSync, copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { compiled } from "../helpers/compiled.ts";
import { Lab } from "../helpers/namespaces.ts";
import { binary, Relay } from "../helpers/relay.ts";
import type { RunningOptions } from "../helpers/running.ts";
import { until } from "../helpers/until.ts";

const lab = Lab.create("doctor");
afterEach(() => lab.endAll());
afterAll(() => lab.close());
lab.veth({ ns: "gen", link: "out0", address: "10.0.1.1/24" }, { ns: "relay", link: "in0", address: "10.0.1.2/24" });
lab.veth({ ns: "relay", link: "out0", address: "10.0.2.1/24" }, { ns: "sink", link: "in0", address: "10.0.2.2/24" });

const findingSchema = z.strictObject({
  id: z.string(),
  severity: z.enum(["error", "warning", "note", "unseen", "fine"]),
  link: z.string().optional(),
  what: z.string(),
  why: z.string().optional(),
  commands: z.array(z.string()),
  advice: z.string().optional(),
});
const reportSchema = z.strictObject({
  program_version: z.string(),
  errors: z.number(),
  warnings: z.number(),
  findings: z.array(findingSchema),
});
type Finding = z.output<typeof findingSchema>;

type Visit = RunningOptions & {
  /** The file that is examined and examines. */
  file?: string;
  under?: readonly string[];
  socketPath?: string;
};

const nowhere = join(lab.dir, "none", "control.sock");

/** Runs `doctor --json`; its exit code must be the one that its findings ask for. */
async function findings(args: readonly string[] = [], visit: Visit = {}): Promise<Finding[]> {
  const { file = binary, under = [], socketPath = nowhere, ...options } = visit;
  const command = [...under, file, "doctor", "--json", "--socket-path", socketPath, ...args];
  const { exitCode, stdout, stderr } = await lab.spawn("relay", command, options).finish();
  expect(stderr).toBe("");
  const report = reportSchema.parse(JSON.parse(stdout));
  const count = (severity: string) => report.findings.filter((each) => each.severity === severity).length;
  expect([report.errors, report.warnings]).toEqual([count("error"), count("warning")]);
  expect(exitCode).toBe(report.errors > 0 ? 2 : report.warnings > 0 ? 1 : 0);
  return report.findings;
}

/** The one finding of a check, about one link where there are several. */
async function finding(id: string, args: readonly string[] = [], visit: Visit = {}, link?: string): Promise<Finding> {
  const found = (await findings(args, visit)).filter((each) => each.id === id && (!link || each.link === link));
  expect(found.map((each) => each.what)).toHaveLength(1);
  return z.tuple([findingSchema]).parse(found)[0];
}

/** Runs what it said, by a shell, in the namespace. */
function obey({ commands }: Finding): void {
  expect(commands).not.toEqual([]);
  for (const command of commands) lab.exec("relay", ["sh", "-ec", command]);
}

type Disorder = {
  what: string;
  id: string;
  severity: Finding["severity"];
  link?: string;
  args?: readonly string[];
  spoil: () => void;
  says: string;
};
const disorders: Disorder[] = [
  {
    what: "a link that merges UDP",
    id: "gro",
    severity: "warning",
    link: "in0",
    args: ["--interface", "in0"],
    spoil: () => lab.offloads("relay", "in0", { gro: true, "rx-udp-gro-forwarding": true }),
    says: "in0 merges UDP datagrams into super-frames",
  },
  {
    what: "a link without checksum offload",
    id: "gso",
    severity: "warning",
    link: "out0",
    args: ["--interface", "out0"],
    spoil: () => lab.offloads("relay", "out0", { "tx-checksumming": false }),
    says: "Checksum offload of out0 is off",
  },
  {
    what: "a link whose frames one core takes",
    id: "queues",
    severity: "note",
    link: "in0",
    args: ["--interface", "in0"],
    spoil: () => lab.exec("relay", ["sh", "-c", "echo 0 > /sys/class/net/in0/queues/rx-0/rps_cpus"]),
    says: "one of",
  },
  {
    what: "no memberships at all",
    id: "igmp-memberships",
    severity: "error",
    spoil: () => lab.sysctl("relay", "net.ipv4.igmp_max_memberships", 0),
    says: "no socket can join a group",
  },
  {
    what: "no sources of a group",
    id: "igmp-sources",
    severity: "error",
    spoil: () => lab.sysctl("relay", "net.ipv4.igmp_max_msf", 0),
    says: "no socket can join a source",
  },
  {
    what: "a link that is down",
    id: "link",
    severity: "warning",
    link: "out0",
    args: ["--interface", "out0"],
    spoil: () => lab.ip("relay", "link set out0 down"),
    says: "out0 is down",
  },
];

describe("what it finds, its own command mends:", () => {
  for (const { what, id, severity, link, args, spoil, says } of disorders) {
    test(what, async () => {
      spoil();
      const bad = await finding(id, args, {}, link);
      expect(bad).toMatchObject({ severity, what: expect.stringContaining(says) });
      obey(bad);
      expect(await finding(id, args, {}, link)).toMatchObject({ severity: "fine", commands: [] });
    });
  }

  test("a bridge that snoops, with nobody who asks", async () => {
    lab.veth({ ns: "gen", link: "out1" }, { ns: "relay", link: "p0" });
    lab.bridge("relay", "br0", ["p0"], { snooping: true });
    const bad = await finding("bridge-querier", ["--interface", "br0"]);
    expect(bad).toMatchObject({ severity: "warning", link: "br0", what: expect.stringContaining("nobody on it asks") });
    // The port's bridge counts as much as the bridge itself.
    expect(await finding("bridge-querier", ["--interface", "p0"])).toEqual(bad);
    obey(bad);
    expect(await finding("bridge-querier", ["--interface", "br0"])).toMatchObject({ severity: "fine" });
    lab.ip("relay", "link set br0 type bridge mcast_querier 0");
    expect(await finding("bridge-querier", ["--interface", "br0"])).toEqual(bad);
    // Another one asks, behind the port.
    lab.bridge("gen", "br1", ["out1"], { snooping: true, address: "10.0.9.1/24" });
    lab.ip("gen", "link set br1 type bridge mcast_query_use_ifaddr 1 mcast_querier 1");
    const others = () => finding("bridge-querier", ["--interface", "br0"]);
    expect(await until("the other querier is heard", others, (now) => now.severity === "fine")).toMatchObject({
      what: "bridge br0 snoops and has a querier",
    });
    lab.ip("gen", "link del br1");
    lab.ip("relay", "link set br0 type bridge mcast_snooping 0");
    expect(await finding("bridge-querier", ["--interface", "br0"])).toMatchObject({ severity: "fine" });
  });

  test("a kernel that routes multicast, gravest when it is what a rule takes", async () => {
    expect(await finding("kernel-routing")).toMatchObject({ severity: "fine" });
    const relay = await Relay.start(lab, "relay");
    await relay.ctl(...rule("239.1.1.1", "in0", "out0"));
    const socket = { socketPath: relay.socketPath };
    const other = lab.spawn("relay", [compiled("route-multicast"), "in0", "out0"]);
    await other.says("routing");
    expect(await finding("kernel-routing", [], socket)).toMatchObject({
      severity: "warning",
      what: "The kernel routes multicast from in0 by itself.",
    });
    await other.end();
    const same = lab.spawn("relay", [compiled("route-multicast"), "in0", "out0", "10.0.1.1", "239.1.1.1"]);
    await same.says("routing");
    const bad = await finding("kernel-routing", [], socket);
    expect(bad).toMatchObject({
      severity: "error",
      what: "The kernel forwards what rules relay: 239.1.1.1 from in0.",
      commands: [`kill ${same.pid}`],
    });
    obey(bad);
    await same.finish();
    expect(await finding("kernel-routing", [], socket)).toMatchObject({ severity: "fine" });
    await relay.stop();
  });

  test("a file with capabilities, setuid, writable by anybody", async () => {
    const file = join(lab.dir, "mcr-appliance");
    copyFileSync(binary, file);
    chmodSync(file, 0o755);
    expect(await finding("executable", [], { file })).toMatchObject({ severity: "fine" });
    lab.exec("relay", ["setcap", "cap_net_raw+ep", file]);
    obey(await finding("file-capabilities", [], { file }));
    for (const [mode, id] of [
      [0o4755, "setuid"],
      [0o2755, "setuid"],
      [0o757, "writable"],
    ] as const) {
      chmodSync(file, mode);
      const bad = await finding(id, [], { file });
      expect(bad).toMatchObject({ severity: "error", what: expect.stringContaining(file) });
      obey(bad);
    }
    expect(await finding("executable", [], { file })).toMatchObject({ severity: "fine" });
  });

  test("a folder of the control socket that anybody may write to, and a file in the socket's place", async () => {
    const folder = join(lab.dir, "open");
    const socketPath = join(folder, "control.sock");
    mkdirSync(folder);
    expect(await finding("control-socket", [], { socketPath })).toMatchObject({ severity: "fine" });
    chmodSync(folder, 0o777);
    const open = await finding("control-socket", [], { socketPath });
    expect(open).toMatchObject({ severity: "error", what: expect.stringContaining("Anybody may write to") });
    obey(open);
    chmodSync(folder, 0o1777);
    expect(await finding("control-socket", [], { socketPath })).toMatchObject({ severity: "warning" });
    chmodSync(folder, 0o755);
    writeFileSync(socketPath, "mine");
    const taken = await finding("control-socket", [], { socketPath });
    expect(taken).toMatchObject({ severity: "error", what: expect.stringContaining("is no socket") });
    obey(taken);
    expect(await finding("control-socket", [], { socketPath })).toMatchObject({ severity: "fine" });
    expect(existsSync(`${socketPath}.aside`)).toBe(true);
  });
});

function rule(group: string, input: string, output: string): string[] {
  const from = ["--input-interface", input, "--input-group", group, "--input-port", "5000"];
  return ["add", "--name", `feed-${input}`, ...from, "--outputs", `239.2.2.2:5001:${output}`];
}

describe("a relay that runs", () => {
  test("tells its links, its rules and its rights, and all of them are fine", async () => {
    const relay = await Relay.start(lab, "relay");
    await relay.ctl(...rule("239.1.1.1", "in0", "out0"));
    const found = await findings([], { socketPath: relay.socketPath });
    const fine = found.filter((each) => each.severity === "fine");
    expect(fine.map((each) => each.id)).toEqual(
      expect.arrayContaining([
        "supervisor",
        "workers",
        "rules",
        "losses",
        "capabilities",
        "ebpf",
        "io-uring",
        "control-socket",
      ]),
    );
    const about = (link: string) => found.filter((each) => each.link === link).map((each) => each.id);
    expect(about("in0")).toEqual(expect.arrayContaining(["gro", "queues", "rp-filter"]));
    expect(about("out0")).toEqual(["gso"]);
    await relay.stop();
  });

  test("is reported with what it waits for: a link that is down, one that is not there", async () => {
    const relay = await Relay.start(lab, "relay");
    const socket = { socketPath: relay.socketPath };
    await relay.ctl(...rule("239.1.1.1", "in0", "out0"));
    await relay.ctl(...rule("239.1.1.2", "eth7", "out0"));
    const missing = await finding("rules", [], socket);
    expect(missing).toMatchObject({
      severity: "warning",
      what: "Rule feed-eth7 is pending: input link eth7 does not exist.",
    });
    await relay.ctl("remove", "--name", "feed-eth7");
    lab.ip("relay", "link set out0 down");
    let bad: Finding;
    do {
      bad = await finding("rules", [], socket);
    } while (bad.severity === "fine");
    expect(bad).toMatchObject({ severity: "warning", what: expect.stringMatching(/^Output out0 .* is pending/) });
    obey(bad);
    do {
      bad = await finding("rules", [], socket);
    } while (bad.severity !== "fine");
    await relay.stop();
  });

  test("is an error when it does not answer, and the rest is looked at all the same", async () => {
    const relay = await Relay.start(lab, "relay");
    relay.signal("SIGSTOP");
    const found = await findings([], { socketPath: relay.socketPath });
    relay.signal("SIGCONT");
    expect(found[0]).toMatchObject({ id: "supervisor", severity: "error" });
    expect(found.map((each) => each.id)).toContain("io-uring");
    await relay.stop();
  });

  test("whose socket everybody may use is an error, and the command shuts it", async () => {
    const relay = await Relay.start(lab, "relay");
    chmodSync(relay.socketPath, 0o666);
    const bad = await finding("control-socket", [], { socketPath: relay.socketPath });
    expect(bad).toMatchObject({ severity: "error", what: expect.stringContaining("Every user of this machine") });
    obey(bad);
    expect((await finding("control-socket", [], { socketPath: relay.socketPath })).what).not.toContain("Every user");
    await relay.stop();
  });
});

describe("a process", () => {
  const nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps", "-all"];

  test("without rights is told so, and what it could not look at", async () => {
    chmodSync(lab.dir, 0o755);
    const found = await findings(["--interface", "in0"], { under: nobody });
    const by = (id: string) => found.find((each) => each.id === id);
    expect(by("capabilities")).toMatchObject({
      severity: "warning",
      what: "A supervisor started from here has no CAP_NET_RAW (user id 65534).",
    });
    expect(by("ebpf")).toMatchObject({ severity: "warning", what: expect.stringContaining("(EPERM)") });
    expect(by("gro")).toMatchObject({ severity: "fine" });
    const closed = join(lab.dir, "closed");
    mkdirSync(closed, { mode: 0o700 });
    expect(
      await finding("control-socket", [], { under: nobody, socketPath: join(closed, "control.sock") }),
    ).toMatchObject({
      severity: "unseen",
    });
  });

  test("that is root without CAP_NET_RAW, as in a container, is an error", async () => {
    const under = ["setpriv", "--bounding-set", "-net_raw", "--inh-caps", "-net_raw"];
    expect(await finding("capabilities", [], { under })).toMatchObject({
      severity: "error",
      advice: expect.stringContaining("--cap-add NET_RAW"),
    });
  });

  test("without CAP_NET_ADMIN is warned of what it loses", async () => {
    const under = ["setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin"];
    const found = await findings([], { under });
    expect(found.find((each) => each.id === "capabilities")).toMatchObject({ severity: "warning" });
    expect(found.find((each) => each.id === "receive-buffer")?.what).not.toContain("CAP_NET_ADMIN goes beyond");
  });

  test("under a seccomp profile without io_uring is told what a container needs", async () => {
    expect(await finding("io-uring", [], { under: [compiled("forbid"), "io_uring_setup"] })).toMatchObject({
      what: "io_uring is not available (EPERM).",
      advice: expect.stringContaining("--security-opt seccomp=unconfined"),
    });
  });

  test("that may have no code in memory is told where its library went, and that a switch of the kernel is not why", async () => {
    const forbid = [compiled("forbid"), "memfd_create"];
    expect(await finding("native-library", [], { under: forbid })).toMatchObject({
      severity: "warning",
      what: "The native library had to be loaded from a file: code in memory is refused.",
    });
    const strictest = 'echo 2 > /proc/sys/vm/memfd_noexec; exec "$@"';
    const under = ["unshare", "--pid", "--fork", "--mount-proc", "sh", "-ec", strictest, "sh"];
    expect(await finding("native-library", [], { under })).toMatchObject({ severity: "fine" });
  });

  test("that cannot load the native library at all still looks at the rest", async () => {
    // The executable lies below /tmp perhaps: it is opened before that is covered.
    const open = ["sh", "-ec", `exec 9<${binary}; exec "$@"`, "sh"];
    const cover = 'for at in /run /tmp; do mount -t tmpfs -o noexec none $at; done; exec "$@"';
    const under = [...open, compiled("forbid"), "memfd_create", "sh", "-ec", cover, "sh"];
    const found = await findings([], { under, file: "/proc/self/fd/9" });
    expect(found[0]).toMatchObject({
      id: "native-library",
      severity: "error",
      what: expect.stringContaining("/run"),
      commands: ["mount -o remount,exec /run"],
    });
    const by = (id: string) => found.find((each) => each.id === id)?.severity;
    expect([by("io-uring"), by("ebpf"), by("clock"), by("kernel")]).toEqual(["unseen", "unseen", "unseen", "fine"]);
  });

  test("with few open files is warned", async () => {
    const under = ["prlimit", "--nofile=512:512"];
    expect(await finding("open-files", [], { under })).toMatchObject({
      severity: "warning",
      what: "512 open files are allowed.",
      commands: ["ulimit -n 65536"],
    });
  });

  test("in an environment that steers the runtime is told which variable does", async () => {
    expect(await finding("environment", [], { env: { ...process.env, NODE_OPTIONS: "" } })).toMatchObject({
      severity: "warning",
      commands: ["unset NODE_OPTIONS"],
    });
    expect(await finding("environment")).toMatchObject({ severity: "fine" });
  });

  test("that sees the /sys of another namespace does not speak of that one's links", async () => {
    const { stdout } = await lab
      .spawn("gen", [
        "nsenter",
        `--net=/run/netns/${lab.ns("relay")}`,
        binary,
        "doctor",
        "--json",
        "--interface",
        "in0",
      ])
      .finish();
    const links = reportSchema.parse(JSON.parse(stdout)).findings.filter((each) => each.id === "links");
    expect(links).toMatchObject([{ severity: "unseen", what: expect.stringContaining("another network namespace") }]);
  });
});

test("a name that no link can have is a usage error, one that no link has is a finding with a guess", async () => {
  const { exitCode, stderr } = await lab.spawn("relay", [binary, "doctor", "--interface", "../x"]).finish();
  expect([exitCode, stderr.trim()]).toEqual([
    64,
    "mcr-appliance: '../x' is no name of a network interface. See 'mcr-appliance help doctor'.",
  ]);
  expect(await finding("link", ["--interface", "out"])).toMatchObject({
    severity: "error",
    what: "There is no link out in this network namespace. Did you mean 'out0'?",
  });
});

test("nothing of all this changed the machine: two examinations say the same", async () => {
  // Other tests of the machine add to the counters of dropped frames, and to nothing else that is looked at.
  const still = (found: Finding[]) => found.filter((each) => each.id !== "softnet");
  const args = ["--interface", "in0", "--interface", "out0"];
  expect(still(await findings(args))).toEqual(still(await findings(args)));
});
