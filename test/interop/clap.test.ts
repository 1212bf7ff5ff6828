// Command lines read as clap reads them.
import { expect, test } from "bun:test";
import { type Program, read, type SubCommand } from "../../src/interop/clap.ts";
import { u16 } from "../../src/interop/values.ts";

const program: Program<SubCommand> = {
  name: "tool",
  version: "1.2.3",
  about: "A tool",
  options: { path: { value: "PATH", about: "Where", alias: "place" } },
  anywhere: { loud: { about: "Everywhere" } },
  commands: [
    {
      name: "add",
      alias: "put",
      about: "Adds",
      options: {
        port: { value: "PORT", about: "A port", required: true, check: u16 },
        to: { value: "TO", about: "Some", multiple: true },
        one: { about: "One", conflicts: "two" },
        two: { about: "Two" },
      },
    },
    { name: "level get", about: "Gets", options: {} },
    { name: "level set", about: "Sets", options: {} },
  ],
};

function run(line: string) {
  const outcome = read(program, line.split(" ").filter(Boolean));
  if (!outcome.ok || outcome.value.kind !== "run") throw new Error(`${line} does not run: ${JSON.stringify(outcome)}`);
  return { command: outcome.value.command?.name, given: Object.fromEntries(outcome.value.given) };
}

test("values follow as words or behind '=', options repeat where they may, aliases are the same", () => {
  expect(run("--path a add --port 1 --to x --to=y=z")).toEqual({
    command: "add",
    given: { path: ["a"], port: ["1"], to: ["x", "y=z"] },
  });
  expect(run("--place=a put --port=2")).toEqual({ command: "add", given: { path: ["a"], port: ["2"] } });
});

test("an option for anywhere stands before and behind a sub-command, which may have two words", () => {
  expect(run("--loud level get")).toEqual({ command: "level get", given: { loud: [""] } });
  expect(run("level set --loud")).toEqual({ command: "level set", given: { loud: [""] } });
});

test.each([
  ["", "'tool' requires a subcommand but one was not provided"],
  ["level", "'tool level' requires a subcommand but one was not provided"],
  ["nonsense", "unrecognized subcommand 'nonsense'"],
  ["level put", "unrecognized subcommand 'put'"],
  ["add", "the following required arguments were not provided:\n  --port <PORT>"],
  ["add --port", "a value is required for '--port <PORT>' but none was supplied"],
  ["add --port --to x", "a value is required for '--port <PORT>' but none was supplied"],
  ["add --port x", "invalid value 'x' for '--port <PORT>': invalid digit found in string"],
  ["add --port 65536", "invalid value '65536' for '--port <PORT>': 65536 is not in 0..=65535"],
  ["add --port 1 --port 2", "the argument '--port <PORT>' cannot be used multiple times"],
  ["add --port 1 --one --two", "the argument '--one' cannot be used with '--two'"],
  ["add --port 1 --two --one", "the argument '--one' cannot be used with '--two'"],
  ["add --port 1 --one=x", "unexpected value 'x' for '--one' found"],
  ["add --port 1 more", "unexpected argument 'more' found"],
  ["add --port 1 --path x", "unexpected argument '--path' found"],
  ["--prt 1", "unexpected argument '--prt' found"],
])("'%s' is refused in clap's words", (line, said) => {
  const outcome = read(program, line.split(" ").filter(Boolean));
  const error = outcome.ok ? "" : outcome.error;
  expect(error).toStartWith(`error: ${said}`);
  expect(error).toMatch(/\n\nUsage: tool.*\n\nFor more information, try '--help'\.$/);
});

test("help lists what can follow; the version is the program's", () => {
  expect(read(program, ["--version"])).toMatchObject({ value: { kind: "told", text: "tool 1.2.3" } });
  expect(read(program, ["-V"])).toMatchObject({ value: { text: "tool 1.2.3" } });
  const help = (line: string) => {
    const outcome = read(program, line.split(" "));
    return outcome.ok && outcome.value.kind === "told" ? outcome.value.text : "";
  };
  expect(help("--help")).toMatch(
    /Usage: tool \[OPTIONS\] <COMMAND>[\s\S]*level get[\s\S]*--path <PATH>[\s\S]*--version/,
  );
  expect(help("level -h")).toMatch(/Usage: tool level \[OPTIONS\] <COMMAND>[\s\S]*level set/);
  expect(help("add --help")).toMatch(/Adds\n\nUsage: tool add --port <PORT> \[OPTIONS\]/);
});
