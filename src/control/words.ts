// Commands and replies as they stand on the wire (INTEROP.md 2.2 to 2.4): a command without data is a bare string, one
// with data an object of one key. Unknown fields are ignored in commands and kept in replies.
import { z } from "zod";
import { holdsMoreThan } from "../base/values.ts";
import { limits } from "../limits.ts";
import { facilities, levels } from "../log/record.ts";
import { choiceSchema } from "../rules/choice.ts";
import { explain } from "../rules/explain.ts";
import { found, objectError, text, whole, wrongType } from "../rules/fields.ts";
import { originSchema, ruleDraftSchema } from "../rules/schema.ts";
import { configCommandBodies, configCommandWords, configReplies } from "./config-words.ts";
import { explanationSchema } from "./explanation.ts";
import { accountSchema, ioKind, outputFields, ports, roles, statusSchema } from "./status.ts";

/** Level and facility by name, spelled as on MCR's wire. */
const level = z.enum(levels, { error: ({ input }) => `must be one of ${levels.join(", ")}, not ${found(input)}` });
const facility = z.enum(facilities, {
  error: ({ input }) => `must be one of ${facilities.join(", ")}, not ${found(input)}`,
});

/** Commands that change one rule, or those of one tag. */
export const ruleCommandBodies = {
  AddRule: ruleDraftSchema,
  RemoveRule: z.object({ rule_id: text("a rule id", limits.ruleIdSizeMax) }, objectError),
  RemoveRuleByName: z.object({ name: text("a name", limits.ruleNameSizeMax) }, objectError),
  /** Ours: a rule by its id or name, or all that have a tag. */
  EnableRules: choiceSchema,
  DisableRules: choiceSchema,
  RemoveRules: choiceSchema,
};

/** One of several: exactly one command that changes a rule, and the line that it stood in. */
const batchedSchema = z
  .object(
    {
      line: whole("a line number", 1, Number.MAX_SAFE_INTEGER).optional(),
      AddRule: ruleCommandBodies.AddRule.optional(),
      RemoveRule: ruleCommandBodies.RemoveRule.optional(),
      RemoveRuleByName: ruleCommandBodies.RemoveRuleByName.optional(),
      EnableRules: ruleCommandBodies.EnableRules.optional(),
      DisableRules: ruleCommandBodies.DisableRules.optional(),
      RemoveRules: ruleCommandBodies.RemoveRules.optional(),
    },
    objectError,
  )
  .check((context) => {
    const { line: _, ...commands } = context.value;
    if (Object.values(commands).filter((command) => command !== undefined).length !== 1) {
      const message = `must have exactly one of ${Object.keys(ruleCommandBodies).join(", ")}`;
      context.issues.push({ code: "custom", message, input: context.value });
    }
  });

/** Judged one after the other up to the first that is wrong: a million wrong ones would be a million complaints. */
const batchSchema = z.array(z.unknown(), { error: wrongType("a list of commands") }).transform((items, context) => {
  const refuse = (message: string, path: PropertyKey[] = []) => {
    context.issues.push({ code: "custom", message, path, input: items });
    return z.NEVER;
  };
  if (items.length > limits.batchChangesMax) {
    return refuse(`has ${items.length} commands; at most ${limits.batchChangesMax} are allowed`);
  }
  const changes: Batched[] = [];
  for (const [index, item] of items.entries()) {
    const isLarge = holdsMoreThan(item, limits.commandPlainValuesMax);
    const parsed = isLarge ? undefined : batchedSchema.safeParse(item);
    if (parsed?.data === undefined) {
      return refuse(parsed === undefined ? "holds more values than any command needs" : explain(parsed.error, "it"), [
        index,
      ]);
    }
    changes.push(parsed.data);
  }
  return changes;
});

/** Commands with data, by their key. */
export const commandBodies = {
  ...ruleCommandBodies,
  /** Ours: many of these as one change, made as a whole or not at all. */
  Batch: z.object({ changes: batchSchema }, objectError),
  SetGlobalLogLevel: z.object({ level }, objectError),
  SetFacilityLogLevel: z.object({ facility, level }, objectError),
  /** Ours: of two routers with the same rules one sends. */
  SetRole: z.object({ role: z.enum(roles, { error: wrongType(roles.join(" or ")) }) }, objectError),
  /** Ours: why nothing arrives through the rule of this id or name. */
  Explain: z.object({ rule: text("the id or name of a rule", limits.ruleIdSizeMax) }, objectError),
  ...configCommandBodies,
};

/**
 * Commands without data. Four are ours: `GetStatus`, what the tables for people need and MCR's replies do not carry,
 * `ResetLogLevels`, back to the levels of the start, `CheckCounters`, whether all sums of the counters hold, and `ReloadBinary`,
 * which the program on disk answers when it has taken over.
 */
export const commandWords = [
  "ListRules",
  "GetStats",
  "ListWorkers",
  "Ping",
  "GetVersion",
  "GetMroute",
  "GetStatus",
  "GetLogLevels",
  "ResetLogLevels",
  "CheckCounters",
  "ReloadBinary",
  ...configCommandWords,
] as const;

export type CommandWord = (typeof commandWords)[number];
/** What the server hands on: checked, in the form of the wire. */
export type Command = CommandWord | CommandWithData;

