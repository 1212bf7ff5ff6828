// Rules, and the files that say them.

export const ruleLimits = {
  // 10,000 is what MCR documents and could not reach; the counter page has room for as many that wait to be reused.
  rulesMax: 10_000,
  ruleOutputsMax: 64,
  /** Commands of one batch: every rule out, and as many others in. */
  batchChangesMax: 20_000,
  /** Groups of a prefix that one rule joins; each is an IGMP report. */
  ruleJoinsMax: 1_024,
  /** Different shapes of inputs (length of prefixes, width of ports): a frame that no rule wants is looked up once in each. */
  matchShapesMax: 32,
  /**
   * Descriptors that no rule may have, unless that is more than a quarter of all: for clients, for what is read in /proc, and to bear
   * workers, 12 for each of 64. Without them a supervisor with too many outputs could not replace a worker that dies.
   */
  descriptorsKept: 1_024,
  ruleIdSizeMax: 128,
  ruleNameSizeMax: 128,
  /** A line that people read in a table, and a few words to pick rules by: with all of it 10,000 rules are 5 MiB more, and still fit a command. */
  ruleDescriptionSizeMax: 256,
  ruleTagsMax: 8,
  ruleTagSizeMax: 32,
  /** Linux: IFNAMSIZ less the terminator. */
  linkNameSizeMax: 15,

  /** RFC 1112: multicast stays on the link unless somebody decides otherwise. */
  multicastTtlDefault: 1,

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
} as const;
