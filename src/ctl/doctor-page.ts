// The doctor's findings for a person. The gravest stand last: next to the prompt, where a terminal of 24 lines still has them.
import { printable } from "../base/printable.ts";
import { commandLine, type Severity, type Verdict } from "../doctor/verdict.ts";

/** `columns` undefined: nobody's terminal. `isAll`: what is fine line by line. */
export type PageStyle = { columns: number | undefined; isStyled: boolean; isAll: boolean };

/** Wider lines are hard to read, narrower ones break words. */
const [widest, narrowest] = [100, 40];
const indent = "  ";
const commandIndent = `${indent}    `;

// SGR: red, yellow, cyan, none, green; bold for headings.
const colours: Readonly<Record<Severity, string>> = { error: "31", warning: "33", note: "36", unseen: "2", fine: "32" };

/** The whole page. */
export function renderFindings(verdicts: readonly Verdict[], style: PageStyle): string {
  const width = Math.max(narrowest, Math.min(style.columns ?? widest, widest));
  const of = (severity: Severity) => verdicts.filter((verdict) => verdict.severity === severity);
  const blocks = [...of("note"), ...of("warning"), ...of("error")].map((verdict) => block(verdict, width, style));
  const parts = [
    quiet("fine", of("fine"), width, style),
    quiet("unseen", of("unseen"), width, { ...style, isAll: true }),
    ...blocks,
    ...keeping(verdicts, width),
    summary(verdicts, style),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

/** Severities without a cure: names alone, or a line each. */
function quiet(severity: "fine" | "unseen", verdicts: readonly Verdict[], width: number, style: PageStyle): string {
  if (verdicts.length === 0) {
    return "";
  }
  const head = paint(severity === "fine" ? "fine" : "not looked at", colours[severity], style);
  if (style.isAll) {
    const lines = verdicts.flatMap(({ id, what }) => fold(`${id}: ${what}`, width, indent, `${indent}${indent}`));
    return [head, ...lines].join("\n");
  }
  const names = [...new Set(verdicts.map(({ id }) => id))].join(", ");
  return [head, ...fold(names, width, indent, indent)].join("\n");
}

function block({ id, severity, link, what, why, commands, advice }: Verdict, width: number, style: PageStyle): string {
  const title = link === undefined ? id : `${id} ${link}`;
  return [
    `${paint(severity, `1;${colours[severity]}`, style)}  ${paint(printable(title), "1", style)}`,
    ...fold(what, width, indent, indent),
    ...(why === undefined ? [] : fold(why, width, indent, indent)),
    // Never folded: it is there to be copied.
    ...(commands ?? []).map((command) => `${commandIndent}${printable(commandLine(command))}`),
    ...(advice === undefined ? [] : fold(advice, width, indent, indent)),
  ].join("\n");
}

/** A kernel setting is forgotten at the next boot, which is when it is needed. */
function keeping(verdicts: readonly Verdict[], width: number): string[] {
  const hasSetting = verdicts.some(({ commands }) => commands?.some((command) => "sysctl" in command));
  return hasSetting
    ? [
        fold(
          "To keep a sysctl over the next boot, write 'name = value' to /etc/sysctl.d/60-mcr.conf.",
          width,
          "",
          "",
        ).join("\n"),
      ]
    : [];
}

function summary(verdicts: readonly Verdict[], style: PageStyle): string {
  const said = (["error", "warning", "note"] as const).flatMap((severity) => {
    const count = verdicts.filter((verdict) => verdict.severity === severity).length;
    const text = `${count} ${severity}${count === 1 ? "" : "s"}`;
    return count === 0 ? [] : [paint(text, `1;${colours[severity]}`, style)];
  });
  return said.length === 0 ? paint("Everything is fine.", `1;${colours.fine}`, style) : said.join(", ");
}

function paint(text: string, codes: string, { isStyled }: PageStyle): string {
  return isStyled ? `\u001b[${codes}m${text}\u001b[0m` : text;
}

/** Lines of at most `width`, where the words allow it. */
function fold(text: string, width: number, first: string, rest: string): string[] {
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const word of printable(text).split(" ")) {
    if (!isEmpty && Bun.stringWidth(line) + 1 + Bun.stringWidth(word) > width) {
      lines.push(line);
      line = rest;
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line];
}
