// Checks by machine what can be checked of the house's style. The checks are in helpers/tidy/, each proven here to fail.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import { docstringFindings } from "./helpers/tidy/docstrings.ts";
import { habitFindings, leftoverFindings, nameFindings } from "./helpers/tidy/habits.ts";
import { importFindings } from "./helpers/tidy/imports.ts";
import { type Finding, parseSources, type Source } from "./helpers/tidy/parse.ts";
import { ringFindings } from "./helpers/tidy/rings.ts";
import {
  fileSizeFindings,
  functionSizeFindings,
  lineCount,
  medianFindings,
  shimSizeFindings,
} from "./helpers/tidy/sizes.ts";

const root = join(import.meta.dir, "..");

function readAll(folder: string, pattern: string): Map<string, string> {
  const paths = [...new Glob(pattern).scanSync({ cwd: join(root, folder) })].sort();
  return new Map(paths.map((path) => [path, readFileSync(join(root, folder, path), "utf8")]));
}

function lines(findings: readonly Finding[]): string[] {
  return findings.map(({ path, line, what }) => `${path}:${line}: ${what}`);
}

describe("the house", async () => {
  const texts = readAll("src", "**/*.ts");
  const shim = readAll("cshim", "*.{c,h}");
  const all = new Map([...texts, ...shim]);
  const sources = await parseSources(texts);

  test("is there to be checked", () => {
    expect(sources.length).toBeGreaterThan(20);
    expect(shim.size).toBeGreaterThan(3);
  });

  test("keeps its walls: who imports whom", () => {
    expect(lines(sources.flatMap(importFindings))).toEqual([]);
  });

  test("has no two files that import each other", () => {
    expect(lines(ringFindings(sources))).toEqual([]);
  });

  test("has files of at most 300 lines, half of them under 120", () => {
    const findings = [...all].flatMap(([path, text]) => fileSizeFindings(path, text));
    expect(lines([...findings, ...medianFindings(texts)])).toEqual([]);
  });

  test("has functions of at most 70 lines", () => {
    expect(lines(sources.flatMap(functionSizeFindings))).toEqual([]);
  });

  test("has less than 1,000 lines of C", () => {
    expect(lines(shimSizeFindings(shim))).toEqual([]);
  });

  test("swallows no error, prints nowhere, makes no claim, throws no dice", () => {
    expect(lines(sources.flatMap(habitFindings))).toEqual([]);
  });

  test("left no work undone", () => {
    expect(lines([...all].flatMap(([path, text]) => leftoverFindings(path, text)))).toEqual([]);
  });

  test("has names that say something", () => {
    expect(lines([...all.keys()].flatMap(nameFindings))).toEqual([]);
  });

  test("says of every export what it promises", () => {
    expect(lines(sources.flatMap(docstringFindings))).toEqual([]);
  });
});

type Check = (source: Source) => Finding[];

/** What a check says of one small file: its lines, and what is wrong there. */
async function saidOf(check: Check, path: string, text: string): Promise<string[]> {
  const sources = await parseSources(new Map([[path, text]]));
  return sources.flatMap(check).map(({ line, what }) => `${line}: ${what}`);
}

