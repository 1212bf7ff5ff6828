// A takeover: from the rehearsal of the program on disk to the last worker that was relieved.

export const successionLimits = {
  /** What a supervisor leaves: 10,000 rules and their outputs are 10 MiB, versions of the configuration may be five times that. */
  willSizeMax: 256 * 1024 * 1024,
  /** How long the new program may take to say that it knows what is asked: it starts in 50 ms on a machine that does nothing else. */
  rehearsalHelloWaitMs: 5_000,
  /** And to have tried everything: a worker's birth, which may take workerBirthWaitMs, is part of it. */
  rehearsalWaitMs: 15_000,
  /** What is read of what it says, and what of its last words is shown. */
  rehearsalSaidSizeMax: 64 * 1024,
  rehearsalLastWordsMax: 300,
  /** How long who asked for it waits: a rehearsal, and behind it a birth a worker, one after the other, each 2 s where a machine is slow. */
  takeoverPatienceMs: 180_000,
  /** How often it is looked whether the worker before it has ended: its flows wait meanwhile. */
  predecessorLookMs: 1,
} as const;
