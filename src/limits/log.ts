// The log, from a worker's line to our own standard error.

export const logLimits = {
  /** A worker's own lines are at most 4 KiB; a runtime's last words may be longer. */
  logLineSizeMax: 16 * 1024,
  /** Lines of one worker that are looked at in a second; what is above is counted. 2,000 cost about 5 % of a core. */
  logLinesPeriodMax: 2_000,
  /** Beyond them, lines of a second that say of an error, or are no record (a runtime's last words): kept for them alone. */
  logGraveLinesPeriodMax: 200,
  /** The same line is shown so often in a window; what is above becomes one line. Five leave a flapping link its story. */
  logRepeatsShown: 5,
  logRepeatsWindowMs: 10_000,
  /** Different lines whose repeats are counted at a time. */
  logRepeatsMax: 512,

  /** [FLOW_STATS] lines a period. */
  logFlowsMax: 100,
  /** What may wait for a reader of our own log that stalls: some thousand lines. */
  logWaitingSizeMax: 1024 * 1024,
  /** Of one write to it; longer lines go in pieces. */
  logWriteSize: 64 * 1024,
  /** How often such a reader is asked again, and how long it may keep the program from ending. */
  logRetryMs: 10,
  logCloseWaitMs: 200,
  /** How long the last lines of a worker that has ended may take to come out of its pipe. */
  logRestWaitMs: 200,
} as const;
