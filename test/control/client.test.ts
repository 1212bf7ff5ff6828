import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ask } from "../../src/control/client.ts";

let dir: string;
let path: string;
let server: Server | undefined;
let accepted: Socket[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "mcr-client-"));
  path = join(dir, "control.sock");
  accepted = [];
});

afterEach(() => {
  for (const socket of accepted) socket.destroy();
  server?.close();
  server = undefined;
  rmSync(dir, { recursive: true });
});

/** A server that does `how` with each connection. */
function stand(how: (socket: Socket) => void): void {
  server = createServer({ allowHalfOpen: true }, (socket) => {
    accepted.push(socket);
    socket.on("error", () => socket.destroy());
    how(socket);
  }).listen(path);
}

async function failureOf(waitMs = 1000): Promise<{ kind: string; text: string; mayPass?: true }> {
  const answer = await ask(path, "Ping", waitMs);
  if (answer.ok) throw new Error("answered");
  return answer.error;
}

describe("asking", () => {
  test("a server that reads to the end of file, as MCR's does, is answered by one that replies in pieces", async () => {
    let request = "";
    stand((socket) => {
      socket.on("data", (chunk: Buffer) => (request += chunk));
      socket.on("end", () => {
        socket.write('{"Success":"po');
        setTimeout(() => socket.end('ng","later":1}'.replace(',"later":1', "")), 5);
      });
    });
    expect(await ask(path, "Ping", 1000)).toEqual({
      ok: true,
      value: { reply: { Success: "pong" }, raw: { Success: "pong" } },
    });
    expect(JSON.parse(request)).toBe("Ping");
  });

  test("nobody says that the supervisor does not run, and what to do", async () => {
    expect(await failureOf()).toEqual({ kind: "absent", text: expect.stringContaining("mcr-appliance supervise") });
  });

  test("a stale socket file says that the supervisor has died", async () => {
    const child = Bun.spawn([
      process.execPath,
      "-e",
      `Bun.listen({unix:${JSON.stringify(path)},socket:{data(){}}});process.kill(process.pid,"SIGKILL")`,
    ]);
    await child.exited;
    expect(await failureOf()).toEqual({ kind: "absent", text: expect.stringContaining("has died"), mayPass: true });
  });

  test("a server that never answers is given up in time", async () => {
    stand(() => undefined);
    expect(await failureOf(100)).toEqual({ kind: "timeout", text: expect.stringContaining("within 0.1 s") });
  });

  test("half a reply and then silence is given up in time", async () => {
    stand((socket) => socket.write('{"Succ'));
    expect((await failureOf(100)).kind).toBe("timeout");
  });

  for (const [what, reply, says] of [
    ["an empty reply", "", "without a reply"],
    ["noise", "\u0000\u0001", "not JSON"],
    ["half a reply", '{"Success":"po', "not JSON"],
    ["an unknown reply", '{"Surprise":1}', "not one that this version knows"],
  ] as const) {
    test(`${what} is a bad reply`, async () => {
      stand((socket) => socket.end(reply));
      expect(await failureOf()).toEqual({ kind: "bad-reply", text: expect.stringContaining(says) });
    });
  }

  test("a server that hangs up at once is a failure with a text", async () => {
    stand((socket) => socket.destroy());
    expect(["bad-reply", "os"]).toContain((await failureOf()).kind);
  });

  test("a refusal that comes before the command was read is still shown", async () => {
    stand((socket) => {
      socket.pause();
      socket.end('{"Error":"too many clients"}\n');
      setTimeout(() => socket.destroy(), 20);
    });
    expect(await ask(path, "Ping", 1000)).toMatchObject({ ok: true, value: { reply: { Error: "too many clients" } } });
  });
});
