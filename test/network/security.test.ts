// Who may do what, and what is left of rights: the supervisor as root and as an ordinary user, clients of every kind, and the
// doors that a compiled Bun leaves open.
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { asOrdinaryUser, ordinaryUserWith } from "../helpers/ordinary-user.ts";
import { binary, Relay } from "../helpers/relay.ts";
import { statusOf } from "../helpers/status.ts";
import { bench, generate, intact, Sink } from "../helpers/traffic.ts";

const lab = bench("security");
afterEach(() => lab.endAll());
afterAll(() => lab.close());

const rule = {
  rule_id: "guarded",
  input_interface: "in0",
  input_group: "239.1.1.1",
  input_port: 5000,
  outputs: [{ group: "239.2.2.2", port: 6000, interface: "out0" }],
};
const stream = ["--group", "239.1.1.1", "--port", "5000", "--interface", "out0"];
const output = ["--group", "239.2.2.2", "--port", "6000", "--interface", "in0"];

/** The sets of every thread of a process. */
function capabilities(
  pid: number,
): { thread: number; name: string; effective: bigint; permitted: bigint; ambient: bigint }[] {
  return readdirSync(`/proc/${pid}/task`).map((thread) => {
    const text = readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8");
    const set = (field: string) => BigInt(`0x${new RegExp(`^${field}:\\s+([0-9a-f]+)`, "m").exec(text)?.[1] ?? "f"}`);
    const name = /^Name:\s+(.*)$/m.exec(text)?.[1] ?? "";
    return { thread: Number(thread), name, effective: set("CapEff"), permitted: set("CapPrm"), ambient: set("CapAmb") };
  });
}

function maskOf(...bits: number[]): bigint {
  return bits.reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n);
}

/** A function's body as it stands in the executable, braces included. */
function bodyOf(name: string): string {
  const image = readFileSync(binary);
  const start = image.indexOf("{", image.indexOf(`function ${name}(`));
  return image.toString("utf8", start, image.indexOf("\n}\n", start) + 2);
}

const cap = { chown: 0, dac: 1, kill: 5, setgid: 6, setuid: 7, setpcap: 8, bind: 10, admin: 12, raw: 13 };
const more = { chroot: 18, ptrace: 19, nice: 23, bpf: 39 };

async function forwards(relay: Relay): Promise<void> {
  await relay.must({ AddRule: rule });
  const sink = await Sink.start(lab, "sink", [...output, "--expect", "2000"]);
  await generate(lab, "gen", [...stream, "--rate", "10k", "--count", "2000"]);
  expect(await sink.received()).toMatchObject({ ...intact, received: 2000 });
}

