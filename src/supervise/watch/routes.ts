// Rules as entries of a multicast routing table, for who knows that better (GetMroute, INTEROP.md 2.4).
import type { ListedRoute } from "../../control/words.ts";
import { isEnabled } from "../../rules/labels.ts";
import type { LiveRule } from "../rules/live-rule.ts";

/** One entry an enabled rule; several outputs on one link are one output interface. `nowMs` as of `sinceMs`. */
export function routesOf(lives: readonly Pick<LiveRule, "rule" | "sinceMs">[], nowMs: number): ListedRoute[] {
  return lives
    .filter(({ rule }) => isEnabled(rule))
    .map(({ rule, sinceMs }) => ({
      source: rule.input_source ?? null,
      group: rule.input_group,
      input_interface: rule.input_interface,
      output_interfaces: [...new Set(rule.outputs.map((output) => output.interface))],
      entry_type: rule.input_source === undefined ? "StarG" : "SG",
      age_secs: Math.max(0, Math.floor((nowMs - sinceMs) / 1000)),
    }));
}
