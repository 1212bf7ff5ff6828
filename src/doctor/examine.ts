// One examination: finds out what it is about, makes every check, and puts the gravest first.
import type { Outcome } from "../base/outcome.ts";
import type { Answer, ClientFailure } from "../control/client.ts";
import type { Command } from "../control/words.ts";
import { limits } from "../limits.ts";
import { checkLinks } from "./link-checks.ts";
import { loadNative } from "./load-native.ts";
import { Machine } from "./machine.ts";
import { checkMachine } from "./machine-checks.ts";
import type { Place, Subject, Supervisor } from "./place.ts";
import { checkRouting } from "./routing-check.ts";
import { judgeSupervisor } from "./supervisor.ts";
import { severities, type Verdict } from "./verdict.ts";

/** What to examine: links by name beside those of the running rules, and who may answer at the control socket. */
export type Wish = {
  links: readonly string[];
  socketPath: string;
  ask(command: Command): Promise<Outcome<Answer, ClientFailure>>;
};

/** Looks at everything, changes nothing. Gravest first; checks of one severity in the order they were made. */
export async function examine(wish: Wish): Promise<Verdict[]> {
  const place = await placeOf(wish);
  const verdicts = [
    ...judgeSupervisor(place.supervisor),
    ...checkMachine(place),
    ...checkRouting(place),
    ...checkLinks(place),
  ];
  return sorted(verdicts);
}

/** Gravest first, otherwise as they came. */
export function sorted(verdicts: readonly Verdict[]): Verdict[] {
  return verdicts.toSorted((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity));
}

async function placeOf({ links, socketPath, ask }: Wish): Promise<Place> {
  const machine = new Machine();
  const supervisor = await supervisorAt(ask);
  const rules = supervisor.kind === "answers" ? supervisor.status.rules : [];
  return {
    machine,
    native: await loadNative(),
    supervisor,
    subject: subjectOf(machine, supervisor),
    named: links,
    inputs: [...new Set(rules.map((rule) => rule.input_interface))],
    outputs: [...new Set(rules.flatMap((rule) => rule.outputs.map((output) => output.interface)))],
    socketPath,
    executable: process.execPath,
    environment: process.env,
  };
}

async function supervisorAt(ask: Wish["ask"]): Promise<Supervisor> {
  const patience = Promise.withResolvers<"silent">();
  const timer = setTimeout(() => patience.resolve("silent"), limits.doctorAnswerWaitMs);
  const answer = await Promise.race([ask("GetStatus"), patience.promise]);
  clearTimeout(timer);
  if (answer === "silent") {
    return { kind: "silent", text: `nothing came within ${limits.doctorAnswerWaitMs / 1_000} s.` };
  }
  if (!answer.ok) {
    const { kind, text } = answer.error;
    return { kind: kind === "absent" || kind === "denied" ? kind : kind === "timeout" ? "silent" : "foreign", text };
  }
  const { reply } = answer.value;
  return "Status" in reply
    ? { kind: "answers", status: reply.Status }
    : {
        kind: "foreign",
        text: "What answers at the control socket does not know GetStatus: it is not this program's supervisor.",
      };
}

/** The running supervisor, when it can be seen from here: in a container its number may be another process's. */
function subjectOf(machine: Machine, supervisor: Supervisor): Subject {
  if (supervisor.kind === "answers") {
    const { pid } = supervisor.status.supervisor;
    const folder = `/proc/${pid}`;
    if (machine.text(`${folder}/cmdline`)?.includes("supervis") === true) {
      return { kind: "supervisor", pid, folder };
    }
  }
  return { kind: "self", pid: process.pid, folder: "/proc/self" };
}
