// What no line of the program may hold.
import { basename } from "node:path/posix";
import { type Node, SyntaxKind } from "typescript/unstable/ast";
import {
  isCatchClause,
  isIdentifier,
  isNonNullExpression,
  isPropertyAccessExpression,
  isPropertyDeclaration,
  isVariableDeclaration,
} from "typescript/unstable/ast/is";
import { type Finding, lineOf, nodesOf, type Source } from "./parse.ts";

/** Who may print: an operator's verbs, and the files of gen and sink that report to a person. */
const printers: readonly string[] = ["ctl/", "traffic/report.ts"];

/** relay/ runs on a fake ring and in a simulation: it has no runtime, no clock and no log of its own. */
const relayIgnores = new Set(["Bun", "process", "performance", "Date", "setTimeout", "setInterval", "fetch"]);

const emptyNames = new Set(["utils", "util", "helpers", "helper", "manager", "service", "index", "misc", "common"]);

type Habit = { what: string; isBroken: (node: Node, path: string) => boolean };

const habits: readonly Habit[] = [
  { what: "an empty catch", isBroken: (node) => isCatchClause(node) && node.block.statements.length === 0 },
  { what: "console outside of what prints", isBroken: (node, path) => isGlobal(node, "console") && !mayPrint(path) },
  {
    what: "Math.random, whose seed nobody can print",
    isBroken: (node) =>
      isPropertyAccessExpression(node) && isNamed(node.expression, "Math") && isNamed(node.name, "random"),
  },
  { what: "any", isBroken: (node) => node.kind === SyntaxKind.AnyKeyword },
  { what: "a claim with !", isBroken: (node, path) => isClaim(node) && !path.startsWith("shim/") },
  {
    what: "a runtime or a clock in relay/",
    isBroken: (node, path) => path.startsWith("relay/") && [...relayIgnores].some((name) => isGlobal(node, name)),
  },
];

/** Broken habits of one file, found in its tree. */
export function habitFindings(source: Source): Finding[] {
  return [...nodesOf(source.tree)].flatMap((node) =>
    habits
      .filter(({ isBroken }) => isBroken(node, source.path))
      .map(({ what }) => ({ path: source.path, line: lineOf(source, node), what })),
  );
}

/** Notes to oneself that were left behind, in any language. */
export function leftoverFindings(path: string, text: string): Finding[] {
  return text
    .split("\n")
    .flatMap((line, index) =>
      /\b(TODO|FIXME|XXX)\b/.test(line) ? [{ path, line: index + 1, what: "work left undone" }] : [],
    );
}

/** File names that say nothing. */
export function nameFindings(path: string): Finding[] {
  const name = basename(path).split(".")[0] ?? "";
  return emptyNames.has(name) ? [{ path, line: 1, what: `the name "${name}" says nothing` }] : [];
}

function mayPrint(path: string): boolean {
  return printers.some((printer) => path.startsWith(printer));
}

function isClaim(node: Node): boolean {
  if (isNonNullExpression(node)) return true;
  if (isVariableDeclaration(node)) return node.exclamationToken !== undefined;
  return isPropertyDeclaration(node) && node.postfixToken?.kind === SyntaxKind.ExclamationToken;
}

function isNamed(node: Node, name: string): boolean {
  return isIdentifier(node) && node.text === name;
}

/** The name as a value of its own, not the name of a member, a key or something declared here. */
function isGlobal(node: Node, name: string): boolean {
  return isNamed(node, name) && !("name" in node.parent && node.parent.name === node);
}
