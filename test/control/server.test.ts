// A real AF_UNIX socket in a directory of its own; clients that misbehave in every phase.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { ask } from "../../src/control/client.ts";
import { type ControlServer, type Handler, openControlServer, type ServerOptions } from "../../src/control/server.ts";
import type { Reply } from "../../src/control/words.ts";
import { until } from "../helpers/until.ts";

let dir: string;
let path: string;
let server: ControlServer | undefined;
let sockets: Socket[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "mcr-control-"));
  path = join(dir, "run", "control.sock");
  sockets = [];
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await server?.close();
  server = undefined;
  rmSync(dir, { recursive: true });
});

const echo: Handler = async (command) => ({ Success: typeof command === "string" ? command : JSON.stringify(command) });

const nobody = { id: 0, descriptor: -1, peer: undefined, access: "change" } as const;

async function serve(handle: Handler = echo, limits: ServerOptions["limits"] = {}): Promise<ControlServer> {
  const opened = await openControlServer({ path, handle, limits });
  if (!opened.ok) throw new Error(opened.error.text);
  server = opened.value;
  return opened.value;
}

/** A client that does nothing by itself. Everything it receives until the connection ends is in `all`. */
class Client {
  readonly socket = connect({ path, allowHalfOpen: true });
  #received = "";
  #waiting: (() => void)[] = [];
  #isEnded = false;

