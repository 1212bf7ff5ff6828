// The control socket, operator to supervisor, and what is told there.

export const controlLimits = {
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
} as const;
