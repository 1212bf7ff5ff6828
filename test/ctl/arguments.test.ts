import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parse } from "../../src/ctl/arguments.ts";
import { verbs } from "../../src/ctl/verbs.ts";

function given(line: string) {
  const parsed = parse(line.split(" ").filter(Boolean), verbs);
  if (!parsed.ok || parsed.value.kind !== "verb") throw new Error(parsed.ok ? parsed.value.kind : parsed.error);
  return parsed.value;
}

function kindOf(line: string): string {
  const parsed = parse(line.split(" ").filter(Boolean), verbs);
  return parsed.ok ? parsed.value.kind : parsed.error;
}

describe("the command line", () => {
  test("takes the socket's path and --json before and after the verb", () => {
    for (const line of [
      "--socket-path /x --json list",
      "list --socket-path=/x --json",
      "--json list --socket-path /x",
    ]) {
      const { verb, given: options } = given(line);
      expect([verb.name, options.text("socket-path"), options.flag("json")]).toEqual(["list", "/x", true]);
    }
  });

  test("knows MCR's names of verbs", () => {
    expect([given("list-rules").verb.name, given("list-workers").verb.name]).toEqual(["list", "workers"]);
  });

  test("collects repeated outputs", () => {
    const { given: options } = given(
      "add --input-interface a --input-group g --input-port 1 --outputs x --outputs=y,z",
    );
    expect(options.texts("outputs")).toEqual(["x", "y,z"]);
  });

  test("asks for help in every way people try", () => {
    expect(["", "--help", "-h", "add --help", "add -h", "--help add", "-h add --name x"].map(kindOf)).toEqual([
      "overview",
      "overview",
      "overview",
      "help",
      "help",
      "help",
      "help",
    ]);
    expect([kindOf("--version"), kindOf("-V")]).toEqual(["version", "version"]);
  });

  test("knows gen's and sink's options, of which --json is their own", () => {
    const parsed = parse(["gen", "--group", "239.1.1.1", "--port", "5", "--json"], verbs);
    expect(
      parsed.ok && parsed.value.kind === "verb" ? [parsed.value.verb.name, parsed.value.given.flag("json")] : [],
    ).toEqual(["gen", true]);
    expect(parse(["sink", "--socket-path", "/x"], verbs)).toMatchObject({ ok: false });
  });

  for (const [line, says] of [
    ["lst", "unknown command 'lst'. Did you mean 'list'?"],
    ["list --jsn", "unknown option '--jsn' for 'list'. Did you mean '--json'?"],
    ["list -x", "unknown option '-x' for 'list'."],
    ["list extra", "unexpected argument 'extra' for 'list'."],
    ["remove a b", "unexpected argument 'b' for 'remove'."],
    ["add", "'add' needs --input-interface, --input-group, --input-port."],
    ["remove --name", "--name needs a value"],
    ["remove --name -x", "--name needs a value; one that begins with '-' goes after '='"],
    ["list --json=yes", "--json takes no value"],
    ["remove --name a --name b", "--name is given twice."],
    [
      "supervise --socket-path /x",
      "unknown option '--socket-path' for 'supervise'. Did you mean '--control-socket-path'?",
    ],
    ["gen", "'gen' needs --group, --port."],
    ["--socket-path", "a command is missing"],
  ] as const) {
    test(`'${line}' is refused: ${says}`, () => expect(kindOf(line)).toContain(says));
  }

  test("a value that begins with '-' is possible after '='", () => {
    expect(given("remove --name=-x").given.text("name")).toBe("-x");
  });

  test("an option that no table has is a broken program", () => {
    expect(() => given("list").given.text("nmae")).toThrow("stands in the table");
  });

  test("any arguments at all are understood or refused in one printable line", () => {
    const word = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom(
        "list",
        "add",
        "remove",
        "--json",
        "--socket-path",
        "--name",
        "-h",
        "--",
        "supervise",
        "--outputs",
      ),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 6 }), (args) => {
        const parsed = parse(args, verbs);
        return parsed.ok || !/\p{Cc}/u.test(parsed.error);
      }),
    );
  });
});