describe("the supervisor", () => {
  test("started by root keeps what it uses, in every thread, and an environment in which nothing steers the runtime", async () => {
    const steering = {
      BUN_JSC_useDFGJIT: "1",
      NODE_OPTIONS: "--no-warnings",
      BUN_CONFIG_VERBOSE_FETCH: "0",
      LD_BIND_NOW: "1",
    };
    const relay = await Relay.start(lab, "relay", ["--workers", "1"], {
      env: { ...process.env, ...steering, MCR_KEPT: "1" },
    });
    const used =
      maskOf(cap.chown, cap.dac, cap.kill, cap.setgid, cap.setuid, cap.setpcap, cap.bind, cap.admin, cap.raw) |
      maskOf(more.chroot, more.ptrace, more.nice, more.bpf);
    const threads = capabilities(relay.pid);
    expect(threads.length).toBeGreaterThan(2);
    for (const { name, effective, permitted, ambient } of threads) {
      expect([name, effective | permitted | ambient]).toEqual([name, used]);
    }
    const environment = readFileSync(`/proc/${relay.pid}/environ`, "utf8").split("\0");
    expect(environment).toContain("MCR_KEPT=1");
    for (const name of Object.keys(steering)) {
      expect(environment.filter((entry) => entry.startsWith(`${name}=`))).toEqual([]);
    }
    await forwards(relay);
    await relay.stop();
  });

  test("runs as an ordinary user with three ambient capabilities; its workers have none in any thread", async () => {
    const user = ordinaryUserWith(lab, "+net_raw,+net_admin,+bpf,+sys_time");
    const relay = await Relay.start(lab, "relay", ["--workers", "2"], user);
    await relay.logs("workers keep in view what they have no use for");
    for (const { name, effective, permitted, ambient } of capabilities(relay.pid)) {
      // CAP_SYS_TIME was given and is of no use.
      expect([name, effective, permitted]).toEqual([
        name,
        maskOf(cap.raw, cap.admin, more.bpf),
        maskOf(cap.raw, cap.admin, more.bpf),
      ]);
      expect([name, ambient & maskOf(25)]).toEqual([name, 0n]);
    }
    const pids = relay.workerPids();
    expect(pids).toHaveLength(2);
    for (const pid of pids) {
      for (const { name, effective, permitted, ambient } of capabilities(pid)) {
        expect([name, effective | permitted | ambient]).toEqual([name, 0n]);
      }
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      expect(status).toMatch(/^Uid:\t4321\t4321\t4321\t4321$/m);
      expect(status).toMatch(/^Seccomp:\t2$/m);
      expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    }
    await forwards(relay);
    expect((await statusOf(relay)).frames.matched).toBe(2000);
    await relay.stop();
  });

  test("as an ordinary user saves the configuration that root put into its folder", async () => {
    const user = ordinaryUserWith(lab, "+net_raw,+net_admin,+bpf");
    const path = join(lab.dir, "ordinary/mcr.json5");
    writeFileSync(path, "{ rules: [] } // root's\n");
    const relay = await Relay.start(lab, "relay", ["--workers", "1", "--config", path], user);
    await relay.must({ AddRule: rule });
    const saved = await relay.tryCtl("config", "save");
    expect(saved).toMatchObject({ exitCode: 0, stderr: "" });
    expect(readFileSync(path, "utf8")).toContain("239.1.1.1");
    expect(readFileSync(path, "utf8")).toContain("// root's");
    expect([statSync(path).uid, statSync(path).mode & 0o777]).toEqual([4321, 0o644]);
    await relay.stop();
  });

  test("without CAP_NET_RAW says which right is missing", async () => {
    const relay = Relay.launch(lab, "relay", [], { under: asOrdinaryUser });
    expect(await relay.finish()).toMatchObject({ exitCode: 77, stderr: expect.stringContaining("CAP_NET_RAW") });
  });
});

