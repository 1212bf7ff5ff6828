// Frames that the kernel had no room for in a capture ring. PACKET_STATISTICS forgets when it is asked (packet(7)), so what it says is
// summed here, by link and by worker. Whoever closes a capture asks once more first: the last second counts too.
import { CaptureCounts } from "../../shim/abi.ts";
import { shim } from "../../shim/library.ts";
import { scratch } from "../../shim/memory.ts";
import type { CapturesWill } from "../succession/will.ts";

/** A capture as far as its drops go. The place of a socket in `sockets` is its worker's. */
export type DropSource = {
  readonly link: { readonly name: string };
  readonly sockets: readonly { readonly fd: number }[];
};

/** Reads how many frames a socket lost since it was asked last; undefined when it cannot say. */
export type ReadDrops = (fd: number) => number | undefined;

/** Sums over all captures there ever were. A link keeps its sum when it comes back under its name. */
export class KernelDrops {
  private readonly links = new Map<string, number>();
  private readonly places: number[] = [];
  private readonly ask: ReadDrops;

  constructor(ask: ReadDrops = askKernel) {
    this.ask = ask;
  }

  /** All sums, for the supervisor after us. */
  get bequest(): CapturesWill["drops"] {
    return { links: [...this.links], places: Array.from(this.places, (drops) => drops ?? 0) };
  }

  /** Goes on from the sums of the supervisor before us. */
  inherit({ links, places }: CapturesWill["drops"]): void {
    for (const [name, drops] of links) {
      this.links.set(name, drops);
    }
    this.places.splice(0, this.places.length, ...places);
  }

  /** Asks the kernel about every socket of a capture. */
  read({ link, sockets }: DropSource): void {
    for (const [place, { fd }] of sockets.entries()) {
      const drops = this.ask(fd) ?? 0;
      this.links.set(link.name, this.ofLink(link.name) + drops);
      this.places[place] = this.ofPlace(place) + drops;
    }
  }

  ofLink(name: string): number {
    return this.links.get(name) ?? 0;
  }

  /** Lost to the rings of the worker at `place`. */
  ofPlace(place: number): number {
    return this.places[place] ?? 0;
  }

  /** By link name, for all that were ever captured. */
  byLink(): ReadonlyMap<string, number> {
    return this.links;
  }

  get total(): number {
    return this.places.reduce((sum, each) => sum + each, 0);
  }
}

function askKernel(fd: number): number | undefined {
  return shim.mcr_capture_counts(fd, scratch.pointer) === 0 ? scratch.u32[CaptureCounts.drops / 4] : undefined;
}
