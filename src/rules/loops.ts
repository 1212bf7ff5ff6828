// What the graph of rules finds, in an operator's words.
//
// What is refused, and why: this host does not capture what it sends itself (PACKET_IGNORE_OUTGOING), so rules alone never make a
// datagram spin. But a cycle of rules needs only one thing more for that, and nobody sees it coming: a bridge between two of its
// links, or a second relay with the same rules. Then one datagram fills both links until somebody pulls a cable. So a cycle takes
// an operator's word that there is no such thing, `allow_loop` in one of its rules. Links that are joined elsewhere are not known here.
import type { Hop, Shared } from "./graph.ts";
import { describeInput, describeRule } from "./key.ts";
import type { Output, Rule } from "./schema.ts";

/** How many steps of a cycle, and how many other rules, one line names. */
export const hopsNamedMax = 8;
export const othersNamedMax = 3;

/** Why rules that make `cycle` are refused, the cycle spelled out. */
export function loopText(cycle: readonly Hop[]): string {
  return (
    `Rule rejected: it closes a loop: ${spelled(cycle)}. ` +
    "This host does not hear what it sends itself, so these rules alone do not send a datagram round; with a bridge between the links, " +
    "or a second relay with such rules, it would go round for ever. If there is neither, and it is meant to go both ways, " +
    "say so with --allow-loop (in a file: allow_loop: true in one of these rules)."
  );
}

/** What is said of a rule that stands in a cycle which was allowed. */
export function allowedText(cycle: readonly Hop[]): string {
  return `a loop is allowed: ${spelled(cycle)}; a bridge between the links, or a second relay with such rules, would make it spin`;
}

/** What is said of a rule's output that others make as well. */
export function sharedText(rule: Rule, { output, others, count }: Shared): string {
  const named = others.map((other) => (other === rule ? "another output of the same rule" : describeRule(other)));
  const rest = count > others.length ? ` and ${count - others.length} more` : "";
  return `${describeOutput(output)} is also made by ${named.join(", ")}${rest}: receivers there get these streams mixed`;
}

function spelled(cycle: readonly Hop[]): string {
  const [first] = cycle;
  const steps = cycle
    .slice(0, hopsNamedMax)
    .map(({ rule, output }) => ` -> ${describeOutput(output)} by ${describeRule(rule)}`);
  const rest = cycle.length > hopsNamedMax ? ` -> … (${cycle.length} rules in all)` : "";
  return (first === undefined ? "" : describeInput(first.rule)) + steps.join("") + rest;
}

function describeOutput({ interface: link, group, port }: Output): string {
  return `${link} ${group}:${port}`;
}