describe("the check of imports", () => {
  const cases: [path: string, text: string, said: string[]][] = [
    ["base/a.ts", 'import { a } from "./b.ts";', []],
    ["base/a.ts", 'import type { R } from "../rules/schema.ts";', ["1: base must not import rules/schema.ts"]],
    ["base/a.ts", 'import { readFileSync } from "node:fs";', ["1: base must not import node:fs as a value"]],
    ["base/a.ts", 'import { version } from "../../package.json";', []],
    ["limits.ts", 'import { assert } from "./base/assert.ts";', []],
    ["limits.ts", 'import { z } from "zod";', ["1: limits.ts must not import zod as a value"]],
    ["limits.ts", 'import { pathLimits } from "./limits/path.ts";', []],
    ["limits/a.ts", 'import { limits } from "../limits.ts";', ["1: limits must not import limits.ts as a value"]],
    [
      "relay/a.ts",
      'import { pathLimits } from "../limits/path.ts";',
      ["1: relay must not import limits/path.ts as a value"],
    ],
    ["ctl/a.ts", 'import { pathLimits } from "../limits/path.ts";', ["1: only limits.ts imports limits"]],
    ["rules/a.ts", 'import { z } from "zod";\nimport { limits } from "../limits.ts";', []],
    ["rules/a.ts", '\nimport { r } from "../relay/match.ts";', ["2: rules must not import relay/match.ts as a value"]],
    ["relay/a.ts", 'import type { Ring } from "../shim/ring.ts";', []],
    ["relay/a.ts", 'import { Ring } from "../shim/ring.ts";', ["1: relay must not import shim/ring.ts as a value"]],
    [
      "relay/a.ts",
      'import { type Ring } from "../shim/ring.ts";',
      ["1: relay must not import shim/ring.ts as a value"],
    ],
    ["relay/a.ts", 'export * from "../shim/ring.ts";', ["1: relay must not import shim/ring.ts as a value"]],
    ["relay/a.ts", 'import { consola } from "consola";', ["1: relay must not import consola as a value"]],
    ["relay/a.ts", 'type F = import("bun").BunFile;', ["1: relay must not import bun"]],
    ["worker/a.ts", 'import { dlopen } from "bun:ffi";', ["1: only shim imports bun:ffi"]],
    ["shim/a.ts", 'import { dlopen } from "bun:ffi";', []],
    ["ctl/a.ts", 'const x = await import("../relay/match.ts");', ["1: ctl must not import relay/match.ts as a value"]],
    [
      "supervise/a.ts",
      'import { match } from "../relay/match.ts";',
      ["1: supervise must not import relay/match.ts as a value"],
    ],
    ["supervise/a.ts", 'import { counters } from "../relay/counters.ts";', []],
    ["worker/a.ts", 'import { match } from "../relay/match.ts";', []],
    ["doctor/a.ts", 'import { a } from "../supervise/b.ts";', ["1: doctor must not import supervise/b.ts as a value"]],
    ["doctor/queriers.ts", 'import { linksRequest } from "../supervise/kernel/netlink.ts";', []],
  ];

  test.each(cases)("in %s, of %j", async (path, text, said) => {
    expect(await saidOf(importFindings, path, text)).toEqual(said);
  });
});

describe("the check of rings", () => {
  const of = async (files: Record<string, string>) =>
    ringFindings(await parseSources(new Map(Object.entries(files)))).map(({ what }) => what);

  test("finds two files that need each other, also when one needs only a type", async () => {
    const files = { "base/a.ts": 'import { b } from "./b.ts";', "base/b.ts": 'import type { A } from "./a.ts";' };
    expect(await of(files)).toEqual(["a ring of imports: base/a.ts, base/b.ts"]);
  });

  test("finds a ring across rooms once, and not what leads into it", async () => {
    const files = {
      "ctl/a.ts": 'import { b } from "../log/b.ts";',
      "log/b.ts": 'import { c } from "../rules/c.ts";',
      "rules/c.ts": 'export { b } from "../log/b.ts";',
    };
    expect(await of(files)).toEqual(["a ring of imports: log/b.ts, rules/c.ts"]);
  });

  test("takes two ways to one file for no ring", async () => {
    const files = {
      "base/a.ts": 'import { b } from "./b.ts";\nimport { c } from "./c.ts";',
      "base/b.ts": 'import { c } from "./c.ts";',
      "base/c.ts": "export const c = 1;",
    };
    expect(await of(files)).toEqual([]);
  });
});

describe("the check of habits", () => {
  const cases: [path: string, text: string, said: string[]][] = [
    ["log/a.ts", "try { f(); } catch {}", ["1: an empty catch"]],
    ["log/a.ts", "try { f(); } catch (e) { /* it may be gone */ }", ["1: an empty catch"]],
    ["log/a.ts", "try { f(); } catch { gone = true; }", []],
    ["log/a.ts", "const s = 'try {} catch {}'; // catch {}", []],
    ["log/a.ts", "\nconsole.log(1);", ["2: console outside of what prints"]],
    ["log/a.ts", "const { log } = console;", ["1: console outside of what prints"]],
    ["log/a.ts", "const x = { console: this.console };", []],
    ["ctl/a.ts", "console.log(1);", []],
    ["log/a.ts", "const x = Math.random();", ["1: Math.random, whose seed nobody can print"]],
    ["log/a.ts", "const x = Math.max(1, 2);", []],
    ["log/a.ts", "let x: Map<string, any>;", ["1: any"]],
    ["log/a.ts", "const y = x as any;", ["1: any"]],
    ["log/a.ts", "let any = 1; // any", []],
    ["log/a.ts", "const y = x!.z;", ["1: a claim with !"]],
    ["log/a.ts", "class A { x!: number; }", ["1: a claim with !"]],
    ["log/a.ts", "let x!: number;", ["1: a claim with !"]],
    ["log/a.ts", "class A { x?: number; }\nconst y = !x !== z;", []],
    ["shim/a.ts", "const y = x!.z;", []],
    ["relay/a.ts", "const now = Date.now();", ["1: a runtime or a clock in relay/"]],
    ["relay/a.ts", "setTimeout(f, 1);", ["1: a runtime or a clock in relay/"]],
    ["relay/a.ts", "const n = frame.process;\nclass A { fetch() {} }", []],
    ["worker/a.ts", "const now = Date.now();", []],
  ];

  test.each(cases)("in %s, of %j", async (path, text, said) => {
    expect(await saidOf(habitFindings, path, text)).toEqual(said);
  });

  test("finds work left undone, in C too", () => {
    expect(lines(leftoverFindings("ring.c", "int a;\n// TODO: b\n"))).toEqual(["ring.c:2: work left undone"]);
    expect(leftoverFindings("ring.c", "// nothing to do\n")).toEqual([]);
  });

  test("finds names that say nothing", () => {
    expect(lines(nameFindings("log/utils.ts"))).toEqual(['log/utils.ts:1: the name "utils" says nothing']);
    expect(nameFindings("log/writer.ts")).toEqual([]);
  });
});

