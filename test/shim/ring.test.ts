import { afterAll, describe, expect, test } from "bun:test";
import { constants } from "node:os";
import { parseIpv4 } from "../../src/base/ipv4.ts";
import { errno } from "../../src/shim/errno.ts";
import { shim } from "../../src/shim/library.ts";
import { type Mapped, map, scratch } from "../../src/shim/memory.ts";
import { PollRing } from "../../src/shim/poll-ring.ts";
import { pollBits, type Ring, RingRefused, Uring } from "../../src/shim/ring.ts";
import { bindAddress, closeSocket, connect, isFailure, openUdp, receive, setOption } from "../../src/shim/socket.ts";
import { until } from "../helpers/until.ts";

const shape = { entries: 64, sendsMax: 8, piecesMax: 64 };
const loopback = parseIpv4("127.0.0.1") ?? 0;
const memory: Mapped = map(256 * 1024);
const buffer: Mapped = map(65_536);
const second = 1_000_000;
let lastPort = 20_000 + (process.pid % 20_000);

afterAll(() => {
  memory.close();
  buffer.close();
});

type Done = { token: number; result: number; isArmed: boolean };

/** One wait, and all that it brought. */
function wait(ring: Ring, timeoutUs: number): Done[] {
  const count = ring.wait(0, timeoutUs);
  return Array.from({ length: count }, (_, at) => ({
    token: ring.token(at),
    result: ring.result(at),
    isArmed: ring.isArmed(at),
  }));
}

/** Waits until `count` completions are there. */
function waitFor(ring: Ring, count: number): Done[] {
  const done: Done[] = [];
  for (let tries = 0; done.length < count && tries < 20; tries++) done.push(...wait(ring, second / 10));
  return done;
}

function opened(): number {
  const fd = openUdp();
  if (isFailure(fd)) throw new Error(fd.step);
  return fd;
}

/** A receiving socket on loopback and a sender connected to it. */
function udpPair(work: (sender: number, receiver: number) => void): void {
  const receiver = opened();
  const sender = opened();
  while (bindAddress(receiver, loopback, ++lastPort) !== undefined);
  expect(connect(sender, loopback, lastPort)).toBeUndefined();
  work(sender, receiver);
  closeSocket(sender);
  closeSocket(receiver);
}

/** Everything that waits at a socket, as text. */
function received(fd: number): string[] {
  const texts: string[] = [];
  for (let size = receive(fd, buffer); !isFailure(size); size = receive(fd, buffer)) {
    texts.push(new TextDecoder().decode(buffer.u8.slice(0, size)));
  }
  return texts;
}

function write(at: number, text: string): { address: number; size: number } {
  memory.u8.set(new TextEncoder().encode(text), at);
  return { address: Number(memory.pointer) + at, size: text.length };
}

const kinds: [kind: string, open: () => Ring][] = [
  ["io_uring", () => new Uring(shape)],
  ["ppoll", () => new PollRing(shape)],
];

