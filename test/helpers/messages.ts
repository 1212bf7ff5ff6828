// The grave messages of the program (warning and above, and why it does not start), found in its syntax trees. A message is what is
// written in the code, with `…` for what is filled in.
import { type Node, SyntaxKind } from "typescript/unstable/ast";
import {
  isArrowFunction,
  isBinaryExpression,
  isCallExpression,
  isConditionalExpression,
  isFunctionDeclaration,
  isIdentifier,
  isMethodDeclaration,
  isNoSubstitutionTemplateLiteral,
  isObjectLiteralExpression,
  isParameterDeclaration,
  isParenthesizedExpression,
  isPrivateIdentifier,
  isPropertyAccessExpression,
  isPropertyAssignment,
  isReturnStatement,
  isShorthandPropertyAssignment,
  isStringLiteral,
  isTemplateExpression,
  isVariableDeclaration,
  isYieldExpression,
} from "typescript/unstable/ast/is";
import { lineOf, nodesOf, type Source } from "./tidy/parse.ts";

/** One message. `isDynamic`: its words come from elsewhere, and `pattern` is the expression that brings them. */
export type Message = { path: string; line: number; pattern: string; isDynamic: boolean };

const grave = new Set(["Warning", "Error", "Critical", "Alert", "Emergency"]);
const speakers = new Set(["say", "onNews"]);
const alternatives = new Set([
  SyntaxKind.AmpersandAmpersandToken,
  SyntaxKind.BarBarToken,
  SyntaxKind.QuestionQuestionToken,
]);
const unknown = "…";
/** Recursion ends here: a word that leads round in a circle is filled in. */
const depthMax = 6;

/** Every grave message that `source` says itself or hands on. */
export function messagesOf(source: Source): Message[] {
  return [...nodesOf(source.tree)].flatMap((node) => {
    const said = saidBy(source, node);
    return said === undefined ? [] : messagesIn(source, said);
  });
}

/** The words that the function `name` returns, refuses with, or gathers. */
export function wordsOf(source: Source, name: string): string[] {
  const declared = [...nodesOf(source.tree)].filter((node) => nameOf(node) === name);
  const said = declared.flatMap((node) =>
    [...nodesOf(node)].flatMap((inner) => {
      if (isReturnStatement(inner) || isYieldExpression(inner))
        return inner.expression === undefined ? [] : [inner.expression];
      const isGathered = isCallExpression(inner) && ["failed", "push"].includes(calleeOf(inner));
      if (isGathered) return [...inner.arguments];
      return [propertyOf(inner, "text"), propertyOf(inner, "note")].filter((each) => each !== undefined);
    }),
  );
  return [...new Set(said.flatMap((node) => patternsOf(source, node)).filter(hasWords))];
}

/** The expression of a grave message that `node` is about, if it is. */
function saidBy(source: Source, node: Node): Node | undefined {
  if (isCallExpression(node) && speakers.has(calleeOf(node))) {
    const [level, message] = node.arguments;
    if (level === undefined || message === undefined) return undefined;
    const levels = patternsOf(source, level);
    const isPassedOn = levels.includes(unknown) && isIdentifier(level) && isIdentifier(message);
    const isGrave = levels.some((each) => grave.has(each) || each === unknown);
    return isGrave && !isPassedOn && !isObjectLiteralExpression(message) ? message : undefined;
  }
  if (!isObjectLiteralExpression(node)) return undefined;
  const [level, message] = [propertyOf(node, "level"), propertyOf(node, "message")];
  if (level !== undefined && message !== undefined) {
    // `{ level, message }` is somebody else's message, passed on.
    if (isIdentifier(level) && isIdentifier(message)) return undefined;
    return patternsOf(source, level).some((each) => grave.has(each)) ? message : undefined;
  }
  // A refusal to start or to go on.
  return propertyOf(node, "code") === undefined ? undefined : propertyOf(node, "text");
}

function messagesIn(source: Source, said: Node): Message[] {
  const about = { path: source.path, line: lineOf(source, said) };
  return patternsOf(source, said).map((pattern) =>
    hasWords(pattern)
      ? { ...about, pattern, isDynamic: false }
      : { ...about, pattern: source.text.slice(said.getStart(source.tree), said.end), isDynamic: true },
  );
}

