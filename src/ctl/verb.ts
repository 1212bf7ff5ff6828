// What a verb is. The table of verbs (verbs.ts) drives parsing and help, completion and the manual: there is no other list.
import type { Outcome } from "../base/outcome.ts";
import type { Answer, ClientFailure } from "../control/client.ts";
import type { Command } from "../control/words.ts";

/** One `--option`. `value` names what follows it; without one it is a switch. */
export type OptionSpec = {
  value?: string;
  summary: string;
  /** May be repeated. */
  multiple?: true;
  required?: true;
  /** Shown in help; applied by the verb. */
  default?: string;
};

/** A command line that works, and what it does. */
export type Example = { line: string; does: string };

/** What the verb was given. Names that its table does not have are broken programs, not undefined. */
export type Given = {
  text(name: string): string | undefined;
  texts(name: string): string[];
  flag(name: string): boolean;
  positionals: readonly string[];
};

/** The world a verb acts on; tests bring their own. */
export type World = {
  /** One line or several to standard output. */
  say(text: string): void;
  /** To standard error. */
  complain(text: string): void;
  /** One command to the supervisor at the path that the operator named. */
  ask(command: Command, how?: { waitMs?: number; socketPath?: string }): Promise<Outcome<Answer, ClientFailure>>;
  socketPath: string;
  /** Whether programs read this. */
  json: boolean;
  roles: Roles;
};

/** The parts of the program that are not an operator's verbs, loaded on demand. Each returns its exit code. */
export type Roles = {
  supervise(given: Given): Promise<Outcome<number>>;
  gen(given: Given): Promise<number>;
  sink(given: Given): Promise<number>;
};

/** One of an operator's words, with all that help, completion and the manual say of it. */
export type Verb = {
  name: string;
  aliases?: readonly string[];
  /** Under which heading the overview lists it. */
  chapter: "Run" | "Rules" | "Watch" | "Test" | "Help";
  /** For programs: no overview, completion or manual names it. */
  hidden?: true;
  /** One line. */
  summary: string;
  /** Paragraphs for the long help. */
  details?: readonly string[];
  examples: readonly [Example, ...Example[]];
  options: Readonly<Record<string, OptionSpec>>;
  /** Names of positional arguments, all optional to the parser; one that ends with `...` may be repeated. */
  positionals?: readonly string[];
  /** Whether it talks to the supervisor, hence takes --socket-path and --json. */
  usesSocket: boolean;
  run(given: Given, world: World): Promise<number>;
};

/** Options of every verb that talks to the supervisor. */
export const socketOptions: Readonly<Record<string, OptionSpec>> = {
  "socket-path": {
    value: "PATH",
    summary: "control socket of the supervisor; also MCR_SOCKET",
    default: "/run/mcr/control.sock",
  },
  json: { summary: "print the reply as JSON, for programs" },
};
