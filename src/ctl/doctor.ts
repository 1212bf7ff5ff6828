// doctor: what is wrong with this machine for a relay, and the command that mends it.

import { printable } from "../base/printable.ts";
import { programVersion } from "../base/version.ts";
import { commandLine, exitCodeOf, type Verdict } from "../doctor/verdict.ts";
import { limits } from "../limits.ts";
import { usage } from "./answer.ts";
import { renderFindings } from "./doctor-page.ts";
import type { Given, Verb, World } from "./verb.ts";

export const doctor: Verb = {
  name: "doctor",
  chapter: "Watch",
  summary: "check this machine, and say the command that mends what is wrong",
  details: [
    "Looks at kernel, io_uring, rights, limits, buffers, clock, the file itself, and for each link at offloads, queues, interrupts, " +
      "bridges and the kernel's own multicast routing: the links of the running rules, and those named with --interface. Changes " +
      "nothing, needs no right, and says what it could not look at.",
    "An error keeps the relay from running, loses datagrams or opens it to others; a warning costs; a note is worth knowing. " +
      "Exit code: 0 fine, 1 warnings, 2 errors.",
    "--fix PROFILE tunes this machine for those links: '1g' for a router with gigabit links, '10g', or 'flows' for many small ones. It shows " +
      "what that changes, asks, changes it, and remembers what was before; --undo puts that back, and so does a boot.",
  ],
  usesSocket: true,
  options: {
    interface: { value: "INTERFACE", summary: "look at this link too; may be repeated", multiple: true },
    all: { summary: "show everything that is fine, line by line" },
    fix: { value: "PROFILE", summary: "tune this machine by a profile: 1g, 10g or flows" },
    "dry-run": { summary: "with --fix: show what would change, and change nothing" },
    yes: { summary: "with --fix: do not ask" },
    undo: { summary: "put back what --fix has changed" },
  },
  examples: [
    { line: "mcr-appliance doctor", does: "before the first start, and whenever something is odd" },
    { line: "mcr-appliance doctor --interface eth0 --interface eth1", does: "links that no rule uses yet" },
    {
      line: "mcr-appliance doctor --fix 10g --dry-run",
      does: "what a profile would change for the links of the rules",
    },
    { line: "mcr-appliance doctor --json", does: "for programs" },
  ],
  run,
};

async function run(given: Given, world: World): Promise<number> {
  const links = [...new Set(given.texts("interface"))];
  const wrong = links.find((link) => link === "" || link.includes("/") || link.length > limits.linkNameSizeMax);
  if (wrong !== undefined) {
    return usage(world, `'${printable(wrong)}' is no name of a network interface. See 'mcr-appliance help doctor'.`);
  }
  if (given.text("fix") !== undefined || given.flag("undo")) {
    return (await import("./tune.ts")).tune(given, world);
  }
  return (await showDoctor(world, { links, isAll: given.flag("all") })).code;
}

/** Makes the examination and says what came out. `isRunning`: a supervisor answers. */
export async function showDoctor(
  world: World,
  { links, isAll }: { links: readonly string[]; isAll: boolean },
): Promise<{ code: number; isRunning: boolean }> {
  // On demand: other verbs need none of it, nor the native library.
  const { examine } = await import("../doctor/examine.ts");
  const verdicts = await examine({ links, socketPath: world.socketPath, ask: world.ask });
  const { isTTY, columns } = process.stdout;
  const isStyled = isTTY === true && process.env["NO_COLOR"] === undefined && process.env["TERM"] !== "dumb";
  world.say(
    world.json
      ? JSON.stringify(reportOf(verdicts), null, 2)
      : renderFindings(verdicts, { columns: isTTY ? columns : undefined, isStyled, isAll }),
  );
  const isRunning = verdicts.some(({ id, severity }) => id === "supervisor" && severity === "fine");
  return { code: exitCodeOf(verdicts), isRunning };
}

/** The report for programs, gravest first: `commands` as a shell takes them. */
export function reportOf(verdicts: readonly Verdict[]) {
  const count = (severity: string) => verdicts.filter((verdict) => verdict.severity === severity).length;
  return {
    program_version: programVersion,
    errors: count("error"),
    warnings: count("warning"),
    findings: verdicts.map(({ commands, ...rest }) => ({ ...rest, commands: (commands ?? []).map(commandLine) })),
  };
}
