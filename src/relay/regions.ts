// The regions egress knows: those in use, and those that ingress has left but whose slots are still on their way out.
import { assert } from "../base/assert.ts";
import type { Region } from "./region.ts";
import type { Slots } from "./slots.ts";

/** What a worker does when a region comes into use, and when it has gone out of it. */
export type RegionEvents = {
  /** A region comes into use: its shape and memory under `index`. */
  regionOpen: (index: number) => Region;
  /** The region's last slot is back and ingress has let go: its memory may go. */
  regionClosed: (index: number) => void;
};

/** Regions by the number that both sides keep them under. A region's memory outlives every slot that lies in it. */
export class Regions {
  private readonly slots: Slots;
  private readonly events: RegionEvents;
  private readonly used = new Map<number, Region>();
  private readonly leaving = new Map<number, Region>();

  constructor(slots: Slots, events: RegionEvents) {
    this.slots = slots;
    this.events = events;
  }

  /** From here on the queue may name slots of region `index`. */
  attach(index: number): void {
    const region = this.events.regionOpen(index);
    this.slots.attach(region);
    this.used.set(index, region);
  }

  /** The queue names no more slots of region `index`; it is closed when the last one is back. */
  detach(index: number): void {
    const region = this.used.get(index);
    assert(region !== undefined, "ingress detaches what it attached");
    this.used.delete(index);
    this.leaving.set(index, region);
    this.closeEmpty();
  }

  /** Lets go of regions that ingress has left and whose last slot is back. */
  closeEmpty(): void {
    if (this.leaving.size === 0) {
      return;
    }
    for (const [index, region] of this.leaving) {
      if (region.held === 0) {
        this.leaving.delete(index);
        this.slots.detach(region);
        this.events.regionClosed(index);
      }
    }
  }
}
