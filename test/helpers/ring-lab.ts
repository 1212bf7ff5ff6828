// A capture ring with the kernel's half played here: it fills slot after slot while they are free, drops when the next one is
// not, and keeps frames that outgrow a slot on the socket's queue.
import { Region, type RegionShape } from "../../src/relay/region.ts";
import { plainSlot, type SlotPlan, wholeFrame, writeSlot } from "./capture-slot.ts";

/** A region in memory of its own. */
export function memoryRegion(shape: Omit<RegionShape, "size">): { region: Region; bytes: Uint8Array } {
  const size = Math.ceil(shape.slotCount / Math.floor(shape.blockSize / shape.slotSize)) * shape.blockSize;
  const buffer = new SharedArrayBuffer(size);
  const views = {
    u8: new Uint8Array(buffer),
    u16: new Uint16Array(buffer),
    u32: new Uint32Array(buffer),
    i32: new Int32Array(buffer),
  };
  return { region: new Region({ ...shape, size }, views), bytes: views.u8 };
}

export class KernelRing {
  readonly region: Region;
  readonly bytes: Uint8Array;
  /** Frames that found no free slot. */
  drops = 0;
  /** Whole frames on the socket's queue. */
  readonly socketQueue: Uint8Array[] = [];
  /** Errors that the socket has to say before it hands out a frame: sock_error(), as -errno. */
  readonly socketErrors: number[] = [];
  private head = 0;

  constructor(slotCount: number, slotFirst = 0) {
    const made = memoryRegion({ address: 2 ** 33, slotCount, slotSize: 608, blockSize: 2048, slotFirst });
    this.region = made.region;
    this.bytes = made.bytes;
  }

  /** A frame arrives; false when it was dropped. What does not fit a slot is copied to the socket's queue. */
  arrive(changes: Partial<SlotPlan> = {}): boolean {
    if ((this.region.status(this.head) & 1) !== 0) {
      this.drops++;
      return false;
    }
    const plan = { ...plainSlot, ...changes };
    const whole = wholeFrame(plan);
    const over = whole.length - 10 - (this.region.shape.slotSize - 96 + plan.linkSize);
    const at = this.region.slotOffsets[this.head] ?? 0;
    if (over > 0) {
      this.socketQueue.push(whole);
      writeSlot(this.bytes, at, { ...plan, cut: over, status: plan.status | 2 });
    } else {
      writeSlot(this.bytes, at, plan);
    }
    this.head = (this.head + 1) % this.region.shape.slotCount;
    return true;
  }

  /** recv(2) on the socket into `bytes` at `offset`: what does not fit is lost, and size 0 throws the frame away. */
  receive(bytes: Uint8Array, offset: number, size: number): number {
    const error = this.socketErrors.shift();
    if (error !== undefined) {
      return error;
    }
    const whole = this.socketQueue.shift();
    if (whole === undefined) {
      return -11;
    }
    const cut = whole.subarray(0, size);
    bytes.set(cut, offset);
    return cut.length;
  }
}
