import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errno } from "../../src/shim/errno.ts";
import { sendUnixDatagram } from "../../src/shim/unix-datagram.ts";
import { listenForNotifications } from "../helpers/notify-socket.ts";
import type { Running } from "../helpers/running.ts";

const dir = mkdtempSync(join(tmpdir(), "mcrt-datagram-"));
const listeners: Running[] = [];
afterEach(async () => {
  for (const listener of listeners.splice(0)) {
    listener.signal("SIGCONT");
    await listener.end();
  }
});
process.on("exit", () => rmSync(dir, { recursive: true, force: true }));

async function listen(address: string): Promise<Running> {
  const listener = await listenForNotifications(address);
  listeners.push(listener);
  return listener;
}

test.each([
  ["a path", join(dir, "socket")],
  ["a name without a file", `@mcrt-${process.pid}-datagram`],
  ["the longest path there is", join(dir, "x".repeat(107 - dir.length - 1))],
])("a datagram reaches %s, whole and as it is", async (_, address) => {
  const listener = await listen(address);
  expect(sendUnixDatagram(address, "STATUS=µ ünd so weiter\n")).toBeUndefined();
  expect(sendUnixDatagram(address, "READY=1\n")).toBeUndefined();
  await listener.says("STATUS=µ ünd so weiter\nREADY=1\n");
});

test("where nobody listens, that is said", () => {
  expect(sendUnixDatagram(join(dir, "nobody"), "x")).toEqual({ step: "connect", errno: errno.ENOENT });
  expect(sendUnixDatagram("@mcrt-nobody", "x")).toEqual({ step: "connect", errno: errno.ECONNREFUSED });
});

test("what does not fit is refused before anything is sent", async () => {
  const tooLong = join(dir, "x".repeat(108 - dir.length - 1));
  expect(sendUnixDatagram(tooLong, "x")).toEqual({ step: "connect", errno: errno.ENAMETOOLONG });
  const address = join(dir, "sizes");
  const listener = await listen(address);
  expect(sendUnixDatagram(address, "x".repeat(4097))).toEqual({ step: "send", errno: errno.EMSGSIZE });
  expect(sendUnixDatagram(address, "y".repeat(4096))).toBeUndefined();
  await listener.says("y".repeat(4096));
  expect(listener.stdout).not.toContain("x");
});

test("a listener that does not read holds nobody up", async () => {
  const address = join(dir, "full");
  const listener = await listen(address);
  listener.signal("SIGSTOP");
  let refused: unknown;
  for (let turn = 0; turn < 5_000 && refused === undefined; turn++) {
    refused = sendUnixDatagram(address, "x");
  }
  expect(refused).toEqual({ step: "send", errno: errno.EAGAIN });
});
