// What each command of an operator does.
import { programVersion } from "../base/version.ts";
import type { ClientInfo } from "../control/connection.ts";
import {
  type Command,
  type CommandWithData,
  protocolVersion,
  type Reply,
  type RuleCommand,
  ruleCommandBodies,
} from "../control/words.ts";
import type { Levels } from "../log/levels.ts";
import { makeRule, type Rule } from "../rules/schema.ts";
import { runBatch } from "./config/batch.ts";
import { configure, configureWord } from "./config/config-commands.ts";
import type { Configuration } from "./config/configuration.ts";
import type { Explainer } from "./explain/explainer.ts";
import type { Outputs, Role } from "./outputs/outputs.ts";
import { change as changeChosen } from "./rules/choose.ts";
import type { Relaying } from "./rules/relaying.ts";
import type { Stats } from "./stats/stats.ts";
import type { Succession } from "./succession/succession.ts";
import { routesOf } from "./watch/routes.ts";
import { listLevels, resetLevels, setLevels } from "./workers/log-levels.ts";
import type { Workers } from "./workers/workers.ts";

/** What commands act on. */
export type CommandParts = {
  relaying: Relaying;
  stats: Stats;
  workers: Workers;
  explainer: Explainer;
  levels: Levels;
  configuration: Configuration;
  succession: Pick<Succession, "reload">;
  outputs: Pick<Outputs, "role">;
};

/** Carries out `command`; what is refused is an Error reply, never a throw. */
export async function carryOut(parts: CommandParts, command: Command, client: ClientInfo): Promise<Reply> {
  const { relaying, stats, configuration } = parts;
  const uid = client.peer?.uid;
  if (typeof command === "object") {
    if ("Explain" in command) {
      const explained = parts.explainer.explain(command.Explain.rule);
      return explained.ok ? { Explanation: explained.value } : { Error: explained.error };
    }
    if ("SetGlobalLogLevel" in command || "SetFacilityLogLevel" in command) {
      return setLevels(parts.levels, parts.workers, command);
    }
    if ("SetRole" in command) {
      return setRole(parts, command.SetRole.role);
    }
    if ("Batch" in command) {
      return runBatch(configuration, command.Batch.changes, uid === undefined ? {} : { uid });
    }
    return isRuleCommand(command) ? change(relaying, command) : configure(configuration, command, uid);
  }
  switch (command) {
    case "ListRules":
      return { Rules: stats.rules((rule) => configuration.unsaved(rule)) };
    case "GetStats":
      return { Stats: stats.flows() };
    case "ListWorkers":
      return { Workers: stats.workers() };
    case "GetMroute":
      return { Mroute: routesOf(relaying.list(), performance.now()) };
    case "GetStatus":
      return { Status: stats.status() };
    case "CheckCounters":
      return { Accounts: await stats.accounts() };
    case "GetVersion":
      return {
        Version: { protocol_version: protocolVersion, program_version: programVersion, features: stats.features() },
      };
    case "GetLogLevels":
      return listLevels(parts.levels);
    case "ResetLogLevels":
      return resetLevels(parts.levels, parts.workers);
    case "Ping":
      return ping(parts.workers);
    case "ReloadBinary":
      return parts.succession.reload(client);
    default:
      return configureWord(configuration, command);
  }
}

/** Answers when every worker has the sockets to send by, or has let go of them. */
async function setRole({ outputs, relaying, workers }: CommandParts, role: Role): Promise<Reply> {
  outputs.role = role;
  await relaying.linksChanged();
  const away = workers.places.length - workers.runningCount;
  return { Success: away === 0 ? role : `${role} (${away} of ${workers.places.length} workers do not run)` };
}

function isRuleCommand(command: CommandWithData): command is RuleCommand {
  return Object.keys(command).every((name) => Object.hasOwn(ruleCommandBodies, name));
}

async function change(relaying: Relaying, command: RuleCommand): Promise<Reply> {
  if ("AddRule" in command) {
    const added = await relaying.add(makeRule(command.AddRule, "Dynamic"));
    if (!added.ok) {
      return { Error: added.error };
    }
    // MCR's words stand first, for those who look for them.
    const warnings = relaying.warningsOf(added.value).map((warning) => `; warning: ${warning}`);
    return { Success: `Rule ${added.value.rule.rule_id} added${warnings.join("")}` };
  }
  if ("RemoveRule" in command) {
    const { rule_id } = command.RemoveRule;
    const removed = await relaying.remove(rule_id);
    return removed.ok ? { Success: `Rule ${rule_id} removed` } : { Error: removed.error };
  }
  if (!("RemoveRuleByName" in command)) {
    return "EnableRules" in command
      ? changeChosen(relaying, command.EnableRules, "enabled")
      : "DisableRules" in command
        ? changeChosen(relaying, command.DisableRules, "disabled")
        : changeChosen(relaying, command.RemoveRules, "removed");
  }
  const { name } = command.RemoveRuleByName;
  const removed = await relaying.removeByName(name);
  return removed.ok ? { Success: `Removed rule '${name}' (id: ${removed.value.rule_id})` } : { Error: removed.error };
}

async function ping(workers: Workers): Promise<Reply> {
  const errors = await workers.order({ kind: "Ping" });
  const all = workers.places.length;
  const ready = workers.runningCount - errors.length;
  return ready === all
    ? { Success: `pong: ${ready}/${all} worker streams ready` }
    : { Error: `Only ${ready}/${all} worker streams ready` };
}

/**
 * The rules that a command may change, as they stand, by id: the one that it names, or all where it speaks of the configuration
 * as a whole.
 */
export function rulesOf(relaying: Relaying, command: Command): ReadonlyMap<string, Rule> {
  if (typeof command === "object") {
    if ("AddRule" in command) {
      return byId(relaying.book.get(makeRule(command.AddRule, "Dynamic").rule_id)?.rule);
    }
    if ("RemoveRule" in command) {
      return byId(relaying.book.get(command.RemoveRule.rule_id)?.rule);
    }
    if ("RemoveRuleByName" in command) {
      const named = relaying.book.findByName(command.RemoveRuleByName.name);
      return byId(named.ok ? named.value : undefined);
    }
    if ("SetGlobalLogLevel" in command || "SetFacilityLogLevel" in command) {
      return byId();
    }
  }
  return byId(...relaying.list().map(({ rule }) => rule));
}

function byId(...rules: readonly (Rule | undefined)[]): ReadonlyMap<string, Rule> {
  return new Map(rules.flatMap((rule) => (rule === undefined ? [] : [[rule.rule_id, rule] as const])));
}