  constructor() {
    sockets.push(this.socket);
    this.socket.on("data", (chunk: Buffer) => this.#change(() => (this.#received += chunk.toString())));
    for (const end of ["end", "close"]) this.socket.on(end, () => this.#change(() => (this.#isEnded = true)));
    this.socket.on("error", () => this.socket.destroy());
  }

  #change(how: () => unknown): void {
    how();
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async #until(holds: () => boolean, what: string): Promise<void> {
    const deadline = Date.now() + 4000;
    while (!holds()) {
      if (Date.now() > deadline) throw new Error(`no ${what} in time; received: ${this.#received.slice(0, 200)}`);
      await Promise.race([new Promise<void>((wake) => this.#waiting.push(wake)), Bun.sleep(50)]);
    }
  }

  async line(): Promise<string> {
    await this.#until(() => this.#received.includes("\n"), "line");
    const at = this.#received.indexOf("\n");
    const line = this.#received.slice(0, at);
    this.#received = this.#received.slice(at + 1);
    return line;
  }

  async all(): Promise<string> {
    await this.#until(() => this.#isEnded, "end of the connection");
    return this.#received;
  }

  async connected(): Promise<this> {
    await this.#until(() => this.socket.readyState === "open", "connection");
    return this;
  }
}

async function errorOf(text: Promise<string>): Promise<string> {
  return JSON.parse(await text).Error;
}

describe("a command's end", () => {
  test("by half-close: one compact reply without newline, then the end, as MCR's clients expect", async () => {
    await serve();
    const client = new Client();
    client.socket.end('"Ping"');
    expect(await client.all()).toBe('{"Success":"Ping"}');
  });

  test("by newline: replies end with one too, and the connection stays for more", async () => {
    await serve();
    const client = new Client();
    client.socket.write('"Ping"\n');
    expect(await client.line()).toBe('{"Success":"Ping"}');
    client.socket.write('"ListRules"\n"GetStats"\n');
    expect([await client.line(), await client.line()]).toEqual(['{"Success":"ListRules"}', '{"Success":"GetStats"}']);
    client.socket.end();
    expect(await client.all()).toBe("");
  });

  test("commands of one connection are answered in order, one at a time", async () => {
    let underWay = 0;
    let underWayMax = 0;
    await serve(async (command) => {
      underWayMax = Math.max(underWayMax, ++underWay);
      await Bun.sleep(command === "Ping" ? 20 : 0);
      underWay--;
      return { Success: String(command) };
    });
    const client = new Client();
    client.socket.end('"Ping"\n"ListRules"\n"Ping"\n"GetVersion"');
    const replies = (await client.all()).split("\n").map((line) => JSON.parse(line).Success);
    expect([replies, underWayMax]).toEqual([["Ping", "ListRules", "Ping", "GetVersion"], 1]);
  });

  test("any split of any bytes gives one answer for each line, and never the end of the server", async () => {
    await serve();
    const line = fc.oneof(
      fc.constantFrom('"Ping"', '{"RemoveRule":{"rule_id":"x"}}', "{", '"Subscribe"'),
      fc
        .uint8Array({ minLength: 1, maxLength: 30 })
        .map((bytes) => `x${Buffer.from(bytes).toString("latin1").replaceAll("\n", "")}`),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 8 }), fc.nat(7), async (lines, step) => {
        const bytes = Buffer.from(lines.map((each) => `${each}\n`).join(""), "latin1");
        const client = await new Client().connected();
        for (let from = 0; from < bytes.length; from += step + 1) {
          client.socket.write(bytes.subarray(from, from + step + 1));
          if (from % 3 === 0) await Promise.resolve();
        }
        client.socket.end();
        const replies = (await client.all())
          .trimEnd()
          .split("\n")
          .map((reply) => Object.keys(JSON.parse(reply))[0]);
        const wanted = lines.map((each) => (each === '"Ping"' || each.startsWith('{"') ? "Success" : "Error"));
        expect(replies).toEqual(wanted);
      }),
      { numRuns: 60 },
    );
  });
});

describe("what cannot be answered well", () => {
  test("gets an error with a text, and the connection lives on", async () => {
    await serve();
    const client = new Client();
    client.socket.write('{"AddRule":{}}\n\u0000\u0001\n"Ping"\n');
    expect(await errorOf(client.line())).toContain("Invalid input_interface: is missing");
    expect(await errorOf(client.line())).toContain("not JSON");
    expect(await client.line()).toBe('{"Success":"Ping"}');
  });

  test("a handler that throws is an error reply, not the end", async () => {
    await serve(async () => {
      throw new Error("worker 2 did not acknowledge");
    });
    const client = new Client();
    client.socket.write('"Ping"\n');
    expect(await errorOf(client.line())).toBe("the command failed: worker 2 did not acknowledge");
  });

  test("a command over the bound is refused while it is still coming, and the text arrives", async () => {
    await serve(echo, { commandPlainSizeMax: 1000 });
    const client = new Client();
    client.socket.write("x".repeat(200_000));
    client.socket.write("x".repeat(200_000));
    expect(await errorOf(client.all())).toBe("the command is larger than 1000 bytes");
  });

  test("unfinished commands share a pool; small ones are read all the same", async () => {
    await serve(echo, { commandPoolSize: 100_000, commandSmallSize: 1000 });
    const hogs = [new Client(), new Client()];
    for (const hog of hogs) hog.socket.write("x".repeat(80_000));
    expect(await errorOf(Promise.race(hogs.map((hog) => hog.all())))).toContain("too many unfinished commands");
    const small = new Client();
    small.socket.end('"Ping"');
    expect(await small.all()).toBe('{"Success":"Ping"}');
  });

  test("a reply over the bound becomes an error", async () => {
    await serve(async () => ({ Success: "x".repeat(2000) }), { replySizeMax: 1000 });
    const client = new Client();
    client.socket.end('"Ping"');
    expect(await errorOf(client.all())).toContain("too large");
  });
});

describe("clients that misbehave", () => {
  test("half a command and then silence ends with an error, silence alone without a word", async () => {
    await serve(echo, { commandWaitMs: 100 });
    const half = new Client();
    half.socket.write('"Pi');
    const silent = new Client();
    expect(await errorOf(half.all())).toContain("not complete within 100 ms");
    expect(await silent.all()).toBe("");
  });

  test("a byte now and then does not buy more time", async () => {
    await serve(echo, { commandWaitMs: 150 });
    const drip = new Client();
    const drops = setInterval(() => drip.socket.write("x"), 20);
    const text = errorOf(drip.all()).finally(() => clearInterval(drops));
    expect(await text).toContain("not complete within 150 ms");
  });

  test("a connection kept open after a reply is closed when it is idle for long", async () => {
    await serve(echo, { clientIdleMs: 50 });
    const client = new Client();
    client.socket.write('"Ping"\n');
    expect(await client.line()).toBe('{"Success":"Ping"}');
    expect(await client.all()).toBe("");
  });

  test("who never reads the reply delays nobody and is cut off; its bytes are given back", async () => {
    const running = await serve(
      async (command) => ({ Success: command === "ListRules" ? "x".repeat(5_000_000) : "pong" }),
      {
        replyWaitMs: 200,
        replyPoolSize: 6_000_000,
      },
    );
    const deaf = new Client();
    deaf.socket.pause();
    deaf.socket.write('"ListRules"\n"ListRules"\n"ListRules"\n');
    const start = performance.now();
    for (let index = 0; index < 20; index++) {
      const answer = await ask(path, "Ping", 1000);
      expect(answer).toMatchObject({ ok: true, value: { reply: { Success: "pong" } } });
    }
    expect(performance.now() - start).toBeLessThan(1000);
    await until("no client is left", () => running.clientCount === 0);
    expect(await ask(path, "ListRules", 2000)).toMatchObject({
      ok: true,
      value: { reply: { Success: expect.stringMatching(/^x/) } },
    });
  });

  test("while a command is handled nothing more is read: what else is sent waits in the kernel, not in our memory", async () => {
    const gate = Promise.withResolvers<Reply>();
    let underWay = 0;
    await serve((command) => {
      underWay++;
      return command === "GetStats" ? gate.promise : Promise.resolve({ Success: "pong" });
    });
    const flood = new Client();
    flood.socket.write('"GetStats"\n');
    await until("the command is under way", () => underWay === 1);
    let isTaken = false;
    flood.socket.write("x".repeat(2_000_000), () => {
      isTaken = true;
    });
    // Two hundred commands of others are many turns of the loop: more than two megabytes need to be read, if they were.
    for (let index = 0; index < 200; index++) await ask(path, "Ping", 1000);
    expect(isTaken).toBe(false);
    gate.resolve({ Success: "done" });
    await until("the rest is read after the reply", () => isTaken);
  });

  test("a slow handler of one client does not hold up another", async () => {
    const gate = Promise.withResolvers<Reply>();
    await serve((command) => (command === "GetStats" ? gate.promise : Promise.resolve({ Success: "pong" })));
    const slow = new Client();
    slow.socket.write('"GetStats"\n');
    expect(await ask(path, "Ping", 1000)).toMatchObject({ ok: true });
    gate.resolve({ Success: "late" });
    expect(await slow.line()).toBe('{"Success":"late"}');
  });

  test("leaving in any phase leaves nothing behind", async () => {
    const gate = Promise.withResolvers<Reply>();
    const running = await serve((command) => (command === "GetStats" ? gate.promise : echo(command, nobody)));
    for (const before of ["", '"Pi', '"GetStats"\n', '"GetStats"\n"Ping"\n"Pi', '"Ping"\n']) {
      const client = await new Client().connected();
      client.socket.write(before);
      await ask(path, "Ping", 1000);
      client.socket.destroy();
    }
    gate.resolve({ Success: "too late" });
    await until("no client is left", () => running.clientCount === 0);
  });

  test("when everybody is being served, a newcomer over the bound is told so", async () => {
    const gate = Promise.withResolvers<Reply>();
    let underWay = 0;
    await serve(
      () => {
        underWay++;
        return gate.promise;
      },
      { clientsMax: 2 },
    );
    for (let each = 0; each < 2; each++) (await new Client().connected()).socket.write('"GetStats"\n');
    await until("both are served", () => underWay === 2);
    expect(await errorOf(new Client().all())).toBe("too many clients (2); try again in a moment");
    gate.resolve({ Success: "done" });
  });

  test("who has not sent a command gives way, the one that waited longest first; one whose command is under way does not", async () => {
    const gate = Promise.withResolvers<Reply>();
    const running = await serve((command) => (command === "GetStats" ? gate.promise : echo(command, nobody)), {
      clientsMax: 2,
    });
    const busy = await new Client().connected();
    busy.socket.write('"GetStats"\n');
    const idle = await new Client().connected();
    expect(await ask(path, "Ping", 1000)).toMatchObject({ ok: true });
    // Who never said a word is told none.
    expect(await idle.all()).toBe("");
    gate.resolve({ Success: "done" });
    expect(await busy.line()).toBe('{"Success":"done"}');
    expect(running.refusedTotal).toBe(1);
  });

  test("who does not take its reply gives way when all places are taken, but only after a moment", async () => {
    const running = await serve(
      async (command) => ({ Success: command === "ListRules" ? "x".repeat(5_000_000) : "pong" }),
      {
        clientsMax: 2,
        clientGraceMs: 300,
      },
    );
    for (let each = 0; each < 2; each++) {
      const deaf = await new Client().connected();
      deaf.socket.pause();
      deaf.socket.write('"ListRules"\n');
    }
    expect(await errorOf(new Client().all())).toContain("too many clients");
    await until("one has given way", async () => (await ask(path, "Ping", 1000)).ok && running.refusedTotal >= 2);
  });

  test("a thousand commands of one connection leave room between them for others, and a newcomer comes first", async () => {
    const order: number[] = [];
    await serve(async (command, { id }) => {
      order.push(id);
      // What takes long: another client's question would wait for all thousand.
      for (const end = performance.now() + 1; performance.now() < end; );
      return { Success: String(command) };
    });
    const flood = await new Client().connected();
    flood.socket.write('"Ping"\n'.repeat(1000));
    await until("it is served", () => order.length > 3);
    const before = order.length;
    expect(await ask(path, "Ping", 1000)).toMatchObject({ ok: true });
    const place = order.indexOf(2);
    expect(place).toBeGreaterThanOrEqual(before);
    expect(order.length).toBeLessThan(500);
  });

  test("three hundred connections that say nothing do not keep an operator out", async () => {
    await serve(echo, { clientsMax: 100 });
    for (let index = 0; index < 300; index++) new Client();
    expect(await ask(path, "Ping", 2000)).toMatchObject({ ok: true, value: { reply: { Success: "Ping" } } });
  });
});

describe("the socket's file", () => {
  test("has mode 0660 in a directory that was made for it, and is gone after close", async () => {
    const running = await serve();
    expect((statSync(path).mode & 0o777).toString(8)).toBe("660");
    expect((statSync(join(dir, "run")).mode & 0o777).toString(8)).toBe("755");
    await running.close();
    server = undefined;
    expect(readdirSync(join(dir, "run"))).toEqual([]);
  });

  test("leaves the process's umask as it was", async () => {
    const before = process.umask();
    await serve();
    expect(process.umask()).toBe(before);
  });

  test("of a live server is not taken: the second is told, the first goes on", async () => {
    await serve();
    const second = await openControlServer({ path, handle: echo });
    expect(second).toMatchObject({
      ok: false,
      error: { kind: "in-use", text: expect.stringContaining("another supervisor runs") },
    });
    expect(await ask(path, "Ping", 1000)).toMatchObject({ ok: true });
    expect(readdirSync(join(dir, "run"))).toEqual(["control.sock"]);
  });

  test("of a dead server is replaced", async () => {
    await serve();
    await server?.close();
    const child = Bun.spawn([
      process.execPath,
      "-e",
      `Bun.listen({unix:${JSON.stringify(path)},socket:{data(){}}});process.kill(process.pid,"SIGKILL")`,
    ]);
    await child.exited;
    expect(existsSync(path)).toBe(true);
    await serve();
    expect(await ask(path, "Ping", 1000)).toMatchObject({ ok: true });
    expect(readdirSync(join(dir, "run"))).toEqual(["control.sock"]);
  });

  test("of two servers that start at once exactly one wins", async () => {
    const opened = await Promise.all([
      openControlServer({ path, handle: echo }),
      openControlServer({ path, handle: echo }),
    ]);
    const winners = opened.filter((each) => each.ok);
    expect(winners.length).toBe(1);
    server = winners[0]?.value;
    expect(await ask(path, "Ping", 1000)).toMatchObject({ ok: true });
  });

  test("is held without refusing anybody, handed on with its file, and served by another", async () => {
    const gate = Promise.withResolvers<Reply>();
    const first = await serve(() => gate.promise);
    const underWay = ask(path, "Ping", 2000);
    await until("it is handled", () => first.clientCount === 1);
    const holding = first.hold(undefined);
    const waiting = ask(path, "GetVersion", 2000);
    gate.resolve({ Success: "old" });
    const { socket, isQuiet } = await holding;
    expect(isQuiet).toBe(true);
    expect(await underWay).toMatchObject({ ok: true, value: { reply: { Success: "old" } } });
    const inherited = { fd: socket.fd, identity: socket.identity };
    const next = await openControlServer({ path, handle: async () => ({ Success: "new" }), inherited });
    if (!next.ok) throw new Error(next.error.text);
    server = next.value;
    expect(await waiting).toMatchObject({ ok: true, value: { reply: { Success: "new" } } });
    await server.close();
    server = undefined;
    expect(readdirSync(join(dir, "run"))).toEqual([]);
  });

  test("that was held goes on where it was when nobody takes it", async () => {
    const running = await serve();
    const { socket } = await running.hold(undefined);
    expect(await running.listen(socket)).toMatchObject({ ok: true });
    expect(await ask(path, "Ping", 1000)).toMatchObject({ ok: true });
  });

  test("is not quiet while a command stays unanswered, but for the client who asked for it", async () => {
    const running = await serve((_, { id }) => (id === 1 ? new Promise(() => undefined) : echo("Ping", nobody)));
    const asker = new Client();
    asker.socket.write('"Ping"\n');
    await until("it is here", () => running.clientCount === 1);
    const held = await running.hold(1);
    expect(held.isQuiet).toBe(true);
    await running.listen(held.socket);
    const again = await running.hold(undefined);
    expect(again.isQuiet).toBe(false);
    await running.listen(again.socket);
  });

  test("that is something else is left alone", async () => {
    path = join(dir, "precious.txt");
    writeFileSync(path, "precious");
    const opened = await openControlServer({ path, handle: echo });
    expect(opened).toMatchObject({
      ok: false,
      error: { kind: "os", text: expect.stringContaining("is not a socket") },
    });
    expect(await Bun.file(path).text()).toBe("precious");
  });

  test("that somebody put in place of ours survives our close", async () => {
    const running = await serve();
    rmSync(path);
    writeFileSync(path, "foreign");
    await running.close();
    server = undefined;
    expect(await Bun.file(path).text()).toBe("foreign");
  });

  test("with a path longer than Linux allows is refused with the bound", async () => {
    const opened = await openControlServer({ path: join(dir, "x".repeat(120)), handle: echo });
    expect(opened).toMatchObject({ ok: false, error: { text: expect.stringContaining("longer than 107 bytes") } });
  });

  test("under a file instead of a directory is refused with the reason", async () => {
    writeFileSync(join(dir, "run"), "");
    const opened = await openControlServer({ path, handle: echo });
    expect(opened).toMatchObject({
      ok: false,
      error: { text: expect.stringContaining("cannot prepare control socket") },
    });
  });
});

test("closing lets a command under way be answered, and then nobody is served", async () => {
  const gate = Promise.withResolvers<Reply>();
  let underWay = 0;
  const running = await serve(() => {
    underWay++;
    return gate.promise;
  });
  const client = new Client();
  client.socket.write('"Ping"\n');
  await until("the command is under way", () => underWay === 1);
  const closed = running.close();
  gate.resolve({ Success: "last" });
  expect(await client.line()).toBe('{"Success":"last"}');
  await closed;
  server = undefined;
  expect(await ask(path, "Ping", 1000)).toMatchObject({ ok: false, error: { kind: "absent" } });
});
