// Classic BPF as bytes (linux/filter.h, Documentation/networking/filter.rst): writing programs, knowing nothing of frames.
import { assert } from "../../base/assert.ts";
import { limits } from "../../limits.ts";
import type { FilterProgram } from "../../shim/capture.ts";

/** The instructions in use; A is the accumulator. */
export const codes = {
  loadWord: 0x20,
  loadHalf: 0x28,
  loadByte: 0x30,
  subtract: 0x14,
  jump: 0x05,
  ifEqual: 0x15,
  ifGreater: 0x25,
  ifAtLeast: 0x35,
  end: 0x06,
} as const;

/** How many instructions a conditional jump can pass over. */
export const jumpMax = 255;

// What bytes a frame is accepted with: more than any frame has, so the whole of it.
const acceptSize = 0x4_0000;
// The longest stretch written between ends() and the last branch that uses it.
const endsMargin = 16;
const instructionSize = 8;

/**
 * A program written from its end to its beginning: all jumps of BPF lead forward, so every target is known by then. A place
 * is how many instructions stand from there to the end.
 */
export class Program {
  private readonly instructions: { code: number; yes: number; no: number; k: number }[] = [];
  private verdicts = { accept: 0, drop: 0 };

  /** Puts an instruction before all others; returns its place. */
  add(code: number, k: number, yes = 0, no = 0): number {
    assert(yes >= 0 && yes <= jumpMax && no >= 0 && no <= jumpMax, "a conditional jump fits its 8 bits");
    this.instructions.push({ code, yes, no, k: k >>> 0 });
    return this.instructions.length;
  }

  /** Compares A with k, and goes to one place or the other. */
  branch(code: number, k: number, yes: number, no: number): number {
    return this.add(code, k, this.distance(yes), this.distance(no));
  }

  /** Goes anywhere. */
  jump(to: number): number {
    return this.add(codes.jump, this.distance(to));
  }

  /** How many instructions one that is added now has to jump over. */
  distance(to: number): number {
    return this.instructions.length - to;
  }

  /** Places that end the program either way, near enough for a few branches added next. Nothing may fall through to here. */
  ends(): { accept: number; drop: number } {
    if (this.verdicts.drop === 0 || this.distance(this.verdicts.drop) > jumpMax - endsMargin) {
      const drop = this.add(codes.end, 0);
      this.verdicts = { drop, accept: this.add(codes.end, acceptSize) };
    }
    return this.verdicts;
  }

  assemble(): FilterProgram {
    const count = this.instructions.length;
    assert(count <= limits.filterInstructionsMax, `a filter of ${count} instructions fits the kernel`);
    const bytes = new Uint8Array(count * instructionSize);
    const view = new DataView(bytes.buffer);
    for (const [index, { code, yes, no, k }] of this.instructions.toReversed().entries()) {
      const at = index * instructionSize;
      view.setUint16(at, code, true);
      view.setUint8(at + 2, yes);
      view.setUint8(at + 3, no);
      view.setUint32(at + 4, k, true);
    }
    return { bytes, count };
  }
}
