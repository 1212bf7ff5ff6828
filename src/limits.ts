// Every bound of the program, and the relations between them, asserted when this file loads.
import { assert } from "./base/assert.ts";

export const limits = {
  // Rules. 10,000 is what MCR documents and could not reach; the counter page has room for as many that wait to be reused.
  rulesMax: 10_000,
  ruleOutputsMax: 64,
  /** Commands of one batch: every rule out, and as many others in. */
  batchChangesMax: 20_000,
  ruleJoinsMax: 1_024, // Groups of a prefix that one rule joins; each is an IGMP report.
  matchShapesMax: 32, // Different shapes of inputs (length of prefixes, width of ports): a frame that no rule wants is looked up once in each.
  ruleIdSizeMax: 128,
  ruleNameSizeMax: 128,
  /** A line that people read in a table, and a few words to pick rules by: with all of it 10,000 rules are 5 MiB more, and still fit a command. */
  ruleDescriptionSizeMax: 256,
  ruleTagsMax: 8,
  ruleTagSizeMax: 32,
  /** Linux: IFNAMSIZ less the terminator. */
  linkNameSizeMax: 15,

  // Orders, supervisor to worker.
  /** A rule set of rulesMax rules with a few outputs each is about 6 MiB. */
  orderSizeMax: 16 * 1024 * 1024,
  orderReadSize: 64 * 1024,
  /** Rules of one order: to read it takes a loop a few milliseconds, and its ring of frames holds 80. */
  orderRulesMax: 256,
  /** Orders of one change that wait for acknowledgement: twice as many reports take some 25 KiB of a socket's 208. */
  orderWindow: 16,
  /** How many bytes may wait for a worker that does not read, a stream; beyond it the worker is replaced. */
  orderQueueSizeMax: 32 * 1024 * 1024,
  orderAckWaitMs: 5_000,
  /** Descriptors beside one order; Linux takes 253 a message (SCM_MAX_FD), the shim 64. */
  orderSocketsMax: 64,
  /** One message through a worker's fd 3: the hello with the ABI text is the longest. */
  doorMessageSizeMax: 32 * 1024,

  // Control socket, operator to supervisor.
  /** More than what connects before one look at the sockets is over (a backlog is 512): a newcomer is read before it has to give way. */
  clientsMax: 2_048,
  /** A whole configuration, such as `LoadConfig` brings: 10,000 rules with a few outputs each are about 6 MiB. */
  commandSizeMax: 16 * 1024 * 1024,
  /** Any other: a rule with 64 outputs takes 10 KiB, and a mebibyte of JSON 10 ms, in which nobody else is answered. */
  commandPlainSizeMax: 1024 * 1024,
  /** Strings, numbers, lists and objects in such a one: a rule with 64 outputs has some 400, and a million wrong ones are a million complaints. */
  commandPlainValuesMax: 4_000,
  commandWaitMs: 10_000,
  replySizeMax: 64 * 1024 * 1024,
  /** A command up to this size is read whatever the others do: 2,048 clients of it are 32 MiB. */
  commandSmallSize: 16 * 1024,
  /** What all larger, unfinished commands may hold together. */
  commandPoolSize: 32 * 1024 * 1024,
  /** What all replies that wait for slow readers may hold together. */
  replyPoolSize: 128 * 1024 * 1024,
  /** A client takes its reply within this time, or loses it. */
  replyWaitMs: 10_000,
  /** A line that is being completed must not wait for a supervisor that does not answer. */
  completionWaitMs: 500,
  /** Silence between two commands of one connection; a watching client asks every second. */
  clientIdleMs: 60_000,
  /** When all places are taken, and everybody is being served: who has not taken its reply for so long gives way to a newcomer. */
  clientGraceMs: 50,
  /** After a refusal, what the client still sends is read and dropped this long, so that it can read why; of so many at a time. */
  clientLingerMs: 1_000,
  /** And no more of it than this. */
  clientLingerSize: 32 * 1024 * 1024,
  clientsLingeringMax: 16,
  /** At the end of the program, how long a command under way may take to be answered. */
  clientCloseWaitMs: 250,
  /** sockaddr_un.sun_path less the terminator. */
  socketPathSizeMax: 107,
  /** How often a server whose backlog is full, or that is not there, is tried, and how far apart. */
  connectTriesMax: 10,
  connectRetryMs: 20,
  /** How long an operator's command waits: births and acknowledgements of workers happen within it. */
  replyPatienceMs: 30_000,
  /** How long the doctor waits for a supervisor: one that is slower than this is not well. */
  doctorAnswerWaitMs: 3_000,

  // Configuration file.
  configSizeMax: 64 * 1024 * 1024,
  /** A file of ours is five deep; more would only tire the stack. */
  configDepthMax: 64,
  /** Mistakes of one file that are told: nobody mends more in one go. */
  configProblemsMax: 1_000,
  /** Files of conf.d. */
  configFilesMax: 1_000,
  /** Applied versions that are kept, and the rules in all of them: some 100 MiB at 1 KiB a rule. */
  configVersionsMax: 100,
  configVersionsRulesMax: 100_000,
  /** How long an applied configuration may wait to be confirmed. */
  configConfirmMaxMs: 24 * 3_600_000,

  /** RFC 1112: multicast stays on the link unless somebody decides otherwise. */
  multicastTtlDefault: 1,

  // Workers.
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
  /** How long a stream that took no more is left alone. */
  orderRetryMs: 2,
  reportSizeMax: 8 * 1024,
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
  /** An output that fails is said again after so long; of those that begin to fail in one second so many are named. */
  outputAlarmPeriodMs: 10_000,
  outputAlarmsMax: 10,
  /** Of one command, in the record of who changed what: rules that have a line, and characters of what was given. */
  recordRulesMax: 100,
  recordTextMax: 2_048,
  /** Lines kept for 'top'. */
  logTailLines: 30,
  /** Changes made at once that have a line of the log each; of more, a line says how many. */
  changesToldMax: 50,
  /** Frames of a capture file that are explained. */
  explainFramesMax: 10_000,
  /** Younger than this is "now" when it is explained why nothing arrives. */
  explainFreshSeconds: 10,
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

  // Capture.
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

  // A worker's loops.
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
  flowOutputsMax: 16_384, // Outputs of the flows that mapping rules have a backlog each for, a power of two: 8,192 flows with two outputs, some 10 MiB.
  /** Turns of 64 frames before a worker says that it lives: most of what the JIT gains, for some 60 ms of its birth. */
  warmUpRounds: 300,
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

  // Links and sockets.
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

  // Generator and receiver.
  /** A UDP payload: 65,535 less the headers of IPv4 and UDP. */
  datagramSizeMax: 65_507,
  /** A socket each. */
  trafficFlowsMax: 1_000,
  /** Datagrams a call: beyond some dozens the call itself costs nothing. */
  trafficBatchMax: 64,
  /** Linux: UDP_MAX_SEGMENTS was 64 until 6.9. */
  trafficSegmentsMax: 64,
  /** How long the loops stay away from signals and timers. */
  trafficSliceMs: 50,
  trafficSliceMaxMs: 100,
  /** A generator this late moves its schedule: catching up further would be a burst that nobody asked for. */
  trafficLagMaxMs: 20,
  /** Sequence numbers a receiver can judge as late or twice, a stream: 0.2 s at 1,000,000/s, in 32 KiB. */
  trafficWindowSize: 262_144,
  /** Streams a receiver tells apart; 32 MiB of windows. */
  trafficStreamsMax: 1_024,
  /** What may wait at a receiving socket. 64-byte datagrams take 768 bytes there: 20,000 of them. */
  trafficReceiveBufferSize: 16 * 1024 * 1024,
} as const;