describe.each(kinds)("a ring by %s", (kind, open) => {
  function withRing(work: (ring: Ring) => void): void {
    const ring = open();
    expect(ring.kind as string).toBe(kind);
    work(ring);
    ring.close();
  }

  test("a send gathers its pieces into one datagram, and its completion says how many bytes went", () => {
    withRing((ring) =>
      udpPair((sender, receiver) => {
        for (const [at, text] of ["frame", "-", "slot"].entries()) {
          const { address, size } = write(at * 100, text);
          ring.piece(3, at, address, size);
        }
        ring.send(3, sender, 3, 0, 77, false);
        expect(waitFor(ring, 1)).toEqual([{ token: 77, result: 10, isArmed: false }]);
        expect(received(receiver)).toEqual(["frame-slot"]);
      }),
    );
  });

  test("with UDP_SEGMENT one send is many datagrams, the last one shorter; a datagram without payload is one", () => {
    withRing((ring) =>
      udpPair((sender, receiver) => {
        const { address, size } = write(0, "aaaabbbbcc");
        ring.piece(0, 0, address, size);
        ring.send(0, sender, 1, 4, 1, false);
        ring.piece(1, 0, address, 0);
        ring.send(1, sender, 1, 0, 2, false);
        expect(waitFor(ring, 2).map(({ result }) => result)).toEqual([10, 0]);
        expect(received(receiver)).toEqual(["aaaa", "bbbb", "cc", ""]);
      }),
    );
  });

  test("64 pieces of one size are 64 datagrams", () => {
    withRing((ring) =>
      udpPair((sender, receiver) => {
        for (let at = 0; at < 64; at++) {
          const { address, size } = write(at * 8, String(at).padStart(4, "0"));
          ring.piece(0, at, address, size);
        }
        ring.send(0, sender, 64, 4, 1, false);
        expect(waitFor(ring, 1)).toEqual([{ token: 1, result: 256, isArmed: false }]);
        expect(received(receiver)).toEqual(Array.from({ length: 64 }, (_, at) => String(at).padStart(4, "0")));
      }),
    );
  });

  test("in a chain, what comes behind a failed send is cancelled; another chain goes on", () => {
    withRing((ring) =>
      udpPair((sender, receiver) => {
        const { address, size } = write(0, "0123456789");
        for (const index of [0, 1, 2, 3, 4]) ring.piece(index, 0, address + index, size - index);
        ring.send(0, sender, 1, 0, 10, true);
        // More segments than a send may have: EINVAL, udp(7).
        ring.piece(1, 0, address, 1_000);
        ring.send(1, sender, 1, 1, 11, true);
        ring.send(2, sender, 1, 0, 12, true);
        ring.send(3, sender, 1, 0, 13, false);
        ring.send(4, sender, 1, 0, 14, false);
        const results = new Map(waitFor(ring, 5).map(({ token, result }) => [token, result]));
        expect(results.get(10)).toBe(10);
        expect(results.get(11)).toBe(-errno.EINVAL);
        expect([results.get(12), results.get(13)]).toEqual([-errno.ECANCELED, -errno.ECANCELED]);
        expect(results.get(14)).toBe(6);
        expect(received(receiver)).toEqual(["0123456789", "456789"]);
      }),
    );
  });

  test("a closed port is said at the next send, by that send, which did not go out", () => {
    withRing((ring) =>
      udpPair((sender, receiver) => {
        closeSocket(receiver);
        const { address, size } = write(0, "x");
        ring.piece(0, 0, address, size);
        ring.send(0, sender, 1, 0, 1, false);
        expect(waitFor(ring, 1)[0]?.result).toBe(1);
        ring.piece(0, 0, address, size);
        ring.send(0, sender, 1, 0, 2, false);
        expect(waitFor(ring, 1)[0]?.result).toBe(-errno.ECONNREFUSED);
      }),
    );
  });

  test("a closed port is said in the midst of a chain: what was before went out, what is behind did not", () => {
    withRing((ring) =>
      udpPair((sender, receiver) => {
        closeSocket(receiver);
        const { address, size } = write(0, "x");
        for (const index of [0, 1, 2, 3, 4]) {
          ring.piece(index, 0, address, size);
          ring.send(index, sender, 1, 0, index, index < 4);
        }
        // The answer to the first comes at once.
        const canceled = [1, 2, 3].map(() => -errno.ECANCELED);
        expect(waitFor(ring, 5).map(({ result }) => result)).toEqual([1, -errno.ECONNREFUSED, ...canceled]);
      }),
    );
  });

  test("a full socket is said at once, and nothing waits for room", () => {
    withRing((ring) => {
      // A stream whose other end does not read fills up in any kernel.
      expect(shim.mcr_pair(scratch.pointer, 1)).toBe(0);
      const [near, far] = [scratch.i32[0] ?? -1, scratch.i32[1] ?? -1];
      const results: number[] = [];
      for (let tries = 0; tries < 100 && (results.at(-1) ?? 0) >= 0; tries++) {
        ring.piece(0, 0, Number(memory.pointer), 60_000);
        ring.send(0, near, 1, 0, 1, false);
        results.push(...waitFor(ring, 1).map(({ result }) => result));
      }
      expect(results.at(-1)).toBe(-errno.EAGAIN);
      shim.mcr_close(near);
      shim.mcr_close(far);
    });
  });

  test("a poll says every edge, stays armed, and is silent about a level that stays", () => {
    withRing((ring) => {
      const bell = shim.mcr_eventfd();
      ring.poll(bell, pollBits.in, 0x1000);
      expect(wait(ring, 1_000)).toEqual([]);
      for (let edge = 0; edge < 3; edge++) {
        shim.mcr_eventfd_write(bell);
        expect(waitFor(ring, 1)).toEqual([{ token: 0x1000, result: pollBits.in, isArmed: true }]);
        // Never read, so still readable: no news.
        expect(wait(ring, 1_000)).toEqual([]);
      }
      shim.mcr_close(bell);
    });
  });

  test("a poll of what is ready already says so at once", () => {
    withRing((ring) => {
      const bell = shim.mcr_eventfd();
      shim.mcr_eventfd_write(bell);
      ring.poll(bell, pollBits.in, 5);
      expect(waitFor(ring, 1)).toMatchObject([{ token: 5, result: pollBits.in }]);
      shim.mcr_close(bell);
    });
  });

  test("a cancelled poll ends; the cancellation speaks under a token that no send has", () => {
    withRing((ring) => {
      const bell = shim.mcr_eventfd();
      ring.poll(bell, pollBits.in, 0x2001);
      expect(wait(ring, 1_000)).toEqual([]);
      ring.cancel(0x2001);
      const done = waitFor(ring, 1);
      expect(done).toContainEqual({ token: 0x2001, result: -errno.ECANCELED, isArmed: false });
      shim.mcr_eventfd_write(bell);
      done.push(...wait(ring, 1_000), ...wait(ring, 1_000));
      expect(done.filter(({ token }) => token === 0x2001)).toHaveLength(1);
      // An io_uring's cancellation completes too.
      expect(done.filter(({ token }) => token < shape.sendsMax)).toEqual([]);
      shim.mcr_close(bell);
    });
  });

  test("a poll of what is not open ends with its errno, and the next one is none the worse for it", () => {
    withRing((ring) => {
      const bell = shim.mcr_eventfd();
      ring.poll(1 << 20, pollBits.in, 6);
      ring.poll(bell, pollBits.in, 7);
      expect(waitFor(ring, 1)).toEqual([{ token: 6, result: -constants.errno.EBADF, isArmed: false }]);
      shim.mcr_eventfd_write(bell);
      expect(waitFor(ring, 1)).toMatchObject([{ token: 7, result: pollBits.in, isArmed: true }]);
      shim.mcr_close(bell);
    });
  });

  test("the other end of a stream that goes is an edge too", () => {
    withRing((ring) => {
      expect(shim.mcr_pair(scratch.pointer, 1)).toBe(0);
      const [near, far] = [scratch.i32[0] ?? -1, scratch.i32[1] ?? -1];
      ring.poll(near, pollBits.in, 9);
      expect(wait(ring, 1_000)).toEqual([]);
      shim.mcr_close(far);
      const [done] = waitFor(ring, 1);
      expect((done?.result ?? 0) & pollBits.in).toBe(pollBits.in);
      shim.mcr_close(near);
    });
  });

  test("a wait ends when its time has passed, and one without time ends at once", () => {
    withRing((ring) => {
      const before = performance.now();
      expect(ring.wait(0, 50_000)).toBe(0);
      expect(performance.now() - before).toBeGreaterThan(40);
      const after = performance.now();
      for (let each = 0; each < 100; each++) expect(ring.wait(0, 0)).toBe(0);
      expect(performance.now() - after).toBeLessThan(1_000);
    });
  });

  test("a wait that gathers stays its time for what comes behind the first, and no longer", () => {
    withRing((ring) => {
      const bell = shim.mcr_eventfd();
      ring.poll(bell, pollBits.in, 7);
      shim.mcr_eventfd_write(bell);
      const before = performance.now();
      expect(ring.wait(50_000, second)).toBe(1);
      const tookMs = performance.now() - before;
      expect(ring.canGather ? tookMs > 40 : tookMs < 40).toBe(true);
      expect(tookMs).toBeLessThan(900);
      const after = performance.now();
      expect(ring.wait(10_000, 60_000)).toBe(0);
      expect(performance.now() - after).toBeGreaterThan(50);
      shim.mcr_close(bell);
    });
  });

  test("a wait that found nothing to gather ends with the first that comes", async () => {
    const ring = open();
    expect(shim.mcr_pair(scratch.pointer, 1)).toBe(0);
    const [near, far] = [scratch.i32[0] ?? -1, scratch.i32[1] ?? -1];
    ring.poll(near, pollBits.in, 9);
    const writer = Bun.spawn(["sh", "-c", "sleep 0.2; echo"], { stdout: far });
    const before = performance.now();
    let count = 0;
    // The child's end may be announced by a signal, which ends a wait as well.
    while (count === 0 && performance.now() - before < 5_000) count = ring.wait(1_000, 5 * second);
    expect([count, ring.token(0)]).toEqual([1, 9]);
    expect(performance.now() - before).toBeLessThan(2_000);
    await writer.exited;
    shim.mcr_close(near);
    ring.close();
  });

  test("a signal ends a wait long before its time: the process is not deaf while C waits", async () => {
    const ring = open();
    let signals = 0;
    const onSignal = () => {
      signals++;
    };
    process.on("SIGUSR2", onSignal);
    const killer = Bun.spawn(["sh", "-c", `sleep 0.2; kill -USR2 ${process.pid}`]);
    const before = performance.now();
    for (let tries = 0; performance.now() - before < 150 || tries === 0; tries++) ring.wait(0, 10 * second);
    expect(performance.now() - before).toBeLessThan(5_000);
    await killer.exited;
    await until(
      "the signal is heard",
      () => signals,
      (count) => count === 1,
      { deadlineMs: 5_000 },
    );
    process.off("SIGUSR2", onSignal);
    ring.close();
  });

  test("a ring is closed once", () => {
    const ring = open();
    ring.close();
    expect(() => ring.close()).toThrow("closed once");
  });

  test("100,000 hot sends through shared memory each carry their own bytes: nothing moves when the compiler has warmed up", () => {
    withRing((ring) =>
      udpPair((sender, receiver) => {
        setOption(receiver, "SO_RCVBUF", 1 << 20);
        let wrong = 0;
        const base = Number(memory.pointer);
        for (let round = 0; round < 25_000; round++) {
          for (let index = 0; index < 4; index++) {
            const value = round * 4 + index;
            memory.u32[index * 2] = value;
            memory.u32[index * 2 + 1] = ~value;
            ring.piece(index, 0, base + index * 8, 8);
            ring.send(index, sender, 1, 0, index, index < 3);
          }
          let done = 0;
          while (done < 4) {
            const count = ring.wait(0, second);
            for (let at = 0; at < count; at++) if (ring.result(at) !== 8) wrong++;
            done += count;
          }
          for (let index = 0; index < 4; index++) {
            const value = round * 4 + index;
            const size = receive(receiver, buffer);
            if (size !== 8 || buffer.u32[0] !== value || buffer.i32[1] !== ~value) wrong++;
          }
        }
        expect(wrong).toBe(0);
      }),
    );
  }, 60_000);
});

test("a ring that the kernel does not make is refused with its errno", () => {
  expect(() => new Uring({ entries: 1 << 20, sendsMax: 1, piecesMax: 1 })).toThrow(RingRefused);
  try {
    new Uring({ entries: 1 << 20, sendsMax: 1, piecesMax: 1 });
  } catch (refusal) {
    expect(refusal instanceof RingRefused && refusal.code).toBe(errno.EINVAL);
  }
});
