// A packet's path: capture rings, and the loops of a worker.

export const pathLimits = {
  /** Ring memory, a worker and link. At 2 KiB a slot that is 8,192 slots: 80 ms at 100,000 frames/s. */
  captureRingSize: 16 * 1024 * 1024,
  captureSlotSizeMin: 2048,
  /** Jumbo frames of 9,216 bytes with all that stands before them; an MTU beyond (loopback) says little about its frames. */
  captureSlotSizeMax: 9_600,
  /** The queue of frames that outgrow a slot, a socket: about as many as largeSlotCount, in the kernel's accounting. */
  captureQueueSize: 16 * 1024 * 1024,
  captureLinksMax: 60,
  captureSlotsMax: 8192,
  /** Regions a worker may map at once: a capture ring a link, one pool, and rings that are on their way out. */
  regionsMax: 64,
  /** Linux: BPF_MAXINSNS. */
  filterInstructionsMax: 4096,
  /** Ranges of addresses a filter tells apart; two instructions each and some jumps, within filterInstructionsMax. */
  filterRangesMax: 1_950,
  /** Frames that outgrow a slot (super-frames, reassembled fragments) wait here, each with room for 64 KiB. */
  largeSlotCount: 128,
  largeSlotSize: 66 * 1024,

  /** Entries of a ring's submission queue; completions have twice as many. */
  ringEntries: 512,
  /** Sends in flight a ring, and datagrams one send gathers (UDP_MAX_SEGMENTS). */
  sendsMax: 256,
  sendPiecesMax: 64,
  /** Frames ingress takes, and entries egress takes, before the ring is looked at again. */
  turnFramesMax: 256,
  turnEntriesMax: 1024,
  /** How often sends are handed over and their completions read before ingress gets its turn again. */
  settleRoundsMax: 16,
  /** While C waits no signal handler and no timer of ours runs. */
  turnWaitUs: 1_000_000,
  /** The same while something needs another look that no completion announces: a full socket, a full queue. */
  turnRetryUs: 500,
  queueEntries: 65_536,
  /** Outputs of the flows that mapping rules have a backlog each for, a power of two: 8,192 flows with two outputs, some 10 MiB. */
  flowOutputsMax: 16_384,
  /** Rounds of the loop before a worker says that it lives: all that the JIT gains, for some 60 ms of its birth. */
  warmUpRounds: 700,
  /**
   * After so many points (15 a call, 1 a loop, more for a long function) the engine's last compiler takes a function over. Its own
   * 64,000 are 4,000 calls, more than a warm-up makes: a stream's first second would pay for the rest.
   */
  lastCompilerFrom: 2_000,
  /** Above what else runs on a worker's core: a router's housekeeping can wait a millisecond, a ring of frames cannot. */
  workerNice: -15,
  /** The shortest the kernel takes (kernel/sched/syscalls.c): a waking loop is then let in at once. */
  workerSliceUs: 100,
  /** From this many frames a second on, a loop that slept lets frames gather. Below, each wakes it at once. */
  gatherFromPerSecond: 30_000,
  /** How long they may: the most this can add to a datagram's latency. */
  gatherUs: 64,
  /** Looks in vain, a gathering apart, before egress sleeps: ingress gathers too, and the two are not in step. */
  napsInVainMax: 2,
} as const;
