// A command line as clap reads it (INTEROP.md 1): options by their long name, `--opt value` and `--opt=value`, sub-commands, and
// its manners: help and version on standard output, a wrong line on standard error. Pure: text in, what was meant out.
import { suggestion } from "../base/nearest.ts";
import { done, failed, type Outcome } from "../base/outcome.ts";
import { printable } from "../base/printable.ts";

/** One option. Without `value` it is a switch. `check` says what is wrong with a value. */
export type Option = {
  value?: string;
  about: string;
  short?: string;
  required?: true;
  multiple?: true;
  default?: string;
  /** Another long name that means the same. */
  alias?: string;
  conflicts?: string;
  check?: (value: string) => string | undefined;
};

/** Options by their long name. */
export type Options = Readonly<Record<string, Option>>;

/** One sub-command; its name has one word or two, as in `log-level get`. */
export type SubCommand = { name: string; alias?: string; about: string; options: Options };

/** A program: options before the sub-command, those that may stand anywhere, and the sub-commands, if it has any. */
export type Program<C extends SubCommand> = {
  name: string;
  version: string;
  about: string;
  options: Options;
  anywhere: Options;
  commands: readonly C[];
};

/** Values by the option's name; switches are there with an empty value. */
export type Matched = ReadonlyMap<string, readonly string[]>;

/** What the line says. `text` of help and version is for standard output; the error of `read` is for standard error, exit 2. */
export type Line<C> = { kind: "run"; command: C | undefined; given: Matched } | { kind: "told"; text: string };

/** Reads `args` (without the program's name). */
export function read<C extends SubCommand>(program: Program<C>, args: readonly string[]): Outcome<Line<C>> {
  const reader = new Reader(program, args);
  const line = reader.run();
  return line.ok ? line : failed(`error: ${line.error}\n\n${reader.usage()}\n\nFor more information, try '--help'.`);
}

/** Reads one line and is thrown away. */
class Reader<C extends SubCommand> {
  private readonly program: Program<C>;
  private readonly args: readonly string[];
  private readonly given = new Map<string, string[]>();
  private at = 0;
  private words: string[] = [];
  private command: C | undefined;

  constructor(program: Program<C>, args: readonly string[]) {
    this.program = program;
    this.args = args;
  }

  run(): Outcome<Line<C>> {
    while (this.at < this.args.length) {
      const arg = this.args[this.at] ?? "";
      this.at++;
      if (arg === "--help" || arg === "-h") {
        return done({ kind: "told", text: this.help() });
      }
      if ((arg === "--version" || arg === "-V") && this.words.length === 0) {
        return done({ kind: "told", text: `${this.program.name} ${this.program.version}` });
      }
      const problem = arg.startsWith("-") && arg !== "-" ? this.takeOption(arg) : this.takeWord(arg);
      if (problem !== undefined) {
        return failed(problem);
      }
    }
    const problem = this.missing();
    return problem === undefined ? done({ kind: "run", command: this.command, given: this.given }) : failed(problem);
  }

  /** The options that may stand where the line has come to. */
  private options(): Options {
    const own = this.words.length === 0 ? this.program.options : (this.command?.options ?? {});
    return { ...own, ...this.program.anywhere };
  }

  private takeOption(arg: string): string | undefined {
    const [flag = "", ...rest] = arg.split("=");
    const known = Object.entries(this.options());
    const found = known.find(
      ([name, { alias, short }]) => [`--${name}`, `--${alias}`, `-${short}`].includes(flag) && flag !== "-",
    );
    if (found === undefined) {
      const names = known.map(([name]) => name);
      const near = suggestion(flag.replace(/^-+/, ""), names).replace("'", "'--");
      return `unexpected argument '${printable(flag)}' found${near === "" ? "" : `.${near}`}`;
    }
    const [name, option] = found;
    if (this.given.has(name) && option.multiple !== true) {
      return `the argument '${shown(name, option)}' cannot be used multiple times`;
    }
    if (option.value === undefined) {
      this.given.set(name, [""]);
      return rest.length === 0 ? undefined : `unexpected value '${printable(rest.join("="))}' for '--${name}' found`;
    }
    const next = this.args[this.at];
    const value = rest.length > 0 ? rest.join("=") : next?.startsWith("-") === true ? undefined : next;
    this.at += rest.length > 0 ? 0 : 1;
    if (value === undefined) {
      return `a value is required for '${shown(name, option)}' but none was supplied`;
    }
    const problem = option.check?.(value);
    this.given.set(name, [...(this.given.get(name) ?? []), value]);
    return problem === undefined
      ? undefined
      : `invalid value '${printable(value)}' for '${shown(name, option)}': ${problem}`;
  }

