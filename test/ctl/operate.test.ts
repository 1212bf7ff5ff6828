// Every verb against a real control server on a socket of its own, with the handler as the only thing that is played.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { failed } from "../../src/base/outcome.ts";
import { shellWords } from "../../src/base/shell-words.ts";
import { programVersion } from "../../src/base/version.ts";
import { type ControlServer, openControlServer } from "../../src/control/server.ts";
import type { Command, ListedRule, Reply } from "../../src/control/words.ts";
import { operate } from "../../src/ctl/operate.ts";
import { verbs } from "../../src/ctl/verbs.ts";

let dir: string;
let path: string;
let server: ControlServer;
let commands: Command[];
let reply: Reply;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "mcr-ctl-"));
  path = join(dir, "control.sock");
  commands = [];
  reply = { Success: "done" };
  const opened = await openControlServer({
    path,
    handle: async (command) => {
      commands.push(command);
      return reply;
    },
  });
  if (!opened.ok) throw new Error(opened.error.text);
  server = opened.value;
});

afterEach(async () => {
  await server.close();
  rmSync(dir, { recursive: true });
});

/** Runs a line as an operator would, with MCR_SOCKET set; returns the code and both outputs. */
async function run(line: string | string[], environment: Record<string, string> = { MCR_SOCKET: path }) {
  const said: string[] = [];
  const complained: string[] = [];
  const code = await operate(typeof line === "string" ? line.split(" ") : line, {
    say: (text) => said.push(text),
    complain: (text) => complained.push(text),
    environment,
    roles: {
      supervise: async (given) => failed(`no supervisor with ${given.text("cores")} here`),
      gen: async (given) => Number(given.text("rate")),
      sink: async () => 0,
    },
  });
  return { code, out: said.join("\n"), err: complained.join("\n") };
}

const addLine = "add --input-interface eth0 --input-group 239.1.1.1 --input-port 5000 --outputs 239.2.2.2:5001:eth1";

