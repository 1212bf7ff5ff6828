// How long files and functions may be.
import type { Node } from "typescript/unstable/ast";
import {
  isArrowFunction,
  isConstructorDeclaration,
  isFunctionDeclaration,
  isFunctionExpression,
  isGetAccessorDeclaration,
  isMethodDeclaration,
  isSetAccessorDeclaration,
} from "typescript/unstable/ast/is";
import { type Finding, lineCountOf, lineOf, nodesOf, type Source } from "./parse.ts";

const fileLinesMax = 300;
const fileLinesMedianMax = 120;
const functionLinesMax = 70;
const shimLinesMax = 1000;

/** Lines of a text; the end of the last line begins no new one. */
export function lineCount(text: string): number {
  return text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
}

/** Files that are too long, in any language. */
export function fileSizeFindings(path: string, text: string): Finding[] {
  const lines = lineCount(text);
  return lines <= fileLinesMax ? [] : [{ path, line: fileLinesMax, what: `${lines} lines, at most ${fileLinesMax}` }];
}

/** Half of all files are shorter than the bound. */
export function medianFindings(texts: ReadonlyMap<string, string>): Finding[] {
  const sizes = [...texts.values()].map(lineCount).sort((a, b) => a - b);
  const median = sizes[Math.floor(sizes.length / 2)] ?? 0;
  return median < fileLinesMedianMax
    ? []
    : [{ path: "src", line: 1, what: `the median file has ${median} lines, wanted fewer than ${fileLinesMedianMax}` }];
}

/** The C of the shim, all files together. */
export function shimSizeFindings(texts: ReadonlyMap<string, string>): Finding[] {
  const lines = [...texts.values()].reduce((sum, text) => sum + lineCount(text), 0);
  return lines < shimLinesMax
    ? []
    : [{ path: "cshim", line: 1, what: `${lines} lines of C, wanted fewer than ${shimLinesMax}` }];
}

/** Functions, methods and closures that are too long; what is inside one counts for it too. */
export function functionSizeFindings(source: Source): Finding[] {
  return [...nodesOf(source.tree)].filter(isFunction).flatMap((node) => {
    const lines = lineCountOf(source, node);
    if (lines <= functionLinesMax) return [];
    return [
      {
        path: source.path,
        line: lineOf(source, node),
        what: `a function of ${lines} lines, at most ${functionLinesMax}`,
      },
    ];
  });
}

function isFunction(node: Node): boolean {
  return [
    isArrowFunction,
    isConstructorDeclaration,
    isFunctionDeclaration,
    isFunctionExpression,
    isGetAccessorDeclaration,
    isMethodDeclaration,
    isSetAccessorDeclaration,
  ].some((is) => is(node));
}
