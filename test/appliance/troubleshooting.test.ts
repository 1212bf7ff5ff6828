// TROUBLESHOOTING.md has an entry for every grave message of the program and every reason to wait, and none for what nobody says.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import { pendingWords } from "../../src/rules/pending.ts";
import { type Message, messagesOf, wordsOf } from "../helpers/messages.ts";
import { parseSources, type Source } from "../helpers/tidy/parse.ts";

const root = join(import.meta.dir, "../..");
const page = readFileSync(join(root, "appliance/TROUBLESHOOTING.md"), "utf8");

/**
 * Expressions that hand on a message of somebody else: the functions whose words it is (`file#function`), or a heading of the page
 * where it may be anything.
 */
const passedOn: Readonly<Record<string, readonly string[]>> = {
  "log/collector.ts: isCut ? `${text}… (cut at ${limits.logLineSizeMax} bytes)` : text": [
    "a line that is no record (facility Unknown)",
  ],
  "supervise/config/configuration.ts: problemLine(problem)": ["FILE:LINE:COLUMN: …"],
  "supervise/config/configured.ts: problemLine(problem)": ["FILE:LINE:COLUMN: …"],
  'supervise/config/configured.ts: `${first === undefined ? (path ?? "") : problemLine(first)}${rest}`': [
    "FILE:LINE:COLUMN: …",
  ],
  "supervise/door/door.ts: policy.error": ["supervise/door/access.ts#accessPolicy"],
  "supervise/door/door.ts: server.error.text": [
    "control/socketfile.ts#failure",
    "control/socketfile.ts#inUse",
    "control/socketfile.ts#clearPath",
  ],
  "supervise/door/door.ts: unshared": ["control/socketfile.ts#shareSocket"],
  "supervise/rules/join.ts: text": ["supervise/rules/join.ts#follow"],
  "supervise/rules/rule-warnings.ts: text": [
    "supervise/watch/kernel-routes.ts#textOf",
    "supervise/watch/igmp-versions.ts#mismatch",
  ],
  "supervise/rules/relaying.ts: error": ["supervise/workers/workers.ts#order"],
  "supervise/start/requirements.ts: choice.error": ["supervise/start/io.ts#shortcoming"],
  "supervise/serve.ts: metrics.error": ["supervise/stats/metrics.ts#serveMetrics"],
  "supervise/supervise.ts: start.note": ["supervise/start/clean-start.ts#cleanStart"],
  // Every refusal is found where it is made.
  "supervise/supervise.ts: refused.text": [],
  "supervise/supervise.ts: cores.error": ["supervise/start/options.ts#chooseCores"],
  "supervise/supervise.ts: text": [
    "rules/table.ts#selfLoopText",
    "rules/table.ts#takenText",
    "rules/table.ts#problem",
    "rules/table.ts##othersProblem",
    "rules/loops.ts#loopText",
    "rules/precedence.ts#tieText",
    "supervise/rules/register.ts#makeLive",
  ],
  "supervise/rules/tell.ts: warning": ["rules/loops.ts#allowedText", "rules/loops.ts#sharedText"],
};
/** Words of a function above that never come into the log. */
const elsewhere = new Set(["Rule … not found"]);