describe("the control socket", () => {
  const groups = { mcr: 7001, watchers: 7002, others: 7003 };

  /** A machine with our groups: /etc/group in a mount namespace of its own. */
  function withGroups(): string[] {
    const path = join(lab.dir, "group");
    writeFileSync(path, `root:x:0:\nmcr:x:${groups.mcr}:\nwatchers:x:${groups.watchers}:\n`);
    return ["unshare", "--mount", "sh", "-c", `mount --bind ${path} /etc/group && exec "$@"`, "sh"];
  }

  /** A verb by a user who is nobody but a member of `group`. */
  function as(group: number, relay: Relay, ...args: string[]) {
    const user = ["setpriv", "--reuid", "6000", "--regid", "6000", "--groups", `${group}`, "--inh-caps=-all"];
    return lab.spawn("relay", [...user, binary, "--socket-path", relay.socketPath, ...args]).finish();
  }

  const add = [
    "add",
    "--name",
    "mine",
    "--input-interface",
    "in0",
    "--input-group",
    "239.1.1.9",
    "--input-port",
    "5009",
  ];
  const addOutput = ["--outputs", "239.2.2.9:5009:out0"];

  test("members of mcr change, readers read, everybody else is told why not; every change is a line with who and what", async () => {
    chmodSync(lab.dir, 0o755);
    const relay = await Relay.start(
      lab,
      "relay",
      ["--workers", "1", "--read-group", "watchers", "--log-format", "json"],
      {
        under: withGroups(),
      },
    );
    expect(statSync(relay.socketPath)).toMatchObject({ uid: 0, gid: groups.mcr });
    expect(statSync(relay.socketPath).mode & 0o777).toBe(0o666);

    expect(await as(groups.watchers, relay, "list")).toMatchObject({ exitCode: 0 });
    expect(await as(groups.watchers, relay, ...add, ...addOutput)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("you may only read"),
    });
    expect(await as(groups.watchers, relay, "log-level", "set", "debug")).toMatchObject({ exitCode: 1 });
    expect(await as(groups.others, relay, "list")).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("User 6000 may not use this socket"),
    });
    expect(await relay.send("ListRules")).toEqual({ Rules: [] });

    expect(await as(groups.mcr, relay, ...add, ...addOutput)).toMatchObject({ exitCode: 0 });
    expect(await as(groups.mcr, relay, "remove", "--name", "mine")).toMatchObject({ exitCode: 0 });
    const records = relay.log
      .split("\n")
      .filter((line) => line.includes("asked to change"))
      .map((line) => JSON.parse(line));
    expect(records.map(({ message }) => message)).toEqual([
      "asked to change: AddRule",
      "asked to change: SetGlobalLogLevel",
      "asked to change: AddRule",
      "asked to change: RemoveRuleByName",
    ]);
    for (const { fields } of records) expect(fields).toMatchObject({ uid: 6000, pid: expect.any(Number) });
    const [refused, , added, removed] = records.map(({ fields }) => fields);
    expect(refused).toMatchObject({ outcome: "not permitted" });
    expect(added).toMatchObject({ outcome: "done" });
    expect(added.before).toBeUndefined();
    expect(JSON.parse(added.after)).toMatchObject({ name: "mine", input_group: "239.1.1.9" });
    expect(removed.before).toBe(added.after);
    expect(removed.after).toBeUndefined();
    await relay.stop();
  });

  test("without a group of readers the file is for root and mcr alone", async () => {
    const relay = await Relay.start(lab, "relay", ["--workers", "1"], { under: withGroups() });
    expect(statSync(relay.socketPath)).toMatchObject({ uid: 0, gid: groups.mcr });
    expect(statSync(relay.socketPath).mode & 0o777).toBe(0o660);
    expect(await as(groups.mcr, relay, "list")).toMatchObject({ exitCode: 0 });
    expect((await as(groups.others, relay, "list")).stderr).toMatch(/[Pp]ermission|not permitted/);
    await relay.stop();
  });

  test("a group of readers that does not exist is a usage error with the cure", async () => {
    const relay = Relay.launch(lab, "relay", ["--read-group", "nosuch"]);
    expect(await relay.finish()).toMatchObject({ exitCode: 64, stderr: expect.stringContaining("groupadd") });
  });
});

