// Workers as their supervisor holds them: orders, signs of life, deaths.

export const workerLimits = {
  /** The whole rule set, which a fresh worker is given: rulesMax rules are 2 MiB with an output each, 34 MiB with all that there can be. */
  orderSizeMax: 48 * 1024 * 1024,
  orderReadSize: 64 * 1024,
  /** Rules of one order: to read it takes a loop a few milliseconds, and its ring of frames holds 80. */
  orderRulesMax: 256,
  /** Orders of one change that wait for acknowledgement: twice as many reports take some 25 KiB of a socket's 208. */
  orderWindow: 16,
  /** How many bytes may wait for a worker that does not read, a stream; beyond it the worker is replaced. */
  orderQueueSizeMax: 96 * 1024 * 1024,
  orderAckWaitMs: 5_000,
  /** Descriptors beside one order; Linux takes 253 a message (SCM_MAX_FD), the shim 64. */
  orderSocketsMax: 64,
  /** One message through a worker's fd 3: the hello with the ABI text is the longest. */
  doorMessageSizeMax: 32 * 1024,

  workersMax: 64,
  workersDefaultMax: 4,
  workerBirthWaitMs: 10_000,
  /** Threads of all processes of the workers' user: 64 workers have some 20 each, and that user may be "nobody". */
  workerUserThreadsMax: 4_096,
  workerDrainWaitMs: 500,
  /** From the order to end until SIGKILL; longer than a worker drains. */
  workerEndWaitMs: 900,
  /** A worker is asked for a sign of life so often, unless it owes one. */
  heartbeatPeriodMs: 500,
  /** How long each half of it may owe that: a turn takes milliseconds, an order with 10,000 rules 0.2 s. */
  heartbeatWaitMs: 1_700,
  /** How often workers are looked at. What passes between two looks counts for at most two: then it was we who slept. */
  heartbeatLookMs: 100,
  /** Who has given no sign of life for so long should have been replaced long ago: the service manager hears no more of us. */
  heartbeatFreshMs: 3_000,
  /** How often the service manager is told what flows, if that has changed. */
  serviceStatusPeriodMs: 5_000,
  /** What waits for a service manager whose socket is full: the last few changes say where we stand. */
  serviceWordsMax: 8,
  /** After SIGKILL a process is gone within a millisecond, unless the kernel or a debugger holds it; it runs no more in any case. */
  killWaitMs: 300,
  /** Repairs of a worker's rules that may fail one after the other, before it is replaced. */
  rulesRepairsMax: 3,
  rulesDigestSizeMax: 64,
  /** What a worker may have to say that its supervisor has not read yet: some 10,000 acknowledgements. */
  reportQueueSizeMax: 1024 * 1024,
  /** A spare is born when its predecessor has had the machine to itself for so long. */
  spareDelayMs: 1_000,
  restartDelayMinMs: 250,
  restartDelayMaxMs: 16_000,
  /** Who lived so long is forgiven: a death every 20 s is a nuisance, and a pause that doubles each time would make it an outage. */
  restartQuietMs: 10_000,

  /** How long a stream that took no more is left alone. */
  orderRetryMs: 2,
  reportSizeMax: 8 * 1024,
} as const;
