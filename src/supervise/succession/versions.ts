// The versions of the configuration on their way to the next supervisor.
import type { ConfigText } from "../../config/files.ts";
import type { History, Version } from "../../config/history.ts";
import type { Settings } from "../../config/load.ts";
import { compact } from "../../rules/fields.ts";
import type { ConfigurationWill } from "./will.ts";

/** What is known of the configuration, as it is handed over. */
export function configurationWill(
  settings: Settings,
  texts: readonly ConfigText[],
  history: History,
  awaited: { version: Version; untilMs: number } | undefined,
): ConfigurationWill {
  return {
    settings,
    texts: texts.map(({ path, text }) => ({ path, text })),
    lastVersion: history.lastNumber,
    versions: history.list().map(({ setup, ...version }) => {
      return { ...version, setup: { rules: [...setup.rules], settings: setup.settings } };
    }),
    ...(awaited === undefined ? {} : { awaited: { number: awaited.version.number, untilMs: awaited.untilMs } }),
  };
}

/** Versions as they were handed over. */
export function versionsOf(versions: ConfigurationWill["versions"]): Version[] {
  return versions.map(({ uid, plan, ...version }) => ({
    ...version,
    ...compact({ uid }),
    plan: {
      ...plan,
      rules: plan.rules.map(({ before, after, fields }) => ({ ...compact({ before, after }), fields })),
    },
  }));
}
