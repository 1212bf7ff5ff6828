// What each command about the configuration does: MCR's with MCR's shapes and texts, and ours.
import type { Cause, Version } from "../../config/history.ts";
import { judgeValue } from "../../config/load.ts";
import type { Plan, RuleChange, Setup } from "../../config/plan.ts";
import { print } from "../../config/print.ts";
import { toFile } from "../../config/rule-value.ts";
import type { ListedPlan, ListedVersion } from "../../control/config-words.ts";
import type { CommandWithData, Reply } from "../../control/words.ts";
import { describeInput, inputKey } from "../../rules/key.ts";
import type { Rule } from "../../rules/schema.ts";
import type { Applied, Configuration } from "./configuration.ts";

type Body<K extends string> = Extract<CommandWithData, { [Key in K]: unknown }>;

/** Commands with data that this file carries out. */
export type ConfigCommand =
  | Body<"LoadConfig">
  | Body<"SaveConfig">
  | Body<"CheckConfig">
  | Body<"PlanConfig">
  | Body<"ApplyConfig">
  | Body<"RollbackConfig">
  | Body<"ShowConfigVersion">;

/** Carries out one of them for the user `uid`. */
export async function configure(
  configuration: Configuration,
  command: ConfigCommand,
  uid: number | undefined,
): Promise<Reply> {
  const by = uid === undefined ? {} : { uid };
  if ("LoadConfig" in command) {
    return load(configuration, command.LoadConfig, by);
  }
  if ("SaveConfig" in command) {
    return save(configuration, command.SaveConfig, uid);
  }
  if ("CheckConfig" in command) {
    const { loaded, errors } = judgeValue(command.CheckConfig.config);
    return { ConfigValidation: { valid: loaded !== undefined, errors } };
  }
  if ("PlanConfig" in command) {
    const plan = await configuration.plan(command.PlanConfig.text ?? undefined);
    return plan.ok ? { Plan: listedPlan(plan.value) } : { Error: plan.error };
  }
  if ("ApplyConfig" in command) {
    const { text, confirm_within_ms } = command.ApplyConfig;
    const waitMs = confirm_within_ms ?? undefined;
    return appliedReply(
      typeof text === "string"
        ? await configuration.apply(text, { how: "apply", ...by }, waitMs)
        : await configuration.reload({ how: "reload", ...by }, waitMs),
    );
  }
  if ("RollbackConfig" in command) {
    return appliedReply(
      await configuration.rollback({ how: "rollback", ...by }, command.RollbackConfig.version ?? undefined),
    );
  }
  const found = configuration.history.get(command.ShowConfigVersion.version);
  return found === undefined
    ? { Error: `version ${command.ShowConfigVersion.version} is not kept; 'config history' shows which are` }
    : {
        ConfigVersion: {
          version: listedVersion(found),
          plan: listedPlan(found.plan),
          text: `${print(fileOf(found.setup))}\n`,
        },
      };
}

/** Carries out one without data. */
export function configureWord(
  configuration: Configuration,
  word: "GetConfig" | "GetControlPlaneConfig" | "ConfirmConfig" | "DiffConfig" | "ListConfigVersions",
): Reply {
  switch (word) {
    case "GetConfig":
      return { Config: wireConfig(configuration.running()) };
    case "GetControlPlaneConfig": {
      const { rpf_provider, external_neighbors_enabled, event_buffer_size } =
        configuration.running().settings.control_plane ?? {};
      return {
        ControlPlaneConfig: {
          rpf_provider: rpf_provider ?? "disabled",
          external_neighbors_enabled: external_neighbors_enabled ?? true,
          event_buffer_size: event_buffer_size ?? 256,
        },
      };
    }
    case "ConfirmConfig": {
      const confirmed = configuration.confirm();
      return confirmed.ok
        ? { Success: `Configuration version ${confirmed.value.number} confirmed` }
        : { Error: confirmed.error };
    }
    case "DiffConfig":
      return { Plan: listedPlan(configuration.unsavedPlan()) };
    case "ListConfigVersions":
      return { ConfigVersions: configuration.history.list().map(listedVersion) };
  }
}

async function save(
  configuration: Configuration,
  { path, force }: Body<"SaveConfig">["SaveConfig"],
  uid: number | undefined,
): Promise<Reply> {
  if (configuration.path === undefined && typeof path !== "string") {
    return { Error: "No path specified and mcrd was not started with --config" };
  }
  // Who may write anywhere without us may do so through us: MCR's scripts save into /tmp.
  const trusted = uid !== undefined && (uid === 0 || uid === process.getuid?.());
  const saved = await configuration.save(path ?? undefined, { forced: force === true, trusted });
  return saved.ok
    ? { Success: `Configuration saved to ${path ?? (saved.value.join(", ") || configuration.path)}` }
    : { Error: `Failed to save configuration: ${saved.error}` };
}

