// Commands and replies about the configuration: MCR's (INTEROP.md 2.3, 2.4) and ours.
import { z } from "zod";
import { limits } from "../limits.ts";
import { claim, objectError, text, whole, wrongType } from "../rules/fields.ts";

const configText = z.string({ error: wrongType("a configuration as JSON5 text") });
const configValue = z.unknown();
const path = text("a path", 4096);
const confirmWithin = whole("a number of milliseconds", 1, limits.configConfirmMaxMs).nullish();
const version = whole("a version's number", 1, Number.MAX_SAFE_INTEGER);

/** Commands with data, by their key. */
export const configCommandBodies = {
  LoadConfig: z.object({ config: configValue, replace: claim.default(false) }, objectError),
  /** `force`, ours: also over files that somebody else has changed. */
  SaveConfig: z.object({ path: path.nullish(), force: claim.nullish() }, objectError),
  CheckConfig: z.object({ config: configValue }, objectError),
  /** Ours. Without a text: the files as they are now. */
  PlanConfig: z.object({ text: configText.nullish() }, objectError),
  ApplyConfig: z.object({ text: configText.nullish(), confirm_within_ms: confirmWithin }, objectError),
  RollbackConfig: z.object({ version: version.nullish() }, objectError),
  ShowConfigVersion: z.object({ version }, objectError),
};

/** Commands without data. Ours: `ConfirmConfig`, `DiffConfig` (what runs against the files), `ListConfigVersions`. */
export const configCommandWords = [
  "GetConfig",
  "GetControlPlaneConfig",
  "ConfirmConfig",
  "DiffConfig",
  "ListConfigVersions",
] as const;

const count = z.number().nonnegative();
const fieldChange = z.looseObject({ field: z.string(), before: z.unknown().optional(), after: z.unknown().optional() });

/** What changes, or changed. Rules as the file writes them, with their ids. */
export const planSchema = z.looseObject({
  rules: z.array(
    z.looseObject({
      change: z.enum(["added", "removed", "changed"]),
      rule_id: z.string(),
      name: z.string().optional(),
      /** In words, for people: `eth0 239.1.1.1:5000`. */
      input: z.string(),
      fields: z.array(fieldChange),
    }),
  ),
  settings: z.array(fieldChange),
  unchanged: count,
  /** The version that came of it, when it was made and changed anything. */
  version: count.optional(),
  confirm_within_ms: count.optional(),
});

/** One applied version. */
export const versionSummarySchema = z.looseObject({
  version: count,
  time: z.string(),
  how: z.string(),
  uid: count.optional(),
  added: count,
  removed: count,
  changed: count,
  settings: count,
});

/** Replies, by their key. */
export const configReplies = [
  z.strictObject({ Config: z.looseObject({}) }),
  z.strictObject({ ConfigValidation: z.looseObject({ valid: z.boolean(), errors: z.array(z.string()) }) }),
  z.strictObject({
    ControlPlaneConfig: z.looseObject({
      rpf_provider: z.string(),
      external_neighbors_enabled: z.boolean(),
      event_buffer_size: count,
    }),
  }),
  z.strictObject({ Plan: planSchema }),
  z.strictObject({ ConfigVersions: z.array(versionSummarySchema) }),
  z.strictObject({
    ConfigVersion: z.looseObject({ version: versionSummarySchema, plan: planSchema, text: z.string() }),
  }),
] as const;

export type ListedPlan = z.output<typeof planSchema>;
export type ListedVersion = z.output<typeof versionSummarySchema>;
