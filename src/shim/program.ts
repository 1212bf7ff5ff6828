// The program at tc ingress (cshim/bpf/end.bpf.c) by its descriptors: bpf(2), linux/bpf.h. What is in its maps is decided in
// supervise/. Everything is held by descriptors of this process and pinned nowhere, so it goes when the process goes.
import { readFileSync } from "node:fs";
import doorPath from "../../build/door.bpf" with { type: "file" };
import endPath from "../../build/end.bpf" with { type: "file" };
import { assert } from "../base/assert.ts";
import { errno } from "./errno.ts";
import { type Mapped, map } from "./memory.ts";
import { closeSocket, type Failure, isFailure, outcomeOf, refusalOf } from "./socket.ts";
import { systemCall } from "./system-call.ts";

/** Which frames a rule takes; addresses in host order, source 0: every source, port 0: a protocol without ports. */
export type ProgramKey = { link: number; destination: number; source: number; port: number; protocol: number };

/** What the program does with them. `counter` undefined: the key stands for no rule, only for those with a source. */
export type ProgramRule = { counter: number | undefined; isEnded: boolean; hasSources: boolean };

/** Datagrams that were meant for a rule, their payload in bytes, and how many of them the program ended. */
export type ProgramCounts = { datagrams: number; bytes: number; ended: number };

/** Room in the maps: keys, and counters. */
export type ProgramSize = { rulesMax: number; countersMax: number };

const commands = { mapCreate: 0, lookup: 1, update: 2, remove: 3, load: 5, linkCreate: 28 } as const;
const mapTypes = { hash: 1, programs: 3, arrayPerCpu: 6 } as const;
const noPreallocation = 1;
const schedCls = 3;
const tcxIngress = 46;
// As in end.bpf.c.
const mapMark = 0x4d43_525f;
const mapNumbers = { rules: 0, counts: 1, door: 2 } as const;
const flags = { end: 1, sources: 2 } as const;
const noCounter = 0xffff_ffff;
const [keySize, valueSize, countsSize] = [16, 8, 24];

// struct bpf_insn; BPF_LD | BPF_IMM | BPF_DW takes two, BPF_PSEUDO_MAP_FD in the source register makes a descriptor of it.
const instructionSize = 8;
const loadImmediate = 0x18;
const sourceMapFd = 0x10;

// Where things lie in the mapping that bpf(2) reads and writes.
const at = { attributes: 0, key: 128, value: 160, license: 192, instructions: 256, counts: 8192 } as const;
const attributesSize = 128;
const loadTriesMax = 50;
/** Linux: NR_CPUS of any distribution is below this. */
const cpusMax = 8192;

/** The loaded program with its maps. */
export class EndingProgram {
  private readonly memory: Mapped;
  private readonly cpuCount: number;
  private readonly fds: { rules: number; counts: number; program: number };
  private door: { map: number; program: number } | undefined;

  private constructor(memory: Mapped, cpuCount: number, fds: EndingProgram["fds"]) {
    this.memory = memory;
    this.cpuCount = cpuCount;
    this.fds = fds;
  }

  /** Loads it, or says which step the kernel refused: EPERM without CAP_BPF and CAP_NET_ADMIN, EINVAL when it is too old. */
  static open({ rulesMax, countersMax }: ProgramSize): EndingProgram | Failure {
    const cpuCount = possibleCpus(readFileSync("/sys/devices/system/cpu/possible", "utf8"));
    const memory = map(at.counts + cpuCount * countsSize);
    const opened: number[] = [];
    const keep = (fd: number | Failure) => {
      if (!isFailure(fd)) opened.push(fd);
      return fd;
    };
    const give = (failure: Failure) => {
      for (const fd of opened) closeSocket(fd);
      memory.close();
      return failure;
    };
    const rules = keep(createMap(memory, mapTypes.hash, keySize, valueSize, rulesMax, noPreallocation));
    if (isFailure(rules)) return give(rules);
    const counts = keep(createMap(memory, mapTypes.arrayPerCpu, 4, countsSize, countersMax, 0));
    if (isFailure(counts)) return give(counts);
    const maps = new Map<number, number>([
      [mapNumbers.rules, rules],
      [mapNumbers.counts, counts],
    ]);
    const program = loadProgram(memory, readFileSync(endPath), maps);
    return isFailure(program) ? give(program) : new EndingProgram(memory, cpuCount, { rules, counts, program });
  }

  /** Attaches by tcx (Linux 6.6), behind other programs; the answer is a descriptor, and to close it is to detach. */
  attach(linkIndex: number): number | Failure {
    const attributes = clear(this.memory);
    attributes.set([this.fds.program, linkIndex, tcxIngress]);
    return call(this.memory, "BPF_LINK_CREATE", commands.linkCreate);
  }

  /**
   * A program for a filter of tc, which outlives its maker: it leads to the real one through a map of programs that the kernel
   * empties when its last descriptor, ours, is closed (kernel/bpf/arraymap.c, prog_array_map_clear).
   */
  openDoor(): number | Failure {
    if (this.door !== undefined) return this.door.program;
    const { memory } = this;
    const doors = createMap(memory, mapTypes.programs, 4, 4, 1, 0);
    if (isFailure(doors)) return doors;
    memory.u32[at.key / 4] = 0;
    memory.u32[at.value / 4] = this.fds.program;
    const refused = element(memory, commands.update, doors);
    const program = refused ?? loadProgram(memory, readFileSync(doorPath), new Map([[mapNumbers.door, doors]]));
    if (isFailure(program)) {
      closeSocket(doors);
      return program;
    }
    this.door = { map: doors, program };
    return program;
  }

  /** What keeps the door of openDoor() leading somewhere. */
  get doorDescriptors(): number[] {
    return this.door === undefined ? [] : [this.door.map];
  }