const headings = [...page.matchAll(/^### `(.+)`$/gm)].map(([, heading]) => heading ?? "");
const sources = await sourcesOf();
const messages = sources.flatMap(messagesOf).filter(({ pattern }) => !pattern.startsWith("… (cut at"));

async function sourcesOf(): Promise<Source[]> {
  const paths = [...new Glob("**/*.ts").scanSync({ cwd: join(root, "src") })].sort();
  return parseSources(new Map(paths.map((path) => [path, readFileSync(join(root, "src", path), "utf8")])));
}

function keyOf({ path, pattern }: Message): string {
  return `${path}: ${pattern}`;
}

function wordsBehind(origin: string): string[] {
  // A private method has a second one in its name.
  const [, path, name] = /^([^#]+)#(.+)$/.exec(origin) ?? [];
  const source = sources.find((each) => each.path === path);
  return name === undefined || source === undefined ? [origin] : wordsOf(source, name);
}

/** Each text once, with who says it. */
function allWords(): Map<string, string> {
  const said = new Map<string, string>();
  for (const { pattern, path, line } of messages.filter(({ isDynamic }) => !isDynamic)) {
    said.set(pattern, `${path}:${line}`);
  }
  for (const origin of Object.values(passedOn).flat()) {
    for (const words of wordsBehind(origin).filter((each) => !elsewhere.has(each))) said.set(words, origin);
  }
  for (const [name, words] of Object.entries(pendingWords)) {
    said.set(words.replace(/\{\w+\}/g, "…"), `pendingWords.${name}`);
  }
  return said;
}

/** Fewer letters say too little to stand for more than the very same words. */
const lettersMin = 12;

/** A heading's `…` stands for anything. */
function isAbout(heading: string, words: string): boolean {
  if (heading.replace(/[^A-Za-z]/g, "").length < lettersMin) {
    return heading === words;
  }
  const parts = heading.split("…").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s").test(words);
}

test("messages are found: said at once, chosen among two, put together from constants and from what callers give", () => {
  const patterns = messages.map(({ pattern }) => pattern);
  expect(patterns).toContain("frames refused");
  expect(patterns).toContain("worker … (pid …) ended: …; restarting in … ms");
  expect(patterns).toContain("worker … could not be started: …; restarting in … ms");
  expect(patterns).toContain("an output fails: …");
  expect(patterns).toContain("this kernel offers no AF_PACKET sockets (…); it needs CONFIG_PACKET.");
  expect(patterns).not.toContain("rule added");
});

test("every grave message that a new line of code says is found", async () => {
  const text = [
    `log.say("Warning", \`new \${thing} here\`);`,
    'log.say(isBad ? "Error" : "Info", isBad ? "something bad" : "nothing bad");',
    'onNews("Info", "all is well");',
    'onNews("Critical", where());',
    'return { code: 71, text: "no start " + why };',
  ];
  const [source] = await parseSources(new Map([["a.ts", text.join("\n")]]));
  expect(source && messagesOf(source).map(({ pattern, line, isDynamic }) => [line, pattern, isDynamic])).toEqual([
    [1, "new … here", false],
    [2, "something bad", false],
    [2, "nothing bad", false],
    [4, "where()", true],
    [5, "no start …", false],
  ]);
});

test("who hands on a message of somebody else says whose", () => {
  const handed = new Set(messages.filter(({ isDynamic }) => isDynamic).map(keyOf));
  expect([...handed].filter((key) => passedOn[key] === undefined)).toEqual([]);
  expect(Object.keys(passedOn).filter((key) => !handed.has(key))).toEqual([]);
  const empty = Object.values(passedOn)
    .flat()
    .filter((origin) => wordsBehind(origin).length === 0);
  expect(empty).toEqual([]);
});

test("every message has an entry", () => {
  const missing = [...allWords()].filter(([words]) => !headings.some((heading) => isAbout(heading, words)));
  expect(missing).toEqual([]);
});

test("no entry is about what nobody says", () => {
  const words = [...allWords().keys()];
  expect(headings.filter((heading) => !words.some((each) => isAbout(heading, each)))).toEqual([]);
});

test("an entry says more than its heading, and stands once", () => {
  const blocks = page
    .split(/^(?:### .+\n+)+/m)
    .slice(1)
    .map((block) => block.split(/^## /m)[0] ?? "");
  expect(blocks.length).toBeGreaterThan(50);
  expect(blocks.filter((block) => block.trim().length < 40)).toEqual([]);
  expect(headings.filter((heading, at) => headings.indexOf(heading) !== at)).toEqual([]);
});