  private takeWord(word: string): string | undefined {
    const { commands } = this.program;
    const said = [...this.words, word].join(" ");
    if (this.command === undefined && commands.some((each) => each.name === said || each.name.startsWith(`${said} `))) {
      this.words.push(word);
      this.command = commands.find((each) => each.name === said);
      return undefined;
    }
    const aliased = commands.find((each) => each.alias === said);
    if (this.command === undefined && aliased !== undefined) {
      this.words.push(word);
      this.command = aliased;
      return undefined;
    }
    if (this.command !== undefined || commands.length === 0) {
      return `unexpected argument '${printable(word)}' found`;
    }
    const here = this.words.length;
    const names = commands.flatMap(({ name }) => name.split(" ").slice(here, here + 1));
    const near = suggestion(word, [...new Set(names)]);
    return `unrecognized subcommand '${printable(word)}'${near === "" ? "" : `.${near}`}`;
  }

  private missing(): string | undefined {
    if (this.program.commands.length > 0 && this.command === undefined) {
      return `'${[this.program.name, ...this.words].join(" ")}' requires a subcommand but one was not provided`;
    }
    const options = Object.entries({ ...this.program.options, ...this.command?.options });
    const clash = options.find(([name, { conflicts }]) => this.given.has(name) && this.given.has(conflicts ?? ""));
    if (clash !== undefined) {
      return `the argument '${shown(...clash)}' cannot be used with '--${clash[1].conflicts}'`;
    }
    const missing = options.filter(([name, { required }]) => required === true && !this.given.has(name));
    return missing.length === 0
      ? undefined
      : `the following required arguments were not provided:\n${missing.map((each) => `  ${shown(...each)}`).join("\n")}`;
  }

  /** `Usage: mcrctl add --input-interface <S> [OPTIONS]` */
  usage(): string {
    const options = Object.entries(this.options());
    const required = options.filter(([, option]) => option.required === true).map((each) => shown(...each));
    const isOpen = this.program.commands.length > 0 && this.command === undefined;
    const words = [this.program.name, ...this.words, ...required];
    return `Usage: ${[...words, "[OPTIONS]", ...(isOpen ? ["<COMMAND>"] : [])].join(" ")}`;
  }

  private help(): string {
    const said = this.words.join(" ");
    const here = this.program.commands.filter(
      ({ name }) => this.command === undefined && (said === "" || name.startsWith(`${said} `)),
    );
    const commands = columns(here.map(({ name, about }) => [name, about]));
    const options = columns([
      ...Object.entries(this.options()).map(([name, option]): [string, string] => [
        `${option.short === undefined ? "" : `-${option.short}, `}${shown(name, option)}`,
        `${option.about}${option.default === undefined ? "" : ` [default: ${option.default}]`}`,
      ]),
      ["-h, --help", "Print help"],
      ...(said === "" ? [["-V, --version", "Print version"] as [string, string]] : []),
    ]);
    const about = this.command?.about ?? this.program.about;
    return [about, this.usage(), ...(commands === "" ? [] : [`Commands:\n${commands}`]), `Options:\n${options}`].join(
      "\n\n",
    );
  }
}

function shown(name: string, { value }: Option): string {
  return value === undefined ? `--${name}` : `--${name} <${value}>`;
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(0, ...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n");
}