describe("an operator", () => {
  test("adds a rule exactly as MCR's client does", async () => {
    reply = { Success: "Rule 18302982b59d5f86 added" };
    expect(await run(addLine)).toEqual({ code: 0, out: "Rule 18302982b59d5f86 added", err: "" });
    expect(JSON.stringify(commands)).toBe(
      '[{"AddRule":{"rule_id":"","input_interface":"eth0","input_group":"239.1.1.1","input_port":5000,"input_protocol":17,' +
        '"outputs":[{"group":"239.2.2.2","port":5001,"interface":"eth1"}]}}]',
    );
  });

  test("sees the pretty JSON of INTEROP.md 1.2 with --json", async () => {
    reply = { Success: "Rule 18302982b59d5f86 added" };
    expect((await run(`${addLine} --json`)).out).toBe('{\n  "Success": "Rule 18302982b59d5f86 added"\n}');
  });

  test("is told of a mistake before it travels, in the words of the supervisor", async () => {
    const { code, err } = await run(addLine.replace(":5001:", ":0:"));
    expect([code, err, commands.length]).toEqual([
      64,
      "mcr-appliance: output[0].port cannot be 0; valid port range is 1-65535",
      0,
    ]);
  });

  test("gives defaults for all outputs, a source and a name", async () => {
    await run([
      ...`${addLine},10.0.0.7:1:eth2?ttl=9 --ttl 4 --source-ip 10.0.0.9 --input-source 10.9.9.9`.split(" "),
      "--name",
      "feed a",
    ]);
    expect(commands[0]).toMatchObject({
      AddRule: { name: "feed a", input_source: "10.9.9.9", outputs: [{ ttl: 4, source_ip: "10.0.0.9" }, { ttl: 9 }] },
    });
  });

  test("describes, tags and rests a rule from its start", async () => {
    await run([...addLine.split(" "), ..."--tag hd --tag site:n --disabled --description".split(" "), "two words"]);
    expect(commands[0]).toMatchObject({
      AddRule: { enabled: false, description: "two words", tags: ["hd", "site:n"] },
    });
    expect((await run(`${addLine} --tag a,b`)).err).toContain("tags[0] must be 1 to 32 letters, digits and");
  });

  test("enables and disables one rule or all of a tag, and removes those of a tag", async () => {
    for (const line of ["enable x", "disable --tag lab", "remove --tag lab"]) await run(line);
    expect(commands).toEqual([
      { EnableRules: { rule: "x" } },
      { DisableRules: { tag: "lab" } },
      { RemoveRules: { tag: "lab" } },
    ]);
    for (const line of ["enable", "disable x --tag y", "remove x --tag y", "list --tag a,b", "stats --tag a --json"]) {
      expect((await run(line)).code).toBe(64);
    }
    expect((await run("enable --tag aé")).err).toContain("tag must be 1 to 32 letters");
  });

  test("sees only rules with all tags asked for, as a table and as JSON", async () => {
    const input = { input_interface: "eth0", input_group: "239.1.1.1", input_port: 5000, input_protocol: 17 };
    const rule = (rule_id: string, more: Partial<ListedRule>): ListedRule => ({
      ...{ rule_id, ...input, outputs: [], source: "Dynamic" },
      ...more,
    });
    reply = {
      Rules: [
        rule("r1", { tags: ["hd", "lab"], state: "disabled", enabled: false, description: "two words" }),
        rule("r2", { tags: ["hd"] }),
        rule("r3", {}),
      ],
    };
    expect((await run("list --tag hd --tag lab")).out.split("\n")).toEqual([
      "ID  NAME  INPUT                OUTPUT        TTL  TAGS     STATE",
      'r1  -     eth0 239.1.1.1:5000  (no outputs)       hd, lab  disabled; "two words"',
      "",
      "1 rule, 0 pending, 1 disabled",
    ]);
    expect(JSON.parse((await run("list --tag hd --json")).out).Rules).toHaveLength(2);
    expect((await run("list --tag none")).out).toBe("no rule has the tag none");
    expect((await run("list")).out).toContain("3 rules, 0 pending, 1 disabled");
  });

  test("removes by id or by name, and by exactly one of them", async () => {
    await run("remove x");
    await run("remove --rule-id y");
    await run("remove --name z");
    expect(commands).toEqual([
      { RemoveRule: { rule_id: "x" } },
      { RemoveRule: { rule_id: "y" } },
      { RemoveRuleByName: { name: "z" } },
    ]);
    for (const line of ["remove", "remove x --name z", "remove x --rule-id x"]) {
      expect((await run(line)).code).toBe(64);
    }
  });

  test("gets exit code 1 and the reason when the supervisor says no, with --json too", async () => {
    reply = { Error: "Rule \u001bx not found" };
    expect(await run("remove x")).toEqual({ code: 1, out: "", err: "mcr-appliance: Rule \\u001bx not found" });
    expect(await run("remove x --json")).toEqual({
      code: 1,
      out: '{\n  "Error": "Rule \\u001bx not found"\n}',
      err: "",
    });
  });

  test("asks with --json what MCR's client would ask", async () => {
    reply = { Stats: [] };
    expect((await run("stats --json")).out).toBe('{\n  "Stats": []\n}');
    reply = { Workers: [] };
    expect((await run("workers --json")).out).toBe('{\n  "Workers": []\n}');
    reply = { Rules: [] };
    expect((await run("list --json")).out).toBe('{\n  "Rules": []\n}');
    expect(commands).toEqual(["GetStats", "ListWorkers", "ListRules"]);
  });

  test("pings and sees both versions", async () => {
    reply = { Success: "pong: 2/2 worker streams ready" };
    expect((await run("ping")).out).toBe("pong: 2/2 worker streams ready");
    reply = { Version: { protocol_version: 1, program_version: "9.9.9" } };
    expect((await run("version")).out).toBe(`mcr-appliance ${programVersion}\nsupervisor: 9.9.9 (protocol 1)`);
    expect((await run("--version")).out).toBe(`mcr-appliance ${programVersion}`);
  });

  test("names the socket by option before MCR_SOCKET", async () => {
    const elsewhere = { MCR_SOCKET: "/nonexistent" };
    expect((await run("ping", elsewhere)).code).toBe(69);
    expect((await run(`--socket-path ${path} ping`, elsewhere)).code).toBe(0);
    expect((await run(`ping --socket-path=${path}`, elsewhere)).code).toBe(0);
    expect((await run("ping", elsewhere)).err).toContain("no control socket at /nonexistent");
  });

  test("gets exit code 76 for an answer to another question", async () => {
    expect(await run("list")).toMatchObject({
      code: 76,
      err: "mcr-appliance: the supervisor answered Success where Rules was asked for",
    });
  });

  test("sees usage errors of roles with the page to read", async () => {
    expect(await run("supervise --cores 9")).toEqual({
      code: 64,
      out: "",
      err: "mcr-appliance: no supervisor with 9 here. See 'mcr-appliance help supervise'.",
    });
    expect((await run("gen --group 239.1.1.1 --port 1 --rate 3")).code).toBe(3);
  });

  test("finds every verb in the overview, and on its page every option and an example that parses", async () => {
    const overview = (await run("help")).out;
    for (const verb of verbs) {
      if (verb.hidden === true) expect(overview).not.toContain(`  ${verb.name} `);
      else expect(overview).toContain(`  ${verb.name} `);
      const { out } = await run(`help ${verb.name}`);
      const short = (await run(`${verb.name} --help`)).out;
      expect(short).toContain(`'mcr-appliance help ${verb.name}'`);
      expect(short.length).toBeLessThan(out.length);
      for (const option of Object.keys(verb.options)) expect(short).toContain(`--${option}`);
      for (const option of Object.keys(verb.options)) expect(out).toContain(`--${option}`);
      for (const example of verb.examples) expect(out.replaceAll(" \\\n      ", " ")).toContain(example.line);
    }
    expect((await run("help ad")).err).toBe("mcr-appliance: unknown command 'ad'. Did you mean 'add'?");
  });

  test("finds pages and overview no wider than 100 columns, but for what must stand in one line", async () => {
    const lines = (await run("help")).out.split("\n");
    for (const { name, hidden } of verbs)
      if (hidden !== true) lines.push(...(await run(`help ${name}`)).out.split("\n"));
    // The usage is one line, so that it can be copied; so is what an example does.
    const wide = lines.filter((line) => line.length > 100 && !/^(usage: | {2}# )/.test(line));
    expect(wide).toEqual([]);
  });

  test("can run the examples of commands on rules as they stand", async () => {
    for (const verb of verbs.filter((each) => ["add", "remove", "enable", "disable"].includes(each.name))) {
      for (const { line } of verb.examples) {
        const words = shellWords(line);
        expect(await run(words.ok ? words.value.slice(1) : [])).toEqual({ code: 0, out: "done", err: "" });
      }
    }
  });
});
