// The flows of rules that map many addresses: each has a backlog of its own, so that what leaves in one send goes to one place and
// batches as well as with a rule of its own. Room is bounded: when it is used up, flows that have nothing waiting are forgotten, and
// come back with their next datagram; flows that find no room even so share their rule's one backlog, in order, in smaller batches.
import { limits } from "../limits.ts";
import type { OutputRule } from "./output.ts";

const keyWords = 3;

/** Backlogs by rule, destination and port: open addressing, nothing allocated on the way of a packet of a known flow. */
export class Flows {
  private readonly keys: Int32Array;
  private readonly lanes: (OutputRule | undefined)[];
  private readonly mask: number;
  private outputs = 0;
  private readonly outputsMax: number;

  /** `outputsMax`, a power of two: how many outputs all flows may have together. */
  constructor(outputsMax: number = limits.flowOutputsMax) {
    const capacity = outputsMax * 2;
    this.outputsMax = outputsMax;
    this.mask = capacity - 1;
    this.keys = new Int32Array(capacity * keyWords);
    this.lanes = new Array<OutputRule | undefined>(capacity).fill(undefined);
  }

  /** How many outputs all flows have together. */
  get size(): number {
    return this.outputs;
  }

  find(serial: number, destination: number, port: number): OutputRule | undefined {
    return this.lanes[this.placeOf(serial, destination, port)];
  }

  hasRoom(outputCount: number): boolean {
    return this.outputs + outputCount <= this.outputsMax;
  }

  /** The caller has looked at hasRoom(). */
  add(lane: OutputRule, destination: number, port: number): void {
    const at = this.placeOf(lane.serial, destination, port);
    this.lanes[at] = lane;
    this.keys.set([lane.serial, destination, port], at * keyWords);
    this.outputs += lane.outputs.length;
  }

  /** The backlogs of one rule. */
  of(serial: number): OutputRule[] {
    return this.lanes.filter((lane) => lane?.serial === serial).filter((lane) => lane !== undefined);
  }

  /** Forgets the flows that `isGone` says of, and returns them. Costs a look at every place. */
  sweep(isGone: (lane: OutputRule) => boolean): OutputRule[] {
    const gone: OutputRule[] = [];
    const kept: { lane: OutputRule; key: Int32Array }[] = [];
    for (const [at, lane] of this.lanes.entries()) {
      if (lane !== undefined && isGone(lane)) {
        gone.push(lane);
      } else if (lane !== undefined) {
        kept.push({ lane, key: this.keys.slice(at * keyWords, (at + 1) * keyWords) });
      }
    }
    this.lanes.fill(undefined);
    this.outputs = 0;
    for (const { lane, key } of kept) {
      this.add(lane, key[1] as number, key[2] as number);
    }
    return gone;
  }

  /** Outputs of known flows came or went. */
  recount(): void {
    this.outputs = this.lanes.reduce((sum, lane) => sum + (lane?.outputs.length ?? 0), 0);
  }

  private placeOf(serial: number, destination: number, port: number): number {
    let hash = Math.imul(serial, 0x85ebca6b) ^ Math.imul(destination, 0xc2b2ae35) ^ Math.imul(port, 0x27d4eb2f);
    hash ^= hash >>> 16;
    hash = Math.imul(hash, 0x85ebca6b);
    hash ^= hash >>> 13;
    const { keys, lanes, mask } = this;
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const key = at * keyWords;
      const isIt = keys[key] === serial && keys[key + 1] === destination && keys[key + 2] === port;
      if (lanes[at] === undefined || isIt) {
        return at;
      }
    }
  }
}
