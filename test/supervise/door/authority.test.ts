import { beforeEach, expect, test } from "bun:test";
import type { ClientInfo, Handler } from "../../../src/control/connection.ts";
import type { Command } from "../../../src/control/words.ts";
import { limits } from "../../../src/limits.ts";
import type { Fields, Level } from "../../../src/log/record.ts";
import { makeRule, type Rule } from "../../../src/rules/schema.ts";
import { withAuthority } from "../../../src/supervise/door/authority.ts";

const peer = { pid: 77, uid: 1000, gid: 1000, groups: [] };
const operator: ClientInfo = { id: 1, descriptor: -1, peer, access: "change" };
const watcher: ClientInfo = { id: 2, descriptor: -1, peer, access: "read" };

let rules: Map<string, Rule>;
let lines: { level: Level; message: string; fields: Fields }[];

beforeEach(() => {
  rules = new Map();
  lines = [];
});

const log = {
  say: (level: Level, message: string, fields: Fields = {}) => {
    lines.push({ level, message, fields });
  },
};

function rule(id: string, port: number): Rule {
  const outputs = [{ group: "239.2.2.2", port: 1, interface: "out0" }];
  return makeRule(
    { rule_id: id, input_interface: "in0", input_group: "239.1.1.1", input_port: port, outputs } as never,
    "Dynamic",
  );
}

/** A relay whose only command is to become what `next` says, a moment later. */
function guarded(next: () => Map<string, Rule> | string): Handler {
  const handle: Handler = async () => {
    await Bun.sleep(1);
    const wanted = next();
    if (typeof wanted === "string") return { Error: wanted };
    rules = wanted;
    return { Success: "so it is" };
  };
  return withAuthority(handle, { log, rulesOf: () => new Map(rules) });
}

const remove: Command = { RemoveRule: { rule_id: "a" } };

test("a question is passed on and leaves no line", async () => {
  expect(await guarded(() => rules)("ListRules", watcher)).toEqual({ Success: "so it is" });
  expect(lines).toEqual([]);
});

test("who may only read is told so, nothing is carried out, and it is recorded", async () => {
  const handle = guarded(() => {
    throw new Error("must not be carried out");
  });
  expect(await handle(remove, watcher)).toEqual({ Error: expect.stringContaining("you may only read") });
  expect(lines).toEqual([
    {
      level: "Warning",
      message: "asked to change: RemoveRule",
      fields: { uid: 1000, pid: 77, outcome: "not permitted", given: JSON.stringify(remove) },
    },
  ]);
});

test("a change is recorded with each rule before and after", async () => {
  const [old, kept, fresh, next] = [rule("a", 1), rule("b", 2), rule("c", 3), rule("a", 4)];
  rules = new Map([
    ["a", old],
    ["b", kept],
  ]);
  await guarded(
    () =>
      new Map([
        ["a", next],
        ["b", kept],
        ["c", fresh],
      ]),
  )(remove, operator);
  expect(lines.map(({ fields }) => fields)).toEqual([
    { uid: 1000, pid: 77, outcome: "done", before: JSON.stringify(old), after: JSON.stringify(next) },
    { uid: 1000, pid: 77, outcome: "done", after: JSON.stringify(fresh) },
  ]);
});

test("what is refused, and what speaks of no rule, is recorded with what was given", async () => {
  await guarded(() => "no such rule")(remove, operator);
  await guarded(() => rules)("ResetLogLevels", operator);
  expect(lines.map(({ fields }) => fields)).toEqual([
    { uid: 1000, pid: 77, outcome: "no such rule", given: JSON.stringify(remove) },
    { uid: 1000, pid: 77, outcome: "done", given: '"ResetLogLevels"' },
  ]);
});

test("two changes at once: each is recorded against what stood before it", async () => {
  const steps = [new Map([["a", rule("a", 1)]]), new Map([["a", rule("a", 2)]])];
  const handle = guarded(() => steps.shift() ?? new Map());
  await Promise.all([handle(remove, operator), handle(remove, operator)]);
  const [first, second] = lines.map(({ fields }) => fields);
  expect(first).not.toHaveProperty("before");
  expect(second).toMatchObject({ before: `${first?.["after"]}` });
});

test("a large change has a bounded number of lines, and the last says how many there were", async () => {
  const many = new Map(
    Array.from({ length: limits.recordRulesMax + 7 }, (_, index) => [`${index}`, rule(`${index}`, index + 1)]),
  );
  await guarded(() => many)(remove, operator);
  expect(lines).toHaveLength(limits.recordRulesMax + 1);
  expect(lines.at(-1)?.fields).toMatchObject({ more: 7 });
});

test("a change that throws does not hold up the next one", async () => {
  const handle = guarded(() => {
    throw new Error("broken");
  });
  await expect(handle(remove, operator)).rejects.toThrow("broken");
  await expect(handle(remove, operator)).rejects.toThrow("broken");
});