assert(limits.trafficSliceMs <= limits.trafficSliceMaxMs, "a slice of traffic ends while a person waits for Ctrl-C");
assert(limits.workersDefaultMax <= limits.workersMax, "the default number of workers is within the limit");
assert(limits.captureRingSize / limits.captureSlotSizeMin <= limits.captureSlotsMax, "a ring's slots can be numbered");
assert(limits.captureLinksMax + 2 <= limits.regionsMax, "every ring and the pool have a region");
assert(limits.sendsMax * 2 <= limits.ringEntries, "sends leave room in the ring for polls");
assert(
  limits.heartbeatPeriodMs + limits.heartbeatWaitMs + 2 * limits.heartbeatLookMs + limits.killWaitMs <
    limits.heartbeatFreshMs,
  "a worker that is stuck is replaced before the service manager could notice",
);
assert(limits.heartbeatWaitMs * 1_000 > limits.turnWaitUs, "a heartbeat outwaits the longest wait of a loop");
assert(limits.workerDrainWaitMs < limits.workerEndWaitMs, "a worker may drain before it is killed");
assert(limits.clientCloseWaitMs < limits.workerEndWaitMs, "the end waits longer for workers than for clients");
assert(limits.commandPlainSizeMax <= limits.commandSizeMax, "a plain command is no larger than any");
assert(limits.commandSizeMax <= limits.orderSizeMax, "a rule that fits a command fits an order");
assert(limits.commandSizeMax <= limits.commandPoolSize, "the largest command fits the pool");
assert(limits.replySizeMax <= limits.replyPoolSize, "the largest reply fits the pool");
assert(limits.replyPatienceMs > limits.orderAckWaitMs + limits.workerBirthWaitMs, "a client outwaits the supervisor");