describe("what steers a compiled Bun", () => {
  const dir = join(lab.dir, "doors");
  const proof = join(dir, "proof");
  mkdirSync(dir);
  writeFileSync(join(dir, "script.js"), `require("node:fs").writeFileSync(${JSON.stringify(proof)}, "ran");`);
  writeFileSync(join(dir, ".env"), `BUN_OPTIONS=--preload ${dir}/script.js\nMCR_SOCKET=${dir}/from-env\n`);
  writeFileSync(join(dir, "bunfig.toml"), `preload = ["${dir}/script.js"]\n`);
  writeFileSync(join(dir, "package.json"), `{"name":"x","scripts":{"help":"touch ${proof}"}}`);

  const script = join(dir, "script.js");
  const doors: [string, Record<string, string>, string[]][] = [
    ["BUN_BE_BUN", { BUN_BE_BUN: "1" }, [script]],
    [
      "BUN_BE_BUN with -e",
      { BUN_BE_BUN: "1" },
      ["-e", `require("node:fs").writeFileSync(${JSON.stringify(proof)}, "ran")`],
    ],
    ["BUN_BE_BUN run", { BUN_BE_BUN: "1" }, ["run", "help"]],
    ["BUN_OPTIONS --preload", { BUN_OPTIONS: `--preload ${script}` }, ["help"]],
    ["BUN_OPTIONS --require", { BUN_OPTIONS: `--require ${script}` }, ["help"]],
    ["BUN_OPTIONS -e", { BUN_OPTIONS: `-e require("${script}")` }, ["help"]],
    ["BUN_OPTIONS --config", { BUN_OPTIONS: `--config=${dir}/bunfig.toml` }, ["help"]],
    ["BUN_INSPECT_PRELOAD", { BUN_INSPECT_PRELOAD: script, BUN_INSPECT: "127.0.0.1:0" }, ["help"]],
    ["BUN_BYTECODE_ORDER_OUT", { BUN_BYTECODE_ORDER_OUT: proof, BUN_BYTECODE_ORDER_NAMES_OUT: "1" }, ["help"]],
    ["BUN_BYTECODE_DIGEST_OUT", { BUN_BYTECODE_DIGEST_OUT: proof }, ["help"]],
    ["NODE_OPTIONS", { NODE_OPTIONS: `--require ${script}` }, ["help"]],
    ["NODE_OPTIONS --import", { NODE_OPTIONS: `--import ${script}` }, ["help"]],
    [
      "BUN_PRELOAD and its like",
      { BUN_PRELOAD: script, BUN_CONFIG_PRELOAD: script, BUN_PLUGIN_NAME: script },
      ["help"],
    ],
    ["the files of the working directory", {}, ["help"]],
    ["a home directory with a bunfig", { HOME: dir, XDG_CONFIG_HOME: dir }, ["help"]],
  ];

  test.each(doors)("%s runs nothing of anybody else's", async (_, environment, args) => {
    const env = { ...process.env, ...environment };
    await lab.spawn("relay", [binary, ...args], { env, cwd: dir }).finish();
    expect(existsSync(proof)).toBe(false);
  });

  test("the script would have left its proof: the plain interpreter runs it", async () => {
    const other = join(dir, "control.js");
    writeFileSync(other, `require("node:fs").writeFileSync(${JSON.stringify(`${proof}-control`)}, "ran");`);
    await lab.spawn("relay", [process.execPath, other]).finish();
    expect(existsSync(`${proof}-control`)).toBe(true);
  });

  test("functions of ours keep their bodies: the option that changes them is not known, and in the plain interpreter it is", async () => {
    const overrides = (path: string, body: string) =>
      writeFileSync(
        path,
        `override %%%${body}%%%\nwith %%%{ process.getBuiltinModule("fs").writeFileSync("${proof}", "ran"); return {}; }%%%\n`,
      );
    const [other, file] = [join(dir, "plain.js"), join(dir, "overrides")];
    writeFileSync(other, "function said() { return 1; }\nsaid();\n");
    overrides(file, "{\n  return 1;\n}");
    const env = { ...process.env, BUN_JSC_functionOverrides: file };
    await lab.spawn("relay", [process.execPath, other], { env }).finish();
    expect(existsSync(proof)).toBe(true);
    rmSync(proof);
    overrides(file, bodyOf("connectFailure"));
    const ended = await lab.spawn("relay", [binary, "ping", "--socket-path", join(dir, "nobody")], { env }).finish();
    expect(ended).toMatchObject({ stderr: expect.stringContaining("invalid JSC environment variable") });
    expect(existsSync(proof)).toBe(false);
  });

  test("a debugger cannot be opened in a supervisor", async () => {
    const env = { ...process.env, BUN_INSPECT: "ws://127.0.0.1:6499/door", BUN_OPTIONS: "--inspect=127.0.0.1:6498" };
    const relay = await Relay.start(lab, "relay", ["--workers", "1"], { env });
    expect(lab.read("relay", "/proc/net/tcp").trim().split("\n")).toHaveLength(1);
    await relay.stop();
  });

  test(".env of the working directory sets nothing", async () => {
    const ended = await lab.spawn("relay", [binary, "list"], { cwd: dir }).finish();
    expect(ended.stderr).not.toContain("from-env");
  });
});