function hasWords(pattern: string): boolean {
  return /[A-Za-z]{3}/.test(pattern);
}

/** All texts that an expression can have, each once. */
function patternsOf(source: Source, node: Node, depth = 0): string[] {
  const again = (inner: Node) => patternsOf(source, inner, depth + 1);
  if (depth > depthMax) return [unknown];
  if (isStringLiteral(node) || isNoSubstitutionTemplateLiteral(node)) return [node.text];
  if (isParenthesizedExpression(node)) return again(node.expression);
  if (isConditionalExpression(node)) return unique([...again(node.whenTrue), ...again(node.whenFalse)]);
  if (isTemplateExpression(node)) {
    return node.templateSpans.reduce(
      (heads, span) => joined(joined(heads, filled(again(span.expression))), [span.literal.text]),
      [node.head.text],
    );
  }
  if (isBinaryExpression(node) && node.operatorToken.kind === SyntaxKind.PlusToken) {
    return joined(again(node.left), again(node.right));
  }
  if (isBinaryExpression(node) && alternatives.has(node.operatorToken.kind)) {
    return unique([...again(node.left), ...again(node.right)]);
  }
  return isIdentifier(node) ? ofName(source, node, node.text, depth) : [unknown];
}

/** What is filled in and has no words of its own says nothing. */
function filled(patterns: readonly string[]): string[] {
  return unique(patterns.map((each) => (hasWords(each) ? each : unknown)));
}

function joined(heads: readonly string[], tails: readonly string[]): string[] {
  return unique(heads.flatMap((head) => tails.map((tail) => `${head}${tail}`.replaceAll("……", unknown))));
}

/** By a constant of the functions around `node`, or by what their callers give them. */
function ofName(source: Source, node: Node, name: string, depth: number): string[] {
  for (let scope = node.parent; scope !== undefined; scope = scope.parent) {
    for (const inner of nodesOf(scope)) {
      const isNamed = isVariableDeclaration(inner) && isIdentifier(inner.name) && inner.name.text === name;
      if (isNamed && inner.initializer !== undefined && inner.initializer !== node) {
        return patternsOf(source, inner.initializer, depth + 1);
      }
    }
    const index = parameterIndex(scope, name);
    if (index >= 0) return ofCallers(source, nameOf(scope), index, depth);
  }
  return [unknown];
}

function ofCallers(source: Source, callee: string | undefined, index: number, depth: number): string[] {
  const given = [...nodesOf(source.tree)].flatMap((node) => {
    const isCall = isCallExpression(node) && callee !== undefined && calleeOf(node) === callee;
    const argument = isCall ? node.arguments[index] : undefined;
    return argument === undefined ? [] : patternsOf(source, argument, depth + 1);
  });
  return given.length === 0 ? [unknown] : unique(given);
}

function parameterIndex(scope: Node, name: string): number {
  const isFunction = isFunctionDeclaration(scope) || isMethodDeclaration(scope) || isArrowFunction(scope);
  if (!isFunction) return -1;
  return scope.parameters.findIndex(
    (each) => isParameterDeclaration(each) && isIdentifier(each.name) && each.name.text === name,
  );
}

/** The name of a function; an arrow has that of the constant it is given to. */
function nameOf(node: Node): string | undefined {
  if (isFunctionDeclaration(node) || isMethodDeclaration(node)) {
    return node.name === undefined ? undefined : textOf(node.name);
  }
  const isNamedArrow = isArrowFunction(node) && isVariableDeclaration(node.parent);
  return isNamedArrow ? textOf(node.parent.name) : undefined;
}

function calleeOf(call: Node): string {
  if (!isCallExpression(call)) return "";
  const { expression } = call;
  return textOf(isPropertyAccessExpression(expression) ? expression.name : expression);
}

function propertyOf(node: Node, name: string): Node | undefined {
  if (!isObjectLiteralExpression(node)) return undefined;
  for (const each of node.properties) {
    if (isPropertyAssignment(each) && textOf(each.name) === name) return each.initializer;
    if (isShorthandPropertyAssignment(each) && textOf(each.name) === name) return each.name;
  }
  return undefined;
}

function textOf(node: Node): string {
  return isIdentifier(node) || isPrivateIdentifier(node) || isStringLiteral(node) ? node.text : "";
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
