// What workers are told of rules: their sockets, then the rules, in pieces that count together.
import { limits } from "../../limits.ts";
import type { Order } from "../../worker/orders.ts";
import { type LiveRule, orderRule, type SocketOrder, socketOrdersOf } from "./live-rule.ts";

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
  const orders: SocketOrder[] = [...socketOrdersOf(put), ...pieces(put, remove)];
  // A few at a time, so that what workers have to acknowledge fits their way back, and frames have their turn in between. As
  // long as the last piece is not sent, an error costs nothing.
  for (let at = 0; at < orders.length; at += limits.orderWindow) {
    const some = orders.slice(at, at + limits.orderWindow);
    const errors = (await Promise.all(some.map(({ order, sockets }) => workers.order(order, sockets)))).flat();
    if (errors.length > 0) {
      // Who is gone has carried out none of several orders, for one reason.
      return [...new Set(errors)];
    }
  }
  return [];
}

function* pieces(put: readonly LiveRule[], remove: readonly number[]): Generator<SocketOrder> {
  let at = 0;
  do {
    const piece = put.slice(at, at + limits.orderRulesMax).map(orderRule);
    const isFirst = at === 0;
    at += limits.orderRulesMax;
    const isLast = at >= put.length;
    yield {
      order: { kind: "ChangeRules", put: piece, remove: isFirst ? [...remove] : [], isFirst, isLast },
      sockets: [],
    };
  } while (at < put.length);
}
