// What completions are known by. A send's token is its index, so everything else begins above them.
import { assert } from "../base/assert.ts";
import { limits } from "../limits.ts";

export const tokens = {
  /** The eventfd that ingress writes when egress sleeps. */
  wakeup: 0x1000,
  ingressOrders: 0x1001,
  egressOrders: 0x1002,
  door: 0x1003,
  /** The door while the worker has no place yet. */
  place: 0x1004,
  /** Capture sockets: plus the row of their region. */
  captureFirst: 0x2000,
} as const;

assert(limits.sendsMax <= tokens.wakeup, "sends have the small tokens to themselves");
