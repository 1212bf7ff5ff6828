// Memory that C and TypeScript share: always mapped by C, seen through one long-lived view (DESIGN.md 6).
import { type Pointer, toArrayBuffer } from "bun:ffi";
import { assert } from "../base/assert.ts";
import { shim } from "./library.ts";

/** One mapping with the views that are used on it; all cover the same `size` bytes. */
export class Mapped {
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  readonly f64: Float64Array;
  readonly pointer: Pointer;
  readonly size: number;
  private isOpen = true;

  constructor(pointer: Pointer, size: number) {
    this.pointer = pointer;
    this.size = size;
    const buffer = toArrayBuffer(pointer, 0, size);
    this.u8 = new Uint8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.f64 = new Float64Array(buffer, 0, size >> 3);
  }

  /** Where byte `offset` is, as C knows it. */
  at(offset: number): Pointer {
    assert(offset >= 0 && offset < this.size, `offset ${offset} lies inside the mapping of ${this.size} bytes`);
    return (this.pointer + offset) as Pointer;
  }

  /** Gives the memory back; the views must not be touched afterwards. */
  close(): void {
    assert(this.isOpen, "a mapping is closed once");
    this.isOpen = false;
    shim.mcr_unmap(this.pointer, this.size);
  }
}

/** Zeroed memory of `size` bytes, a multiple of 8. */
export function map(size: number): Mapped {
  assert(size % 8 === 0, "mapped sizes are multiples of 8");
  const pointer = shim.mcr_map(size);
  if (pointer === null) {
    throw new Error(`no memory: ${size} bytes could not be mapped`);
  }
  return new Mapped(pointer as Pointer, size);
}

/** The memory behind `fd` (a memfd, a capture socket's ring), or undefined when the kernel refuses. */
export function mapFd(fd: number, size: number): Mapped | undefined {
  const pointer = shim.mcr_map_fd(fd, size);
  return pointer === null ? undefined : new Mapped(pointer as Pointer, size);
}

/** Anonymous shared memory with a descriptor that can be handed to another process; returns the fd or -errno. */
export function memfd(name: string, size: number): number {
  return shim.mcr_memfd(text(name), size);
}

// Out-parameters and names, one thread at a time: the shim is loaded anew in every thread, and so is this.
const scratchSize = 4096;
const textOffset = 2048;

/** This thread's page for small out-parameters; whoever reads it does so before the next call that writes it. */
export const scratch: Mapped = map(scratchSize);

const encoder = new TextEncoder();

/** `value` as a C string, good until the next call of text(). */
export function text(value: string): Pointer {
  const room = scratch.u8.subarray(textOffset, scratchSize - 1);
  const { written } = encoder.encodeInto(value, room);
  scratch.u8[textOffset + written] = 0;
  return scratch.at(textOffset);
}

/** One long-lived view over `size` bytes at `address`, a number that C gave us. */
export function viewAt(address: number, size: number): ArrayBuffer {
  return toArrayBuffer(address as Pointer, 0, size);
}

/** Ends a mapping made elsewhere; no view over it may be used afterwards. */
export function unmapAt(address: number, size: number): void {
  shim.mcr_unmap(address as Pointer, size);
}

/** RFC 1071's sum over `size` bytes at `address`; see mcr_ones_sum. */
export function onesSumAt(address: number, size: number): number {
  return shim.mcr_ones_sum(address as Pointer, size);
}

/** Reads one message of a socket to `address` without waiting; bytes (cut to `size`), or -errno. */
export function receiveAt(fd: number, address: number, size: number): number {
  return shim.mcr_read(fd, address as Pointer, size);
}
