// Many descriptors, watched for edges, and one wait for them all, to the nanosecond.
//
// ppoll alone knows levels, and two levels here stay up: a packet socket's while a slot is ours, and a deleted link's for
// ever. A loop that slept on them would spin. So an epoll set watches, edge-triggered, from the same wait queues of the
// kernel as io_uring's multishot poll; ppoll waits for the set, because epoll's own wait counts in milliseconds before 5.11.
import { Moment, Watch } from "./abi.ts";
import { errnoName } from "./errno.ts";
import { shim } from "./library.ts";
import { type Mapped, map } from "./memory.ts";
import { systemCall } from "./system-call.ts";

// sys/epoll.h, sys/poll.h.
const closeOnExec = 0o2000000;
const change = { add: 1, remove: 2 } as const;
const edgeTriggered = 2 ** 31;
const readable = 1;
/** struct epoll_event in 32-bit words: packed on x86-64 alone (linux/eventpoll.h). */
const event = process.arch === "x64" ? { words: 3, token: 1 } : { words: 4, token: 2 };
const eventsAt = 32;
const limitAt = 16;
const microsecondsPerSecond = 1_000_000;

/** The descriptors that one thread watches. Takes ppoll, epoll_ctl, epoll_pwait. */
export class Edges {
  private readonly set: number;
  private readonly max: number;
  private readonly memory: Mapped;
  private readonly u32: Uint32Array;
  private readonly base: number;

  /** For `max` descriptors. Throws when the process may open no more. */
  constructor(max: number) {
    this.set = systemCall("epoll_create1", closeOnExec);
    if (this.set < 0) {
      throw new Error(`epoll_create1: ${errnoName(this.set)}`);
    }
    this.max = max;
    this.memory = map(eventsAt + max * 16);
    this.u32 = this.memory.u32;
    this.base = Number(this.memory.pointer);
    this.memory.i32[Watch.fd / 4] = this.set;
    this.memory.u16[Watch.events / 2] = readable;
  }

  /** Watches `fd` for `events` (poll bits); its edges will be known by `token`. 0 or -errno. */
  add(fd: number, events: number, token: number): number {
    this.u32[eventsAt / 4] = events + edgeTriggered;
    this.u32[eventsAt / 4 + event.token] = token;
    return systemCall("epoll_ctl", this.set, change.add, fd, this.base + eventsAt);
  }

  /** Ends the watch of `fd`; -errno when there is none, as after its last descriptor was closed. */
  remove(fd: number): number {
    return systemCall("epoll_ctl", this.set, change.remove, fd, 0);
  }

  /** Waits for an edge. 1 when there is one to look for, 0 when the time is over, -EINTR after a signal. */
  wait(timeoutUs: number): number {
    return this.ppoll(1, timeoutUs);
  }

  /** Lets time pass, whatever comes; 0, or -EINTR after a signal. */
  pass(timeUs: number): number {
    return this.ppoll(0, timeUs);
  }

  /** Takes the edges there are, without waiting; how many. They can be read until the next call of this object. */
  look(): number {
    return Math.max(systemCall("epoll_pwait", this.set, this.base + eventsAt, this.max, 0, 0), 0);
  }

  token(at: number): number {
    return this.u32[eventsAt / 4 + at * event.words + event.token] as number;
  }

  /** The poll bits that were up when it was looked at. */
  bits(at: number): number {
    return this.u32[eventsAt / 4 + at * event.words] as number;
  }

  close(): void {
    shim.mcr_close(this.set);
    this.memory.close();
  }

  private ppoll(count: number, timeoutUs: number): number {
    // The kernel writes what was left of the time into the same place.
    const seconds = Math.floor(timeoutUs / microsecondsPerSecond);
    this.u32[(limitAt + Moment.seconds) / 4] = seconds;
    this.u32[(limitAt + Moment.seconds_high) / 4] = 0;
    this.u32[(limitAt + Moment.nanoseconds) / 4] = (timeoutUs - seconds * microsecondsPerSecond) * 1000;
    this.u32[(limitAt + Moment.nanoseconds_high) / 4] = 0;
    return systemCall("ppoll", this.base, count, this.base + limitAt, 0);
  }
}
