// Links that the operator asked about by name.
import { suggestion } from "../base/nearest.ts";
import { fine, type Verdict } from "./verdict.ts";

/** `state` as the supervisor's words have it. */
export type NamedLink = { name: string; state: "missing" | "down" | "up"; known: readonly string[] };

/** Whether it is there, and up. */
export function judgeNamedLink({ name, state, known }: NamedLink): Verdict[] {
  const id = "link";
  if (state === "up") {
    return [fine(id, `${name} is up`, name)];
  }
  if (state === "down") {
    return [
      {
        id,
        severity: "warning",
        link: name,
        what: `${name} is down.`,
        why: "Rules that take from it or send to it are pending.",
        commands: [{ run: ["ip", "link", "set", name, "up"] }],
        advice: "If it is up: its cable, or its far end.",
      },
    ];
  }
  return [
    {
      id,
      severity: "error",
      link: name,
      what: `There is no link ${name} in this network namespace.${suggestion(name, known)}`,
      why: "Rules that name it are pending until it comes.",
      commands: [{ run: ["ip", "-br", "link"] }],
    },
  ];
}