describe("the check of sizes", () => {
  const functionOf = (count: number) => `\nconst f = () => {\n${"  g();\n".repeat(count - 2)}};\n`;

  test("counts lines, not ends of lines", () => {
    expect([lineCount("a\nb\n"), lineCount("a\nb")]).toEqual([2, 2]);
  });

  test("takes a file of 300 lines and refuses one of 301", () => {
    expect(fileSizeFindings("a.ts", "x\n".repeat(300))).toEqual([]);
    expect(lines(fileSizeFindings("a.ts", "x\n".repeat(301)))).toEqual(["a.ts:300: 301 lines, at most 300"]);
  });

  test("takes a function of 70 lines and refuses one of 71, however it is written", async () => {
    expect(await saidOf(functionSizeFindings, "a.ts", functionOf(70))).toEqual([]);
    expect(await saidOf(functionSizeFindings, "a.ts", functionOf(71))).toEqual([
      "2: a function of 71 lines, at most 70",
    ]);
    const method = `class A {\n/** Not counted. */\nm() {\n${"  g();\n".repeat(69)}} }`;
    expect(await saidOf(functionSizeFindings, "a.ts", method)).toEqual(["3: a function of 71 lines, at most 70"]);
  });

  test("takes a median of 119 lines and refuses one of 120", () => {
    const median = (count: number) =>
      new Map([
        ["a", "x\n".repeat(count)],
        ["b", "x\n".repeat(200)],
        ["c", "x\n"],
      ]);
    expect(medianFindings(median(119))).toEqual([]);
    expect(lines(medianFindings(median(120)))).toEqual(["src:1: the median file has 120 lines, wanted fewer than 120"]);
  });

  test("takes 999 lines of C and refuses 1,000, over all files", () => {
    const files = (count: number) =>
      new Map([
        ["a.c", "x\n".repeat(500)],
        ["a.h", "x\n".repeat(count)],
      ]);
    expect(shimSizeFindings(files(499))).toEqual([]);
    expect(lines(shimSizeFindings(files(500)))).toEqual(["cshim:1: 1000 lines of C, wanted fewer than 1000"]);
  });
});

describe("the check of docstrings", () => {
  const cases: [text: string, said: string[]][] = [
    ["/** Promises. */\nexport function f() {}", []],
    ["// No promise.\nexport function f() {}", ["2: export f has no docstring"]],
    ["export const f = () => 1;", ["1: export f has no docstring"]],
    ["export const slotSize = 2048;", []],
    ["export const rule = z.object({});\nexport type Rule = z.infer<typeof rule>;", []],
    [
      "export type T = 1;\nexport interface I {}\nexport class C {}",
      ["1: export T has no docstring", "2: export I has no docstring", "3: export C has no docstring"],
    ],
    ["/** A rule. */\nexport const Rule = z.object({});\nexport type Rule = z.infer<typeof Rule>;", []],
    ['function f() {}\nconst a = 1;\nexport { a } from "./a.ts";', []],
    ["export default function () {}", ["1: export default has no docstring"]],
  ];

  test.each(cases)("of %j", async (text, said) => {
    expect(await saidOf(docstringFindings, "log/a.ts", text)).toEqual(said);
  });
});
