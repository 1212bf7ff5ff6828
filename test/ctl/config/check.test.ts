import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { operate } from "../../../src/ctl/operate.ts";

const dir = mkdtempSync(join(tmpdir(), "mcr-check-"));
afterAll(() => rmSync(dir, { recursive: true }));

/** Runs a command line; what it printed, and its exit code. */
async function ran(...args: string[]): Promise<{ code: number; said: string; complained: string }> {
  const [said, complained]: [string[], string[]] = [[], []];
  const never = () => Promise.reject(new Error("no role is played here"));
  const code = await operate(args, {
    say: (text) => said.push(text),
    complain: (text) => complained.push(text),
    environment: {},
    roles: { supervise: never, gen: never, sink: never },
  });
  return { code, said: said.join("\n"), complained: complained.join("\n") };
}

function file(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

const rule = '{ input: { interface: "eth0", group: "239.1.1.1", port: 1 }, outputs: [] }';

describe("config check", () => {
  test("says what is right, with exit code 0", async () => {
    const good = file("good.json5", `{ rules: [${rule}], x: 1 }`);
    expect(await ran("config", "check", good)).toMatchObject({
      code: 0,
      said: `${good}: 1 rule, no errors, 1 warning`,
      complained: expect.stringContaining(`${good}:1:${14 + rule.length}: warning: unknown key 'x'`),
    });
  });

  test("says all that is wrong, with exit code 78", async () => {
    const bad = file("bad.json5", "{ rules: [1, 2] }");
    const { code, complained } = await ran("config", "check", bad);
    expect(code).toBe(78);
    expect(complained.split("\n")).toEqual([
      `${bad}:1:11: rules[0] must be an object, not 1`,
      " 1 | { rules: [1, 2] }",
      "   |           ^",
      `${bad}:1:14: rules[1] must be an object, not 2`,
      " 1 | { rules: [1, 2] }",
      "   |              ^",
      "2 errors",
    ]);
  });

  test("takes several files as one configuration", async () => {
    const [a, b] = [file("a.json5", `{ rules: [${rule}] }`), file("b.json5", `{ rules: [${rule}] }`)];
    expect(await ran("config", "check", a, b)).toMatchObject({
      code: 78,
      complained: expect.stringContaining(`${b}:1:11: duplicate rule for input eth0:239.1.1.1:1`),
    });
    expect((await ran("config", "check", a, join(dir, "none.json5"))).code).toBe(78);
  });

  test("tells programs the same as JSON", async () => {
    const bad = file("bad.json5", "{ rules: [1] }");
    const { said } = await ran("config", "check", "--json", bad);
    expect(JSON.parse(said)).toEqual({
      valid: false,
      problems: [{ severity: "error", file: bad, line: 1, column: 11, message: "rules[0] must be an object, not 1" }],
    });
  });
});

test("config schema prints the schema that appliance/ ships", async () => {
  const { said } = await ran("config", "schema");
  const shipped = readFileSync(join(import.meta.dir, "../../../appliance/mcr.schema.json"), "utf8");
  expect(`${said}\n`).toBe(shipped);
  expect(JSON.parse(said)).toMatchObject({
    properties: { multicast_ttl: { description: expect.stringContaining("TTL") }, rules: {} },
  });
});

test("config without a known action says which there are", async () => {
  expect(await ran("config", "chek")).toMatchObject({
    code: 64,
    complained: expect.stringContaining("Did you mean 'check'?"),
  });
  expect(await ran("config")).toMatchObject({ code: 64, complained: expect.stringContaining("check, plan, apply") });
});
