// A region: memory that holds slots. A capture ring is one; the pool for frames that outgrow a slot is another.
// In both, the first word of a slot says whose it is, so giving a slot back is one store, from either thread.

/** What a region looks like; sizes and offsets in bytes, `address` as C knows it. */
export type RegionShape = {
  address: number;
  size: number;
  slotCount: number;
  slotSize: number;
  /** Slots do not cross blocks; a block may end in a gap. */
  blockSize: number;
  /** Number of the region's first slot among all slots of the worker. */
  slotFirst: number;
};

/** The memory of a region, seen through views that all cover the whole of it. */
export type RegionViews = { u8: Uint8Array; u16: Uint16Array; u32: Uint32Array; i32: Int32Array };

/** The kernel's word for "yours" in a slot's first word is bit 0 (TP_STATUS_USER); 0 gives it back. packet(7). */
export const slotIsOurs = 1;

/** One region as one thread sees it. */
export class Region {
  readonly shape: RegionShape;
  readonly views: RegionViews;
  /** Byte offset of every slot from the region's start. */
  readonly slotOffsets: Uint32Array;
  /** Slots that egress holds; its own count. A map from regions would be asked twice for every frame. */
  held = 0;

  constructor(shape: RegionShape, views: RegionViews) {
    this.shape = shape;
    this.views = views;
    this.slotOffsets = new Uint32Array(shape.slotCount);
    const slotsPerBlock = Math.floor(shape.blockSize / shape.slotSize);
    for (let slot = 0; slot < shape.slotCount; slot++) {
      const block = Math.floor(slot / slotsPerBlock);
      this.slotOffsets[slot] = block * shape.blockSize + (slot % slotsPerBlock) * shape.slotSize;
    }
  }

  /** The slot's status word. Atomic: what the other side wrote before it is visible after. */
  status(slot: number): number {
    return Atomics.load(this.views.i32, (this.slotOffsets[slot] as number) >> 2);
  }

  /** Gives a slot back to whoever fills it. Atomic: our reads of the slot are over before the store is seen. */
  release(slot: number): void {
    Atomics.store(this.views.i32, (this.slotOffsets[slot] as number) >> 2, 0);
  }

  /** Takes a free slot of a pool. */
  take(slot: number): void {
    Atomics.store(this.views.i32, (this.slotOffsets[slot] as number) >> 2, slotIsOurs);
  }
}
