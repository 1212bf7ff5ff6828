// The queue from ingress to egress: one producer, one consumer, fixed entries in shared memory.
// Beside it the flag of the wakeup protocol (DESIGN.md 3.3), which belongs to the same cache-line plan.
import { assert } from "../base/assert.ts";

/** Words of one entry: slot, rule (0: a region order), payload offset and size, segment size and datagram count. */
export const entryWords = 4;

// Head, tail and flag each on a line of its own (64 bytes): the two sides must not fight over one.
const headAt = 0;
const tailAt = 16;
const sleepingAt = 32;
/** Beside the flag: up to where entries had been published, when the producer ended a sleep, before those it ended it for. */
const wokenAt = 33;
const firstAt = 64;

/** Shared memory for a queue of `capacity` entries, a power of two. */
export function queueMemory(capacity: number): SharedArrayBuffer {
  assert(capacity > 0 && (capacity & (capacity - 1)) === 0, "a queue's capacity is a power of two");
  return new SharedArrayBuffer((firstAt + capacity * entryWords) * 4);
}

/**
 * One side's view of the queue. The producer calls room, put, publish and wakes; the consumer depth, word, taken and
 * the two of its sleep. Neither calls the other's.
 */
export class Queue {
  readonly capacity: number;
  /**
   * Consumer: entries that lay here while it slept and nobody had woken it, until something else did. The wakeup is there to
   * make this 0; whoever reads it adds it up and sets it back.
   */
  stranded = 0;
  private readonly words: Int32Array;
  private readonly mask: number;
  // The producer's tail and the consumer's head, private until published.
  private position: number;
  // The producer's tail before its last publish().
  private publishedBefore: number;
  private published: number;
  // What this side last saw of the other's position: looked up again only when it runs out.
  private seen: number;

  constructor(memory: SharedArrayBuffer, side: "producer" | "consumer") {
    this.words = new Int32Array(memory);
    this.capacity = (this.words.length - firstAt) / entryWords;
    this.mask = this.capacity - 1;
    this.position = Atomics.load(this.words, side === "producer" ? tailAt : headAt);
    this.publishedBefore = this.position;
    this.published = this.position;
    this.seen = Atomics.load(this.words, side === "producer" ? headAt : tailAt);
  }

  /** Producer: true when one more entry fits and leaves `beside` places free. */
  hasRoom(beside = 0): boolean {
    const room = this.capacity - beside;
    if (((this.position - this.seen) | 0) < room) {
      return true;
    }
    this.seen = Atomics.load(this.words, headAt);
    return ((this.position - this.seen) | 0) < room;
  }

  /** Producer: writes the next entry; egress sees it after publish(). */
  put(slot: number, rule: number, offsetAndSize: number, segments: number): void {
    const at = firstAt + (this.position & this.mask) * entryWords;
    this.words[at] = slot;
    this.words[at + 1] = rule;
    this.words[at + 2] = offsetAndSize;
    this.words[at + 3] = segments;
    this.position = (this.position + 1) | 0;
  }

  /** Producer: lets egress see what was put. Sequentially consistent, like every access the wakeup relies on. */
  publish(): void {
    this.publishedBefore = this.published;
    this.published = this.position;
    Atomics.store(this.words, tailAt, this.position);
  }

  /** Producer, after publish(): true when egress slept and has to be woken, at most once a sleep (races: fallAsleep). */
  mustWake(): boolean {
    if (Atomics.exchange(this.words, sleepingAt, 0) !== 1) {
      return false;
    }
    Atomics.store(this.words, wokenAt, this.publishedBefore);
    return true;
  }

  /** Consumer: how many entries wait. */
  depth(): number {
    this.seen = Atomics.load(this.words, tailAt);
    return (this.seen - this.position) | 0;
  }

  /** Consumer: word `word` of the entry `ahead` places behind the oldest. */
  word(ahead: number, word: number): number {
    return this.words[firstAt + ((this.position + ahead) & this.mask) * entryWords + word] as number;
  }

  /** Consumer: gives the oldest `count` entries back to the producer. */
  taken(count: number): void {
    this.position = (this.position + count) | 0;
    Atomics.store(this.words, headAt, this.position);
  }

  /**
   * Consumer: says that it is about to sleep, then looks again. Returns false when something came in between, and then
   * it must not sleep. Four races end here, each a broken twin of the model that spin checks (test/model/wakeup.pml):
   * 1. An entry comes after our last drain and before the flag. Its producer saw 0 and wakes nobody: the second look.
   * 2. We store the flag and read the tail while the producer stores the tail and reads the flag. If a read could overtake
   *    the store before it, as release and acquire allow, each would miss the other: both are sequentially consistent.
   * 3. We clear the flag of one sleep when the next has set it; the producer sees 0, and we wait: awake() comes before.
   * 4. The producer clears the flag after its wakeup, by when we may be up, done and asleep again on the flag it clears:
   *    the exchange sees and clears in one, before the wakeup. Not clearing at all would write one wakeup per batch.
   */
  fallAsleep(): boolean {
    this.words[wokenAt] = this.position;
    Atomics.store(this.words, sleepingAt, 1);
    if (this.depth() === 0) {
      return true;
    }
    Atomics.store(this.words, sleepingAt, 0);
    return false;
  }

  /**
   * Consumer: awake again, for whatever reason; always before the next fallAsleep(). All that was published before the entries
   * it was woken for had been taken before it slept, or it was stranded. This holds whatever a scheduler does, who may delay
   * a woken thread for as long as it likes: no clock is in it.
   */
  awake(): void {
    Atomics.store(this.words, sleepingAt, 0);
    this.stranded += Math.max(0, (Atomics.load(this.words, wokenAt) - this.position) | 0);
  }
}
