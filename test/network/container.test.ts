// The image as it would run: the compiled binary in the file system that `appliance/docker/house` lays out, under seccomp.json, with
// compose.yaml's capabilities. A container runtime is not needed to say whether that is enough.
import { afterAll, afterEach, expect, test } from "bun:test";
import { chmodSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { compiled } from "../helpers/compiled.ts";
import { binary, Relay } from "../helpers/relay.ts";
import { run } from "../helpers/run.ts";
import { statusOf } from "../helpers/status.ts";
import { bench, generate, intact, Sink } from "../helpers/traffic.ts";

const lab = bench("container");
const folder = join(import.meta.dir, "../../appliance/docker");
const house = join(lab.dir, "house");
afterEach(() => lab.endAll());
afterAll(() => lab.close());

const profileSchema = z.object({
  defaultAction: z.literal("SCMP_ACT_ERRNO"),
  syscalls: z.array(z.object({ names: z.array(z.string()), action: z.enum(["SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO"]) })),
});

/** The numbers of what the profile permits, by the kernel's own header. */
function permitted(): string {
  const header = process.arch === "x64" ? "x86_64-linux-gnu/asm/unistd_64.h" : "asm-generic/unistd.h";
  const lines = readFileSync(`/usr/include/${header}`, "utf8").matchAll(/^#define __NR(?:3264)?_(\w+)\s+(\d+)/gm);
  const numbers = new Map([...lines].map(([, name, number]) => [name ?? "", number ?? ""] as const));
  const { syscalls } = profileSchema.parse(JSON.parse(readFileSync(join(folder, "seccomp.json"), "utf8")));
  const names = syscalls.filter(({ action }) => action === "SCMP_ACT_ALLOW").flatMap((each) => each.names);
  const known = names.map((name) => numbers.get(name)).filter((number) => number !== undefined);
  expect(known.length).toBeGreaterThan(150);
  return known.join(",");
}

/** `--cap-add` of compose.yaml, as setpriv names them. */
function capabilities(): string {
  const [, names = ""] = /cap_add: \[([A-Z_, ]+)\]/.exec(readFileSync(join(folder, "compose.yaml"), "utf8")) ?? [];
  return names
    .split(", ")
    .map((name) => `+${name.toLowerCase()}`)
    .join(",");
}

test("the image holds the program, what it loads and two files of accounts, and the program runs there", () => {
  run([join(folder, "house"), binary, house]);
  expect(readdirSync(join(house, "usr/bin"))).toEqual(["mcr-appliance"]);
  expect(readdirSync(join(house, "etc")).sort()).toEqual(["group", "mcr", "passwd"]);
  // What every container runtime mounts.
  const mounts = ["proc", "dev"]
    .map((name) => `mkdir "$0/${name}" && mount --rbind /${name} "$0/${name}"`)
    .join(" && ");
  const enter = ["unshare", "--mount", "sh", "-ec", `${mounts} && exec chroot "$0" "$@"`, house];
  expect(run([...enter, "/usr/bin/mcr-appliance", "help"]).stdout).toContain("supervise");
});

test("with the profile and the capabilities of compose.yaml it relays, by io_uring, and nothing is left to wish for", async () => {
  chmodSync(lab.dir, 0o755);
  const all = capabilities();
  const under = [
    ...["setpriv", "--bounding-set", `-all,${all}`, "--inh-caps", `-all,${all}`, "--no-new-privs"],
    // As a runtime that bounds processes: a worker must not ask for more.
    ...["prlimit", "--nproc=1024:1024"],
    ...[compiled("permit"), permitted()],
  ];
  const relay = await Relay.start(lab, "relay", ["--io", "io_uring", "--workers", "1"], { under });
  const count = 2_000;
  const input = ["--input-interface", "in0", "--input-group", "239.1.1.1", "--input-port", "5000"];
  await relay.ctl("add", "--name", "feed", ...input, "--outputs", "239.2.2.2:5001:out0");
  const far = ["--group", "239.2.2.2", "--port", "5001", "--interface", "in0", "--expect", `${count}`];
  const sink = await Sink.start(lab, "sink", far);
  const stream = ["--group", "239.1.1.1", "--port", "5000", "--interface", "out0", "--rate", "2k"];
  await generate(lab, "gen", [...stream, "--count", `${count}`]);
  expect(await sink.received()).toMatchObject({ ...intact, received: count });
  const { workers } = await statusOf(relay);
  expect(workers.map((worker) => worker.io)).toEqual(["io_uring"]);
  const log = await relay.stop();
  expect(log.split("\n").filter((line) => /"level":"(Warning|Error|Critical)"/.test(line))).toEqual([]);
  rmSync(house, { recursive: true });
});
