// Who may import whom. A folder without a line in `walls` may import any other, save what `doors` forbids.
import { posix } from "node:path";
import type { Node } from "typescript/unstable/ast";
import { SyntaxKind } from "typescript/unstable/ast";
import {
  isCallExpression,
  isExportDeclaration,
  isImportDeclaration,
  isImportTypeNode,
  isLiteralTypeNode,
  isStringLiteral,
} from "typescript/unstable/ast/is";
import { type Finding, lineOf, nodesOf, type Source } from "./parse.ts";

/** One import of a file; `target` relative to src/ where it is a file of ours. */
export type Import = { target: string; isType: boolean; line: number };

type Wall = { room: string; values: readonly string[]; types?: readonly string[] };

/** These rooms import nothing but what stands here. A room is a folder of src/, a file in src/, or a package. */
const walls: readonly Wall[] = [
  { room: "base", values: ["base", "../package.json"] },
  { room: "limits.ts", values: ["base", "limits"] },
  { room: "limits", values: [] },
  { room: "rules", values: ["base", "limits.ts", "rules", "zod"] },
  { room: "relay", values: ["base", "limits.ts", "relay"], types: ["shim"] },
];

type Door = { target: string; onlyFor?: readonly string[]; notFor?: readonly string[] };

/** These are closed, to all but some or to some. */
const doors: readonly Door[] = [
  { target: "bun:ffi", onlyFor: ["shim"] },
  { target: "limits", onlyFor: ["limits.ts"] },
  { target: "relay", notFor: ["supervise", "ctl", "control", "doctor"] },
  { target: "supervise", notFor: ["worker", "ctl", "traffic", "shim", "log", "doctor"] },
  { target: "worker", notFor: ["ctl", "traffic", "control", "shim", "doctor"] },
];

/** Files of relay/ that its other side may read: the layout of the counter page, which both processes map. */
const relayFilesForAll: readonly string[] = ["relay/counters.ts"];

/**
 * Doors that one file may pass: `explain --frame` decides about a frame with the very code that workers decide with, and the
 * doctor reads netlink's bytes with the supervisor's reader.
 */
const passes: ReadonlyMap<string, readonly string[]> = new Map([
  ["ctl/walk.ts", ["relay/parse.ts", "relay/match.ts", "worker/match-rule.ts"]],
  ["doctor/queriers.ts", ["supervise/kernel/netlink.ts"]],
]);

/** Imports that cross a wall or a closed door. */
export function importFindings(source: Source): Finding[] {
  return importsOf(source).flatMap(({ target, isType, line }) => {
    const reason = refusal(source.path, target, isType);
    return reason === undefined ? [] : [{ path: source.path, line, what: reason }];
  });
}

function refusal(path: string, target: string, isType: boolean): string | undefined {
  const [from, to] = [roomOf(path), roomOf(target)];
  const wall = walls.find(({ room }) => room === from);
  const isBehindWall = wall !== undefined && !wall.values.includes(to) && !(isType && wall.types?.includes(to));
  if (isBehindWall) return `${from} must not import ${target}${isType ? "" : " as a value"}`;
  const door = doors.find((each) => each.target === to);
  const isOpen =
    isType || from === to || relayFilesForAll.includes(target) || passes.get(path)?.includes(target) === true;
  if (door === undefined || isOpen) return undefined;
  if (door.onlyFor !== undefined && !door.onlyFor.includes(from))
    return `only ${door.onlyFor.join(", ")} imports ${to}`;
  return door.notFor?.includes(from) ? `${from} must not import ${target} as a value` : undefined;
}

/** "relay/match.ts" -> "relay", "@scope/name/part" -> "@scope/name"; "limits.ts", "node:fs" and "../package.json" stay. */
function roomOf(target: string): string {
  if (target.startsWith("../")) return target;
  const parts = target.split("/");
  return target.startsWith("@") ? parts.slice(0, 2).join("/") : (parts[0] ?? target);
}

/** Everything that a file imports, of other files, packages and by import() with a literal. */
export function importsOf(source: Source): Import[] {
  return [...nodesOf(source.tree)].flatMap((node) => {
    const found = importOf(node);
    if (found === undefined) return [];
    const isRelative = found.target.startsWith(".");
    const target = isRelative ? posix.join(posix.dirname(source.path), found.target) : found.target;
    return [{ target, isType: found.isType, line: lineOf(source, node) }];
  });
}

function importOf(node: Node): { target: string; isType: boolean } | undefined {
  if (isImportDeclaration(node) && isStringLiteral(node.moduleSpecifier)) {
    // `import { type X }` still loads the module: only `import type` is free.
    const isType = node.importClause?.phaseModifier === SyntaxKind.TypeKeyword;
    return { target: node.moduleSpecifier.text, isType };
  }
  if (isExportDeclaration(node) && node.moduleSpecifier !== undefined && isStringLiteral(node.moduleSpecifier)) {
    return { target: node.moduleSpecifier.text, isType: node.isTypeOnly };
  }
  if (isImportTypeNode(node) && isLiteralTypeNode(node.argument) && isStringLiteral(node.argument.literal)) {
    return { target: node.argument.literal.text, isType: true };
  }
  if (isCallExpression(node) && node.expression.kind === SyntaxKind.ImportKeyword) {
    const [target] = node.arguments;
    return target !== undefined && isStringLiteral(target) ? { target: target.text, isType: false } : undefined;
  }
  return undefined;
}