/** MCR's LoadConfig: with `replace` the value is all that runs, without it only its new rules are added. */
async function load(
  configuration: Configuration,
  { config, replace }: { config?: unknown; replace: boolean },
  by: { uid?: number },
): Promise<Reply> {
  const { loaded, errors } = judgeValue(config);
  if (loaded === undefined) {
    return { Error: `Invalid configuration: ${errors.join("; ")}` };
  }
  const cause: Cause = { how: "load", ...by };
  if (replace) {
    // Settings are not part of what MCR loads; where the value has any they count, else they stay.
    const settings = { ...configuration.running().settings, ...loaded.settings };
    const applied = await configuration.run({ rules: loaded.rules, settings }, cause);
    return applied.ok
      ? { Success: `Configuration loaded (${loaded.rules.length} rules, replaced existing)` }
      : { Error: applied.error };
  }
  let added: readonly Rule[] = [];
  const applied = await configuration.merge((running) => {
    const keys = new Set(running.rules.map(inputKey));
    const ids = new Set(running.rules.map((rule) => rule.rule_id));
    added = loaded.rules.filter((rule) => !keys.has(inputKey(rule)) && !ids.has(rule.rule_id));
    return { ...running, rules: [...running.rules, ...added.map((rule): Rule => ({ ...rule, source: "Dynamic" }))] };
  }, cause);
  const skipped = loaded.rules.length - added.length;
  return applied.ok
    ? { Success: `Configuration merged (${added.length} rules added, ${skipped} skipped as duplicates)` }
    : { Error: applied.error };
}

function appliedReply(applied: { ok: true; value: Applied } | { ok: false; error: string }): Reply {
  if (!applied.ok) {
    return { Error: applied.error };
  }
  const { plan, version, confirmWithinMs } = applied.value;
  return {
    Plan: {
      ...listedPlan(plan),
      ...(version === undefined ? {} : { version: version.number }),
      ...(confirmWithinMs === undefined ? {} : { confirm_within_ms: confirmWithinMs }),
    },
  };
}

function listedPlan({ rules, settings, unchanged }: Plan): ListedPlan {
  return { rules: rules.flatMap(listedChange), settings, unchanged };
}

function listedChange({ before, after, fields }: RuleChange): ListedPlan["rules"] {
  const rule = after ?? before;
  return rule === undefined
    ? []
    : [
        {
          change: before === undefined ? "added" : after === undefined ? "removed" : "changed",
          rule_id: rule.rule_id,
          ...(rule.name === undefined ? {} : { name: rule.name }),
          input: describeInput(rule),
          fields: before !== undefined && after !== undefined ? fields : wholeRule(before, after),
        },
      ];
}

/** Of a rule that comes or goes, what it says. */
function wholeRule(before: Rule | undefined, after: Rule | undefined): ListedPlan["rules"][number]["fields"] {
  const side = (rule: Rule) => Object.entries(toFile(rule)).filter(([field]) => field !== "rule_id");
  return [
    ...(before === undefined ? [] : side(before).map(([field, value]) => ({ field, before: value }))),
    ...(after === undefined ? [] : side(after).map(([field, value]) => ({ field, after: value }))),
  ];
}

function listedVersion({ number, timeMs, how, uid, plan }: Version): ListedVersion {
  const of = (change: string) => plan.rules.flatMap(listedChange).filter((each) => each.change === change).length;
  return {
    version: number,
    time: new Date(timeMs).toISOString(),
    how,
    ...(uid === undefined ? {} : { uid }),
    added: of("added"),
    removed: of("removed"),
    changed: of("changed"),
    settings: plan.settings.length,
  };
}

function fileOf({ rules, settings }: Setup): object {
  return { ...settings, rules: rules.map(toFile) };
}

/** As MCR writes it: absent values of rules as null, empty sections left out. */
function wireConfig({ rules, settings }: Setup): Record<string, unknown> {
  const { pinning, multicast_ttl, ...sections } = settings;
  return {
    pinning: pinning ?? {},
    rules: rules.map((rule) => {
      const { name, input, outputs, ...ours } = toFile(rule);
      const { interface: link, group, port, protocol, ...more } = input;
      return {
        ...(name === undefined ? {} : { name }),
        input: { interface: link, group, port, protocol: protocol ?? null, ...more },
        outputs,
        ...ours,
      };
    }),
    multicast_ttl: multicast_ttl ?? null,
    ...Object.fromEntries(Object.entries(sections).filter(([, value]) => value !== null && value !== undefined)),
  };
}
