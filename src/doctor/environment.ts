// Variables that steer the runtime inside the executable, or the loader in front of it (DESIGN.md 6).
import { fine, unseen, type Verdict } from "./verdict.ts";

const id = "environment";

const dangers: Readonly<Record<string, string>> = {
  BUN_BE_BUN: "turns the executable into a JavaScript interpreter",
  BUN_OPTIONS: "can make it run another file first (--preload)",
  NODE_OPTIONS: "is read by the runtime",
  BUN_JSC_functionOverrides: "gives its functions other bodies",
  BUN_INSPECT: "opens a debugger",
  BUN_INSPECT_PRELOAD: "makes it run another file first",
  BUN_CONFIG_FILE: "makes the runtime read a configuration of its own",
  LD_PRELOAD: "loads a foreign library into it",
  LD_AUDIT: "loads a foreign library into it",
};

/** Prefixes whose every variable changes how the JavaScript engine works. */
const prefixes = ["BUN_JSC_", "JSC_"] as const;

/** `names`: variables that are set; undefined: they could not be read. */
export function judgeEnvironment(facts: {
  subject: "supervisor" | "self";
  names: readonly string[] | undefined;
}): Verdict[] {
  const { subject, names } = facts;
  if (names === undefined) {
    return [unseen(id, "The environment of the running supervisor could not be read: it belongs to another user.")];
  }
  const found = names.flatMap((name) => {
    const danger =
      dangers[name] ?? (prefixes.some((prefix) => name.startsWith(prefix)) ? "changes the engine" : undefined);
    return danger === undefined ? [] : [{ name, danger }];
  });
  if (found.length === 0) {
    return [fine(id, "no variable steers the runtime")];
  }
  const where = subject === "supervisor" ? "the running supervisor's environment" : "the environment";
  return [
    {
      id,
      severity: "warning",
      what: `In ${where}: ${found.map(({ name, danger }) => `${name} ${danger}`).join("; ")}.`,
      why: "Who sets it runs code with the relay's rights.",
      commands: [{ shell: `unset ${found.map(({ name }) => name).join(" ")}` }],
      ...(subject === "supervisor"
        ? { advice: "Take it out of the service (Environment=, EnvironmentFile=), and restart it." }
        : {}),
    },
  ];
}
