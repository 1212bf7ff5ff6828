// What a supervisor looks at again and again: links, routes, listeners, memberships, counters.

export const watchLimits = {
  /** How often the doorbells of links are looked at: a rule must run within 200 ms of the moment it can. Two calls that find nothing. */
  linksPollMs: 20,
  /** The share of the supervisor's time that reading links anew may take: thousands of them in a storm of events are read less often. */
  linksShareMax: 0.25,
  /** The share of the supervisor's time that changes of routes may take: a router that speaks BGP has them all the time. */
  routesShareMax: 0.05,
  /** How often that is tried again whose end nothing announces, such as a lack of memory. */
  refusalRetryMs: 1_000,
  /** How often other listeners of this host are looked for: one that joins late misses datagrams for no longer. */
  listenersPollMs: 500,
  /** The share of the supervisor's time that this may take; with thousands of groups the period grows instead. */
  listenersShareMax: 0.05,

  /** How long a check of the counters waits for a moment in which nothing moves. */
  accountWaitMs: 1_000,
  /** Rates are over this long. */
  samplePeriodMs: 1_000,
  /** Of samplePeriodMs each: "the last minute" of latency. */
  latencyWindowPeriods: 60,
  /** How soon the log says that datagrams are lost, and how often while it goes on. */
  lossFirstMs: 10_000,
  lossAgainMs: 60_000,
  /** Links and outputs that it names at a time. */
  lossLinesMax: 10,

  /** An output that fails is said again after so long; of those that begin to fail in one second so many are named. */
  outputAlarmPeriodMs: 10_000,
  outputAlarmsMax: 10,

  /** The kernel makes netlink answers of at most 32 KiB (net/netlink/af_netlink.c, netlink_recvmsg). */
  netlinkReadSize: 64 * 1024,
  /** A link takes about 1.2 KiB: more than 20,000 links. */
  netlinkAnswerSizeMax: 32 * 1024 * 1024,
  /** Reads of a table that changed under the reader; then what was read counts, and the bell rings again anyway. */
  linksReadsMax: 4,
  /** Memberships are reported again so often unless told otherwise: four times before a switch forgets (RFC 3376, 8.4: 260 s). */
  rejoinIntervalSeconds: 60,
  rejoinIntervalSecondsMax: 86_400,
  /** Of one IGMP report: an Ethernet frame. 183 groups in version 3. */
  rejoinReportSizeMax: 1_496,
  /** Reports sent in one go, and the pause behind them: 2,000 groups of version 2 take 2 s. */
  rejoinBurstMax: 50,
  rejoinPauseMs: 50,
  /** What may wait in an output socket: MCR's default. 3 ms at 10 Gbit/s. */
  outputBufferSize: 4 * 1024 * 1024,
} as const;
