import { expect, test } from "bun:test";
import { outputMax } from "../../../src/relay/counters.ts";
import type { Rule } from "../../../src/rules/schema.ts";
import type { LinksView } from "../../../src/supervise/kernel/links.ts";
import { type LiveOutput, Outputs } from "../../../src/supervise/outputs/outputs.ts";

const links: Pick<LinksView, "table"> = { table: () => new Map() };

function outputs(): Outputs {
  return new Outputs(links as LinksView, () => [], undefined);
}

function rule(count: number, firstPort = 1): Rule {
  return {
    rule_id: "x",
    input_interface: "in0",
    input_group: "239.1.1.1",
    input_port: 5000,
    input_protocol: 17,
    outputs: Array.from({ length: count }, (_, at) => ({
      group: "239.2.2.2",
      port: firstPort + at,
      interface: "out0",
    })),
    source: "Dynamic",
  };
}

function adopted(all: Outputs, wanted: Rule, before: readonly LiveOutput[] = []): LiveOutput[] {
  const lives = all.adopt(wanted, before);
  if (typeof lives === "string") throw new Error(lives);
  return lives;
}

test("an output with the same words keeps its place; others get places of their own", () => {
  const all = outputs();
  const before = adopted(all, rule(3, 1));
  const after = adopted(all, rule(3, 2), before);
  expect(after[0]).toBe(before[1]);
  expect(after[1]).toBe(before[2]);
  expect(new Set([...before, ...after].map((live) => live.counter)).size).toBe(4);
  all.release(after);
  all.release(before.slice(0, 1));
});

test("a rule that finds too few places takes none: the next one that fits is served", () => {
  const all = outputs();
  const lives: LiveOutput[] = [];
  while (lives.length + 64 < outputMax) lives.push(...adopted(all, rule(64)));
  lives.push(...adopted(all, rule(1)));
  const before = lives.slice(0, 2);
  for (let again = 0; again < 3; again++) {
    expect(all.adopt(rule(64), [])).toContain("the most there can be");
    expect(all.adopt(rule(66), before)).toContain("the most there can be");
  }
  const rest = adopted(all, rule(63));
  expect(all.adopt(rule(1), [])).toContain("the most there can be");
  all.release([...lives, ...rest]);
});

test("an output on a link that is not there waits, and says for what", () => {
  const all = outputs();
  const [live] = adopted(all, rule(1));
  if (live === undefined) throw new Error("there is one output");
  expect(all.settle(live, rule(1))).toEqual({ changed: true, stale: -1 });
  expect(live.fd).toBe(-1);
  expect(live.pending).toContain("out0");
  expect(all.settle(live, rule(1)).changed).toBe(false);
  all.release([live]);
});
