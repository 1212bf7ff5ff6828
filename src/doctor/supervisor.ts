// What the running supervisor says of itself: whether it answers, and what waits.
import type { OutputStatus, RuleStatus, Status } from "../control/status.ts";
import type { Supervisor } from "./place.ts";
import { counted, fine, unseen, type Verdict } from "./verdict.ts";

/** Pending rules and outputs that are told one by one; what is above is counted. */
const pendingShown = 5;

/** The supervisor itself, its workers, its rules. */
export function judgeSupervisor(supervisor: Supervisor): Verdict[] {
  const id = "supervisor";
  switch (supervisor.kind) {
    case "answers":
      return [
        fine(id, `supervisor ${supervisor.status.program_version} answers (pid ${supervisor.status.supervisor.pid})`),
        ...judgeWorkers(supervisor.status),
        ...judgeRules(supervisor.status),
        ...judgeLosses(supervisor.status),
      ];
    case "absent":
      return [
        {
          id,
          severity: "note",
          what: `${supervisor.text.charAt(0).toUpperCase()}${supervisor.text.slice(1)}`,
          why: "The rest is about one that would be started from here.",
        },
      ];
    case "silent":
      return [
        {
          id,
          severity: "error",
          what: `The supervisor does not answer: ${supervisor.text}`,
          why: "Nobody watches over the workers, and no command is heard.",
          advice: "Read the end of its log, then restart it.",
        },
      ];
    default:
      return [unseen(id, supervisor.text)];
  }
}

function judgeWorkers({ workers }: Status): Verdict[] {
  const bad = workers.filter(({ state }) => state !== "running");
  if (bad.length === 0) {
    return [fine("workers", `${workers.length} of ${workers.length} workers run`)];
  }
  return bad.map(({ core, state, reason, restarts }) => ({
    id: "workers",
    severity: state === "failed" ? "error" : "warning",
    what: `The worker on core ${core} is ${state}${reason === undefined ? "" : `: ${reason}`}${restarts > 0 ? ` (restarted ${restarts} times)` : ""}.`,
    why: "Flows that fall to it are not relayed meanwhile.",
    commands: [{ run: ["mcr-appliance", "workers"] as const }],
  }));
}

function judgeRules({ rules }: Status): Verdict[] {
  const waiting = rules.flatMap((rule) =>
    rule.state === "pending" && rule.reason !== undefined
      ? [pendingRule(rule, rule.reason)]
      : rule.outputs.flatMap((output) =>
          output.pending === undefined ? [] : [pendingOutput(rule, output, output.pending)],
        ),
  );
  if (waiting.length === 0) {
    return [fine("rules", rules.length === 0 ? "no rules yet" : `${rules.length} rules run`)];
  }
  const rest = waiting.length - pendingShown;
  return [
    ...waiting.slice(0, pendingShown),
    ...(rest > 0
      ? [
          {
            id: "rules",
            severity: "warning",
            what: `${rest} more rules or outputs are pending.`,
            commands: [{ run: ["mcr-appliance", "list"] as const }],
          } as const,
        ]
      : []),
  ];
}

const nameOf = ({ name, rule_id }: RuleStatus) => name ?? rule_id;

function pendingRule(rule: RuleStatus, reason: string): Verdict {
  return {
    id: "rules",
    severity: "warning",
    what: `Rule ${nameOf(rule)} is pending: ${reason}.`,
    why: "It relays nothing until then, and begins by itself.",
    ...linkCure(rule.input_interface, reason),
  };
}

function pendingOutput(rule: RuleStatus, output: OutputStatus, reason: string): Verdict {
  return {
    id: "rules",
    severity: "warning",
    what: `Output ${output.interface} ${output.group}:${output.port} of rule ${nameOf(rule)} is pending: ${reason}.`,
    why: "Its datagrams are dropped and counted until then.",
    ...linkCure(output.interface, reason),
  };
}

/** Pending words are those of the supervisor: "NAME is down", "input link NAME does not exist", "no route to …". */
function linkCure(link: string, reason: string): Pick<Verdict, "commands" | "advice"> {
  if (reason.endsWith("is down")) {
    return {
      commands: [{ run: ["ip", "link", "set", link, "up"] }],
      advice: "If it is up: its cable, or its far end.",
    };
  }
  return reason.includes("does not exist")
    ? { commands: [{ run: ["ip", "-br", "link"] }], advice: `Look for the right name of ${link}, or make that link.` }
    : { commands: [{ run: ["ip", "route", "show", "dev", link] }] };
}

function judgeLosses({ frames, links }: Status): Verdict[] {
  if (frames.kernel_drops === 0) {
    return [fine("losses", "no capture ring was full")];
  }
  const where = links
    .filter((link) => link.kernel_drops > 0)
    .map((link) => `${link.name}: ${counted(link.kernel_drops)}`);
  return [
    {
      id: "losses",
      severity: "warning",
      what: `${counted(frames.kernel_drops)} frames were lost because a capture ring was full${where.length === 0 ? "" : ` (${where.join(", ")})`}.`,
      why: "Workers were too slow or too few for a while, since the relay started.",
      commands: [{ run: ["mcr-appliance", "stats"] }],
      advice: "Give it more cores (--workers, --cores), and spread the link over cores that workers do not use.",
    },
  ];
}
