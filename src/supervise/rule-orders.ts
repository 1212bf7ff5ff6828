// What workers are told of rules: their sockets, then the rules, in pieces that count together.
import { limits } from "../limits.ts";
import type { Order } from "../worker/orders.ts";
import { type LiveRule, orderRule, socketOrdersOf } from "./live-rule.ts";

/** Gives orders; answers, for each worker that did not carry one out, which and why. */
export type Orderer = { order(order: Order, sockets?: readonly number[]): Promise<string[]> };

/**
 * Has every worker take `put` (new, or changed) and drop those of the serials `remove`, in one step. Empty when all did; a
 * worker that is named in the answer has done nothing of it, or is gone.
 */
export async function orderChange(
  workers: Orderer,
  put: readonly LiveRule[],
  remove: readonly number[],
): Promise<string[]> {
  if (put.length === 0 && remove.length === 0) {
    return [];
  }
  // All at once: streams keep their order, and the last piece brings the acknowledgement that counts.
  const answers = socketOrdersOf(put).map(({ order, sockets }) => workers.order(order, sockets));
  let at = 0;
  do {
    const piece = put.slice(at, at + limits.orderRulesMax).map(orderRule);
    const isFirst = at === 0;
    at += limits.orderRulesMax;
    const isLast = at >= put.length;
    answers.push(workers.order({ kind: "ChangeRules", put: piece, remove: isFirst ? [...remove] : [], isLast }));
  } while (at < put.length);
  return (await Promise.all(answers)).flat();
}
