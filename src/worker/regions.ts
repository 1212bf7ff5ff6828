// Which regions a worker has mapped: a small table in shared memory that ingress fills and egress reads, row by row, each
// announced through the queue in line with the datagrams that lie in it. Egress frees a row when its last slot is back.
import { limits } from "../limits.ts";
import { Region, type RegionShape } from "../relay/region.ts";
import { shim } from "../shim/library.ts";
import { unmapAt, viewAt } from "../shim/memory.ts";

const fields = ["address", "size", "slotCount", "slotSize", "blockSize", "slotFirst", "fd"] as const;
const rowWords = 8;

/** Shared memory for the table: doubles, then one flag a row. */
export function regionMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(limits.regionsMax * (rowWords * 8 + 4));
}

/** The table; ingress takes rows, egress gives them back. */
export class RegionTable {
  private readonly rows: Float64Array;
  private readonly inUse: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.rows = new Float64Array(memory, 0, limits.regionsMax * rowWords);
    this.inUse = new Int32Array(memory, limits.regionsMax * rowWords * 8, limits.regionsMax);
  }

  /** Ingress: a free row, or -1. Its number decides the numbers of the region's slots. */
  freeRow(): number {
    return this.inUse.findIndex((_, row) => Atomics.load(this.inUse, row) === 0);
  }

  /** The number of a row's first slot. */
  slotFirst(row: number): number {
    return row * limits.captureSlotsMax;
  }

  /** Ingress: describes the region behind `row`; `fd` is closed with it (-1: none). */
  put(row: number, shape: RegionShape, fd: number): void {
    const values: Record<(typeof fields)[number], number> = { ...shape, fd };
    for (const [at, field] of fields.entries()) {
      this.rows[row * rowWords + at] = values[field];
    }
    Atomics.store(this.inUse, row, 1);
  }

  /** The region behind `row`, with views of the calling thread. */
  open(row: number): Region {
    const shape = this.shape(row);
    const buffer = viewAt(shape.address, shape.size);
    return new Region(shape, {
      u8: new Uint8Array(buffer),
      u16: new Uint16Array(buffer),
      u32: new Uint32Array(buffer),
      i32: new Int32Array(buffer),
    });
  }

  /** Egress: nobody looks at the region any more. Its memory and socket go, and the row is free. */
  close(row: number): void {
    const { address, size } = this.shape(row);
    const fd = this.value(row, "fd");
    unmapAt(address, size);
    if (fd >= 0) {
      shim.mcr_close(fd);
    }
    Atomics.store(this.inUse, row, 0);
  }

  private shape(row: number): RegionShape {
    const value = (field: (typeof fields)[number]) => this.value(row, field);
    return {
      address: value("address"),
      size: value("size"),
      slotCount: value("slotCount"),
      slotSize: value("slotSize"),
      blockSize: value("blockSize"),
      slotFirst: value("slotFirst"),
    };
  }

  private value(row: number, field: (typeof fields)[number]): number {
    return this.rows[row * rowWords + fields.indexOf(field)] as number;
  }
}
