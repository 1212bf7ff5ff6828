// doctor --fix: what is shown, asked and done, on a machine made of files.
import { afterAll, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { done } from "../../src/base/outcome.ts";
import { runTune, tune } from "../../src/ctl/tune.ts";
import type { Given, World } from "../../src/ctl/verb.ts";
import { TunedMachine } from "../helpers/tuned-machine.ts";

const dir = mkdtempSync(join(tmpdir(), "mcrt-fix-"));
afterAll(() => rmSync(dir, { recursive: true }));

let box: TunedMachine;
let turns = 0;
let questions = 0;
beforeEach(() => {
  turns += 1;
  questions = 0;
  box = new TunedMachine(join(dir, String(turns)));
});

type Asked = {
  fix?: string;
  undo?: boolean;
  dry?: boolean;
  yes?: boolean;
  links?: string[];
  json?: boolean;
  answer?: boolean;
};

async function doctor({ fix, undo, dry, yes, links = [], json = false, answer }: Asked) {
  const said: string[] = [];
  const complained: string[] = [];
  const flags: Record<string, boolean> = { undo: undo === true, "dry-run": dry === true, yes: yes === true };
  const given: Given = {
    text: (name) => (name === "fix" ? fix : undefined),
    texts: () => links,
    flag: (name) => flags[name] === true,
    positionals: [],
  };
  const rule = { input_interface: "eth0", outputs: [{ interface: "eth0" }] };
  const world = {
    say: (text: string) => said.push(text),
    complain: (text: string) => complained.push(text),
    ask: async () => done({ reply: { Rules: [rule] }, raw: undefined }),
    json,
  } as unknown as World;
  const script = (args: readonly string[]) => {
    const { exitCode, stdout, stderr } = box.tune(...args);
    return { code: exitCode, said: stdout, complained: stderr };
  };
  const agrees = () => {
    questions += 1;
    return answer === true;
  };
  const code = await tune(given, world, { script, agrees: answer === undefined ? undefined : agrees });
  return { code, said: said.join("\n"), complained: complained.join("\n") };
}

test("it shows what would change for the links of the rules, asks, and changes nothing without a yes", async () => {
  const before = box.state();
  const { code, said } = await doctor({ fix: "1g", answer: false });
  expect(said).toContain("eth0: rx ring 256 -> 4096");
  expect([code, questions, said.endsWith("nothing was changed"), box.orders()]).toEqual([0, 1, true, []]);
  expect(box.state()).toEqual(before);
});

test("with a yes it changes that, says each step as it is done, and takes it back", async () => {
  const before = box.state();
  const { code, said } = await doctor({ fix: "1g", answer: true });
  expect([code, said.match(/rx ring/g)?.length]).toEqual([0, 2]);
  expect(said).toContain("puts it back");
  expect(box.orders()).toEqual(["-G eth0 rx 4096", "-K eth0 rx-udp-gro-forwarding off"]);
  expect(box.state()).not.toEqual(before);
  expect((await doctor({ undo: true })).code).toBe(0);
  expect(box.state()).toEqual(before);
});

test("--dry-run and nothing to ask at change nothing, --yes asks nobody", async () => {
  expect((await doctor({ fix: "1g", dry: true, answer: true })).code).toBe(0);
  expect(await doctor({ fix: "1g" })).toMatchObject({ code: 64, complained: expect.stringContaining("--yes") });
  expect([questions, box.orders()]).toEqual([0, []]);
  expect((await doctor({ fix: "1g", yes: true })).code).toBe(0);
  expect(box.orders()).toHaveLength(2);
});

test("links that are named count instead of those of the rules", async () => {
  const { code, complained } = await doctor({ fix: "1g", links: ["eth7"], yes: true });
  expect([code, complained]).toEqual([64, "tune: link eth7 does not exist"]);
});

test.each([
  ["an unknown profile", { fix: "2g", yes: true }],
  ["both at once", { fix: "1g", undo: true }],
  ["JSON, which cannot be asked", { fix: "1g", json: true }],
])("%s is wrong usage", async (_, asked) => {
  expect(await doctor(asked)).toMatchObject({ code: 64, complained: expect.stringMatching(/usage|takes one of/) });
  expect(box.orders()).toEqual([]);
});

test("the script that is embedded is the one of appliance/tuning", () => {
  expect(runTune(["nonsense"])).toEqual({
    code: 64,
    said: "",
    complained: "usage: tune [--apply] 1g|10g|flows LINK...  or  tune --undo\n",
  });
});
