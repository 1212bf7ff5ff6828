// What would change: one configuration against another, rule by rule and field by field. Pure.
import type { Output, Rule } from "../rules/schema.ts";
import type { Settings } from "./load.ts";
import { isSameRule, toFile } from "./rule-value.ts";

/** Everything that a configuration says. */
export type Setup = { rules: readonly Rule[]; settings: Settings };

/** One difference. Without `before` it comes, without `after` it goes. */
export type FieldChange = { field: string; before?: unknown; after?: unknown };

/** What becomes of one rule. Fields are those of the file; a rule that comes or goes has none. */
export type RuleChange = { before?: Rule; after?: Rule; fields: FieldChange[] };

/** All differences; `unchanged` rules are only counted. */
export type Plan = { rules: RuleChange[]; settings: FieldChange[]; unchanged: number };

/** What leads from `from` to `to`. */
export function planOf(from: Setup, to: Setup): Plan {
  const rest = new Map(from.rules.map((rule) => [rule.rule_id, rule]));
  const rules: RuleChange[] = [];
  const added: Rule[] = [];
  let unchanged = 0;
  for (const after of to.rules) {
    const before = rest.get(after.rule_id);
    rest.delete(after.rule_id);
    if (before === undefined) {
      added.push(after);
    } else if (isSameRule(before, after)) {
      unchanged++;
    } else {
      rules.push({ before, after, fields: fieldsOf(before, after) });
    }
  }
  // Another input is another rule, but who named it the same means that one.
  const removedByName = byName([...rest.values()]);
  const addedByName = byName(added);
  for (const after of added) {
    const name = after.name ?? "";
    const before = addedByName.get(name) === after ? removedByName.get(name) : undefined;
    if (before === undefined) {
      rules.push({ after, fields: [] });
    } else {
      rest.delete(before.rule_id);
      rules.push({ before, after, fields: fieldsOf(before, after) });
    }
  }
  rules.push(...[...rest.values()].map((before) => ({ before, fields: [] })));
  return { rules, settings: settingsOf(from.settings, to.settings), unchanged };
}

/** Whether a plan changes nothing. */
export function isEmpty({ rules, settings }: Plan): boolean {
  return rules.length === 0 && settings.length === 0;
}

/** What has to be put and removed for a plan. */
export function changeOf({ rules }: Plan): { put: Rule[]; remove: string[] } {
  const put = rules.flatMap(({ after }) => after ?? []);
  const stays = new Set(put.map((rule) => rule.rule_id));
  return { put, remove: rules.flatMap(({ before }) => before?.rule_id ?? []).filter((id) => !stays.has(id)) };
}

/** `running` with what a plan did undone, where it still stands. */
export function undone(running: Setup, plan: Plan): Setup {
  const rules = new Map(running.rules.map((rule) => [rule.rule_id, rule]));
  for (const { after } of plan.rules) {
    rules.delete(after?.rule_id ?? "");
  }
  for (const { before } of plan.rules) {
    if (before !== undefined) {
      rules.set(before.rule_id, before);
    }
  }
  const settings = new Map(Object.entries(running.settings));
  for (const { field, before } of plan.settings) {
    settings.delete(field);
    if (before !== undefined) {
      settings.set(field, before as never);
    }
  }
  return { rules: [...rules.values()], settings: Object.fromEntries(settings) };
}

/** How many rules a plan adds, removes, changes and leaves alone. */
export function planCounts({ rules, unchanged }: Plan): Record<string, number> {
  const added = rules.filter(({ before }) => before === undefined).length;
  const removed = rules.filter(({ after }) => after === undefined).length;
  return { added, removed, changed: rules.length - added - removed, unchanged };
}

/** Rules whose name is theirs alone. */
function byName(rules: readonly Rule[]): Map<string, Rule> {
  const groups = Map.groupBy(rules, ({ name }) => name ?? "");
  return new Map(
    [...groups].flatMap(([name, [rule, ...others]]) =>
      name !== "" && rule !== undefined && others.length === 0 ? [[name, rule] as const] : [],
    ),
  );
}

function fieldsOf(before: Rule, after: Rule): FieldChange[] {
  const [{ outputs: _, input: inputBefore, ...restBefore }, { outputs: __, input: inputAfter, ...restAfter }] = [
    toFile(before),
    toFile(after),
  ];
  return [
    ...differences("", restBefore, restAfter),
    ...differences("input.", inputBefore, inputAfter),
    ...outputChanges(before.outputs, after.outputs),
  ];
}

function differences(prefix: string, before: object, after: object): FieldChange[] {
  const [olds, news] = [new Map(Object.entries(before)), new Map(Object.entries(after))];
  return [...new Set([...olds.keys(), ...news.keys()])]
    .filter((field) => !Bun.deepEquals(olds.get(field), news.get(field)))
    .map((field) => change(`${prefix}${field}`, olds.get(field), news.get(field)));
}

function change(field: string, before: unknown, after: unknown): FieldChange {
  return { field, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) };
}

/** As on the command line of `add`. */
function placeOf({ group, port, interface: link }: Output): string {
  return `${group}:${port}:${link}`;
}

/** Outputs are known by where they go; what else differs are their fields. */
function outputChanges(before: readonly Output[], after: readonly Output[]): FieldChange[] {
  const rest = [...before];
  const changes: FieldChange[] = [];
  for (const output of after) {
    const same = rest.findIndex((each) => Bun.deepEquals(each, output));
    const at = same >= 0 ? same : rest.findIndex((each) => placeOf(each) === placeOf(output));
    const [old] = at >= 0 ? rest.splice(at, 1) : [];
    changes.push(
      ...(old === undefined
        ? [change("outputs", undefined, output)]
        : differences(`outputs[${placeOf(output)}].`, old, output)),
    );
  }
  changes.push(...rest.map((output) => change("outputs", output, undefined)));
  const isOrderOnly = changes.length === 0 && !Bun.deepEquals(before, after);
  return isOrderOnly ? [change("outputs", before.map(placeOf), after.map(placeOf))] : changes;
}

function settingsOf(before: Settings, after: Settings): FieldChange[] {
  return differences("", given(before), given(after));
}

/** Without what says nothing: null, and nothing pinned. */
function given(settings: Settings): object {
  const isNothing = (value: unknown) =>
    value === null || value === undefined || (typeof value === "object" && Object.keys(value).length === 0);
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => !isNothing(value)));
}