type CommandBodies = typeof commandBodies;
/** The commands with data, each an object of one key. */
export type CommandWithData = {
  [K in keyof CommandBodies]: { [Key in K]: z.output<CommandBodies[K]> };
}[keyof CommandBodies];

/** A command that changes one rule, or those of one tag. */
export type RuleCommand = {
  [K in keyof typeof ruleCommandBodies]: { [Key in K]: z.output<(typeof ruleCommandBodies)[K]> };
}[keyof typeof ruleCommandBodies];
/** One of a batch. */
export type Batched = z.output<typeof batchedSchema>;

/** Whether a rule forwards. `pending`: it will as soon as what `reason` says is mended; `disabled`: when it is enabled. */
export const ruleStateSchema = z.enum(["active", "pending", "disabled"]);

const count = z.number().nonnegative();

const listedOutputSchema = z.looseObject({
  ...outputFields,
  ttl: count.optional(),
  /** Ours: the TTL that datagrams leave with when the rule names none. */
  effective_ttl: count.optional(),
});

/** A rule in a list: as MCR writes it, then state, reason and outputs' fields of ours. */
export const listedRuleSchema = z.looseObject({
  rule_id: z.string(),
  name: z.string().optional(),
  input_interface: z.string(),
  input_group: z.string(),
  input_port: ports,
  input_protocol: count,
  input_source: z.string().optional(),
  input_igmp_version: count.optional(),
  input_rejoin_interval: count.optional(),
  input_join: z.array(z.string()).optional(),
  outputs: z.array(listedOutputSchema),
  // A rule that a routing protocol made says so with an object.
  source: z.union([originSchema, z.looseObject({})]),
  exclusive: z.boolean().optional(),
  allow_loop: z.boolean().optional(),
  enabled: z.boolean().optional(),
  description: z.string().optional(),
  tags: z.array(z.string()).optional(),
  state: ruleStateSchema.optional(),
  reason: z.string().optional(),
  /** Ours: of an active rule, whether its datagrams end after the tap, and if not, why they go on into this host. */
  ended: z.boolean().optional(),
  ended_reason: z.string().optional(),
  /** Ours: what is odd about the rule though it runs; absent: nothing. */
  warnings: z.array(z.string()).optional(),
  /** Ours: how the rule differs from the files; absent when it stands in them like this. */
  unsaved: z.enum(["added", "changed"]).optional(),
});

/** One flow; a datagram counts once, however many outputs it has. Bytes are payload. */
export const flowStatsSchema = z.looseObject({
  input_group: z.string(),
  input_port: ports,
  input_protocol: count.optional(),
  packets_relayed: count,
  bytes_relayed: count,
  packets_per_second: count,
  bits_per_second: count,
});

export const workerSchema = z.looseObject({
  /** 0 while it is being restarted. */
  pid: count,
  worker_type: z.string(),
  core_id: z.number().nullable(),
  interface: z.string(),
  status: z.union([z.string(), z.looseObject({ Restarting: z.looseObject({ backoff_ms: count }) })]),
  /** Ours: what MCR's two states do not tell apart. */
  state: z.string().optional(),
  /** Ours: how it waits and sends; absent until it is born. */
  io: ioKind.optional(),
  /** Ours: since it had answered all it was asked; absent while it has no process. How often it was alive and stuck. */
  heartbeat_seconds: count.optional(),
  stalls: count.optional(),
});

/** A rule in the words of a multicast routing table. */
const mrouteSchema = z.looseObject({
  source: z.string().nullable(),
  group: z.string(),
  input_interface: z.string(),
  output_interfaces: z.array(z.string()),
  entry_type: z.enum(["StarG", "SG"]),
  age_secs: count,
});

const versionSchema = z.looseObject({
  protocol_version: z.number(),
  /** Ours: the version of the program that answers. */
  program_version: z.string().optional(),
  /** Ours: of several ways to do a thing, the one it takes: `pipeline`, `io`. */
  features: z.record(z.string(), z.string()).optional(),
});

/** What passes: the global level, and facilities that have one of their own. */
export const logLevelsSchema = z.looseObject({
  global: z.string(),
  facility_overrides: z.record(z.string(), z.string()),
});

export const replySchema = z.union([
  z.strictObject({ Success: z.string() }),
  z.strictObject({ Error: z.string() }),
  z.strictObject({ Rules: z.array(listedRuleSchema) }),
  z.strictObject({ Stats: z.array(flowStatsSchema) }),
  z.strictObject({ Workers: z.array(workerSchema) }),
  z.strictObject({ Version: versionSchema }),
  z.strictObject({ Mroute: z.array(mrouteSchema) }),
  z.strictObject({ LogLevels: logLevelsSchema }),
  z.strictObject({ Status: statusSchema }),
  z.strictObject({ Accounts: z.array(accountSchema) }),
  z.strictObject({ Explanation: explanationSchema }),
  ...configReplies,
]);

export type Reply = z.output<typeof replySchema>;
export type ListedRule = z.output<typeof listedRuleSchema>;
export type ListedOutput = z.output<typeof listedOutputSchema>;
export type FlowStats = z.output<typeof flowStatsSchema>;
export type ListedWorker = z.output<typeof workerSchema>;
export type ListedRoute = z.output<typeof mrouteSchema>;
export type ListedLevels = z.output<typeof logLevelsSchema>;

/** MCR's number for this protocol; nothing depends on it. */
export const protocolVersion = 1;
