// A real worker process, given its wires by hand: what it makes of a supervisor that talks nonsense.
import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import { frame } from "../../src/base/frames.ts";
import { programVersion } from "../../src/base/version.ts";
import { abiText } from "../../src/shim/abi.ts";
import { shim } from "../../src/shim/library.ts";
import { map } from "../../src/shim/memory.ts";
import { nonblock } from "../../src/shim/process.ts";
import { Page } from "../../src/supervise/counters/pages.ts";
import { closeWires, openWires, type Wires } from "../../src/supervise/workers/wires.ts";
import { until } from "../helpers/until.ts";

const main = join(import.meta.dir, "../../src/main.ts");
const buffer = map(65_536);
const fdsAt = 60_000;
const opened: Wires[] = [];
const running: Bun.Subprocess[] = [];

afterEach(async () => {
  for (const each of running.splice(0)) {
    each.kill("SIGKILL");
    await each.exited;
  }
  for (const wires of opened.splice(0)) closeWires(wires);
});

function write(fd: number, bytes: Uint8Array, fds: readonly number[] = []): void {
  buffer.u8.set(bytes);
  for (const [at, each] of fds.entries()) buffer.i32[fdsAt / 4 + at] = each;
  expect(shim.mcr_fds_send(fd, buffer.pointer, bytes.length, buffer.at(fdsAt), fds.length)).toBe(bytes.length);
}

const encoded = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const hello = {
  kind: "hello",
  version: programVersion,
  abi: abiText(),
  uid: 65_534,
  gid: 65_534,
  pipeline: "unified",
  io: "auto",
};

/** A worker process that got this as its first message, our ends of its wires, and its log and reports so far. */
function spawned(first: unknown) {
  const { ours, theirs } = openWires();
  opened.push(ours);
  const stdio: ["ignore", "ignore", number, number] = ["ignore", "ignore", theirs.log, theirs.door];
  const worker = Bun.spawn([process.execPath, main, "worker"], { env: {}, cwd: "/", stdio });
  running.push(worker);
  write(ours.door, encoded(first), [theirs.request, theirs.ingress, theirs.egress]);
  closeWires(theirs);
  const texts = { log: "", request: "" };
  const look = (wire: keyof typeof texts) => {
    const size = shim.mcr_read(ours[wire], buffer.pointer, 50_000);
    if (size > 0) texts[wire] += new TextDecoder().decode(buffer.u8.slice(0, size));
    return texts[wire];
  };
  nonblock(ours.log);
  return { worker, ours, look };
}

/** The same, born and in its place. */
async function working() {
  const { worker, ours, look } = spawned(hello);
  await until(
    "it is born",
    () => look("request"),
    (said) => said.includes('"born"'),
  );
  const page = Page.open("mcr-test-page");
  write(ours.door, encoded({ kind: "place", worker: 0 }), [page.fd]);
  shim.mcr_close(page.fd);
  write(ours.egress, frame(encoded({ seq: 1, order: { kind: "Ping" } })));
  write(ours.ingress, frame(encoded({ seq: 1, order: { kind: "Ping" } })));
  await until(
    "both halves answer",
    () => look("request"),
    (said) => said.split('"done"').length === 3,
  );
  return { worker, ours, look };
}

test.each<[wire: "ingress" | "egress" | "door", bytes: Uint8Array, says: string]>([
  ["ingress", Uint8Array.of(0xff, 0xff, 0xff, 0xff), "ingress: a frame of 4294967295 bytes is longer than the limit"],
  ["egress", Uint8Array.of(0xff, 0xff, 0xff, 0xff), "egress: a frame of 4294967295 bytes is longer than the limit"],
  ["ingress", frame(encoded({ seq: 2, order: { kind: "Dance" } })), "ingress: an order that cannot be read"],
  ["egress", frame(Uint8Array.of(0xff, 0xfe)), "egress: an order that cannot be read"],
  ["door", encoded({ kind: "window" }), "the door: fd 3 said what is not understood"],
])("nonsense on %s ends it with 70, and its last line says what it was", async (wire, bytes, says) => {
  const { worker, ours, look } = await working();
  write(ours[wire], bytes);
  expect(await worker.exited).toBe(70);
  await until(
    "its last words",
    () => look("log"),
    (log) => log.includes(says),
  );
});

test("a supervisor of another build is refused with 76, before anything of its is believed, and told why", async () => {
  const { worker, look } = spawned({ ...hello, version: "0.0.0" });
  expect(await worker.exited).toBe(76);
  expect(look("request")).toContain("the supervisor is version 0.0.0");
  await until(
    "its log says so too",
    () => look("log"),
    (log) => log.includes("restart the supervisor"),
  );
});

test("one that waits for its place ends when the supervisor does, and has nothing to say", async () => {
  const { worker, ours, look } = spawned(hello);
  await until(
    "it is born",
    () => look("request"),
    (said) => said.includes('"born"'),
  );
  shim.mcr_close(ours.door);
  expect(await worker.exited).toBe(0);
  expect(look("log")).toBe("");
});
