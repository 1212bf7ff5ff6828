// Every exported function, class and type says what it promises. A constant that is no function says it by its name.
import type { Node } from "typescript/unstable/ast";
import { SyntaxKind } from "typescript/unstable/ast";
import {
  isArrowFunction,
  isClassDeclaration,
  isEnumDeclaration,
  isFunctionDeclaration,
  isFunctionExpression,
  isIdentifier,
  isInterfaceDeclaration,
  isTypeAliasDeclaration,
  isTypeQueryNode,
  isVariableStatement,
} from "typescript/unstable/ast/is";
import { type Finding, lineOf, nodesOf, type Source } from "./parse.ts";

/**
 * Exports without a docstring. One is enough for all that carry one name (a schema and its type, overloads), and a type that
 * is derived from a value (`z.infer<typeof ruleSchema>`) is said where the value is.
 */
export function docstringFindings(source: Source): Finding[] {
  const exported = source.tree.statements.filter(isExported);
  const documented = new Set(exported.filter(({ jsDoc }) => jsDoc !== undefined && jsDoc.length > 0).flatMap(namesOf));
  return exported
    .filter((statement) => !isSaidElsewhere(statement) && !namesOf(statement).some((name) => documented.has(name)))
    .map((statement) => ({
      path: source.path,
      line: lineOf(source, statement),
      what: `export ${namesOf(statement).join(", ")} has no docstring`,
    }));
}

function isExported(statement: Node): boolean {
  let isExport = false;
  if (namesOf(statement).length === 0) return false;
  statement.forEachChild((child) => {
    isExport ||= child.kind === SyntaxKind.ExportKeyword;
  });
  return isExport;
}

/** What needs a docstring, or can carry one for its namesake. */
function namesOf(statement: Node): string[] {
  if (isVariableStatement(statement)) {
    return statement.declarationList.declarations.map(({ name }) => (isIdentifier(name) ? name.text : "a pattern"));
  }
  const isNamed =
    isFunctionDeclaration(statement) ||
    isClassDeclaration(statement) ||
    isTypeAliasDeclaration(statement) ||
    isInterfaceDeclaration(statement) ||
    isEnumDeclaration(statement);
  return isNamed ? [statement.name?.text ?? "default"] : [];
}

function isSaidElsewhere(statement: Node): boolean {
  if (isTypeAliasDeclaration(statement)) return [statement.type, ...nodesOf(statement.type)].some(isTypeQueryNode);
  if (!isVariableStatement(statement)) return false;
  return !statement.declarationList.declarations.some(({ initializer }) => {
    return initializer !== undefined && (isArrowFunction(initializer) || isFunctionExpression(initializer));
  });
}