  /** From this call on frames of `key` are treated so. */
  put(key: ProgramKey, { counter, isEnded, hasSources }: ProgramRule): Failure | undefined {
    const value = at.value / 4;
    this.writeKey(key);
    this.memory.u32[value] = counter ?? noCounter;
    this.memory.u32[value + 1] = (isEnded ? flags.end : 0) | (hasSources ? flags.sources : 0);
    return element(this.memory, commands.update, this.fds.rules);
  }

  /** From this call on frames of `key` are left alone. */
  take(key: ProgramKey): Failure | undefined {
    this.writeKey(key);
    return element(this.memory, commands.remove, this.fds.rules);
  }

  /** What was counted since clear(), over all CPUs. */
  counts(counter: number): ProgramCounts {
    const { memory, cpuCount } = this;
    const totals = { datagrams: 0, bytes: 0, ended: 0 };
    memory.u32[at.key / 4] = counter;
    const isRead = element(memory, commands.lookup, this.fds.counts, at.counts) === undefined;
    for (let cpu = 0; isRead && cpu < cpuCount; cpu++) {
      const first = at.counts + cpu * countsSize;
      totals.datagrams += this.wide(first);
      totals.bytes += this.wide(first + 8);
      totals.ended += this.wide(first + 16);
    }
    return totals;
  }

  /** Begins a counter anew, for a rule that is new. */
  clear(counter: number): void {
    this.memory.u8.fill(0, at.counts);
    this.memory.u32[at.key / 4] = counter;
    element(this.memory, commands.update, this.fds.counts, at.counts);
  }

  close(): void {
    const { rules, counts, program } = this.fds;
    for (const fd of [rules, counts, program, ...(this.door ? [this.door.map, this.door.program] : [])]) {
      closeSocket(fd);
    }
    this.memory.close();
  }

  private writeKey({ link, destination, source, port, protocol }: ProgramKey): void {
    this.memory.u32.set([link, destination, source, port | (protocol << 16)], at.key / 4);
  }

  private wide(offset: number): number {
    const { u32 } = this.memory;
    return u32[offset / 4]! + u32[offset / 4 + 1]! * 2 ** 32;
  }
}

/** How many CPUs the kernel keeps room for: the highest number of a list such as `0-3`, plus one. */
export function possibleCpus(list: string): number {
  const highest = Number(/([0-9]+)\s*$/.exec(list)?.[1]);
  assert(highest < cpusMax, `the list of possible CPUs is one: ${list}`);
  return highest + 1;
}

/** Puts descriptors where `bytes`, eBPF instructions, name maps by their mark. Changes `bytes`. */
export function placeMaps(bytes: Uint8Array, maps: ReadonlyMap<number, number>): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let offset = 0; offset + 2 * instructionSize <= bytes.length; offset += instructionSize) {
    if (view.getUint8(offset) !== loadImmediate) continue;
    const [number, mark] = [view.getUint32(offset + 4, true), view.getUint32(offset + instructionSize + 4, true)];
    const fd = maps.get(number);
    if (mark === mapMark && fd !== undefined) {
      view.setUint8(offset + 1, (view.getUint8(offset + 1) & 0xf) | sourceMapFd);
      view.setUint32(offset + 4, fd, true);
      view.setUint32(offset + instructionSize + 4, 0, true);
    }
    offset += instructionSize;
  }
}

function clear(memory: Mapped): Uint32Array {
  const attributes = memory.u32.subarray(0, attributesSize / 4);
  attributes.fill(0);
  return attributes;
}

function call(memory: Mapped, step: string, command: number): number | Failure {
  return outcomeOf(step, systemCall("bpf", command, memory.pointer, attributesSize));
}

/** union bpf_attr holds addresses as u64. */
function writeAddress(memory: Mapped, attribute: number, offset: number): void {
  const address = memory.at(offset) as number;
  memory.u32.set([address % 2 ** 32, Math.floor(address / 2 ** 32)], attribute / 4);
}

function createMap(
  memory: Mapped,
  ...description: readonly [type: number, key: number, value: number, entriesMax: number, flags: number]
) {
  clear(memory).set(description);
  return call(memory, "BPF_MAP_CREATE", commands.mapCreate);
}

/** One element of a map, its key at at.key. */
function element(memory: Mapped, command: number, fd: number, valueOffset: number = at.value): Failure | undefined {
  clear(memory)[0] = fd;
  writeAddress(memory, 8, at.key);
  if (command !== commands.remove) writeAddress(memory, 16, valueOffset);
  return refusalOf("bpf map", systemCall("bpf", command, memory.pointer, attributesSize));
}

function loadProgram(memory: Mapped, image: Uint8Array, maps: ReadonlyMap<number, number>): number | Failure {
  const bytes = memory.u8.subarray(at.instructions, at.instructions + image.length);
  assert(at.instructions + image.length <= at.counts, "the program fits its place");
  bytes.set(image);
  placeMaps(bytes, maps);
  memory.u8.set(new TextEncoder().encode("Dual MIT/GPL\0"), at.license);
  const attributes = clear(memory);
  attributes.set([schedCls, image.length / instructionSize]);
  writeAddress(memory, 8, at.instructions);
  writeAddress(memory, 16, at.license);
  memory.u8.set(new TextEncoder().encode("mcr_end"), 48);
  let loaded = call(memory, "BPF_PROG_LOAD", commands.load);
  // The verifier stops at a signal, and the runtime's own threads send each other some (libbpf tries five times).
  for (let tries = 1; tries < loadTriesMax && isFailure(loaded) && loaded.errno === errno.EAGAIN; tries++) {
    loaded = call(memory, "BPF_PROG_LOAD", commands.load);
  }
  return loaded;
}
