// The egress half in a worker's life: sockets and rules from orders, datagrams from the queue to the kernel.
import { heapSize } from "bun:jsc";
import { assert } from "../base/assert.ts";
import { limits } from "../limits.ts";
import type { LogPipe, LogWriter } from "../log/writer.ts";
import { egress as counter } from "../relay/counters.ts";
import { Egress } from "../relay/egress.ts";
import type { OutputOrder } from "../relay/output.ts";
import { protocols } from "../relay/parse.ts";
import type { Queue } from "../relay/queue.ts";
import { Sends } from "../relay/sends.ts";
import { none } from "../relay/slots.ts";
import { headerPlace } from "../relay/stamp.ts";
import { errnoName } from "../shim/errno.ts";
import { shim } from "../shim/library.ts";
import { map } from "../shim/memory.ts";
import { pollBits, type Ring } from "../shim/ring.ts";
import { RulesDigest } from "./digest.ts";
import { Naps } from "./gather.ts";
import type { Side } from "./loop.ts";
import type { NumberedOrder, OrderRule } from "./orders.ts";
import { OutputSockets } from "./output-sockets.ts";
import { stamperOn, wallUs } from "./parts.ts";
import type { RegionTable } from "./regions.ts";
import { type RuleChanges, RulePieces } from "./rule-changes.ts";
import type { OrderStream, Reporter } from "./streams.ts";
import { tokens } from "./tokens.ts";

/** What the egress side stands on. */
export type EgressSideParts = {
  ring: Ring;
  counters: Float64Array;
  queue: Queue;
  regions: RegionTable;
  orders: OrderStream;
  reporter: Reporter;
  pipe: LogPipe;
  /** The eventfd by which ingress wakes this side, -1 when both share a thread. */
  wakeup: number;
};

/** The side of a worker that sends, as the loop drives it. */
export class EgressSide implements Side {
  private readonly parts: EgressSideParts;
  private readonly log: LogWriter;
  private readonly egress: Egress;
  private readonly sockets = new OutputSockets((fd) => shim.mcr_close(fd));
  private readonly digest = new RulesDigest("egress");
  private readonly pieces = new RulePieces();
  private readonly naps = new Naps();
  private isOrderStreamOpen = true;
  private endsAtNs = 0;
  private isEnded = false;

  constructor(parts: EgressSideParts) {
    this.parts = parts;
    const { ring, counters, queue, regions, orders, wakeup } = parts;
    this.log = parts.pipe.writer("Egress");
    this.egress = new Egress({
      counters,
      queue,
      sender: ring,
      sends: new Sends(limits.sendsMax),
      stamper: stamperOn(map(limits.sendsMax * headerPlace)),
      wallUs,
      regionOpen: (row) => regions.open(row),
      regionClosed: (row) => regions.close(row),
      socketClosed: (fd) => shim.mcr_close(fd),
    });
    ring.poll(orders.fd, pollBits.in, tokens.egressOrders);
    if (wakeup >= 0) {
      // Edge after edge, never read: the count in the eventfd means nothing to us.
      ring.poll(wakeup, pollBits.in, tokens.wakeup);
    }
  }

  turn(nowNs: number): boolean {
    if (this.isEnded) {
      return false;
    }
    const taken = this.egress.step(limits.turnEntriesMax, nowNs);
    this.naps.note(taken, nowNs);
    if (taken < 0) {
      this.awaitRule();
    }
    this.endWhenDrained(nowNs);
    this.parts.reporter.flush();
    return taken < 0 || taken === limits.turnEntriesMax;
  }

  hasSends(): boolean {
    return this.egress.hasSends;
  }

  proceed(): void {
    this.egress.proceed();
  }

  waitUs(): number {
    return this.egress.hasBlocked || this.egress.hasEnded || this.parts.reporter.isBehind
      ? limits.turnRetryUs
      : limits.turnWaitUs;
  }

  gatherUs(): number {
    return 0;
  }

  napUs(): number {
    return this.parts.wakeup < 0 ? 0 : this.naps.take();
  }

  owns(token: number): boolean {
    return token < tokens.wakeup || token === tokens.wakeup || token === tokens.egressOrders;
  }

  isOver(): boolean {
    return this.isEnded;
  }

  completed(token: number, result: number, isArmed: boolean, nowNs: number): void {
    const { ring, orders, wakeup } = this.parts;
    if (token < limits.sendsMax) {
      if (this.log.takes("Trace")) {
        this.log.say("Trace", result < 0 ? `send refused: ${errnoName(result)}` : "sent", {
          send: token,
          bytes: result,
        });
      }
      this.egress.completed(token, result, nowNs);
    } else if (token === tokens.egressOrders) {
      this.readOrders();
      if (!isArmed && this.isOrderStreamOpen) {
        ring.poll(orders.fd, pollBits.in, token);
      }
    } else if (token === tokens.wakeup && !isArmed) {
      ring.poll(wakeup, pollBits.in, token);
    }
  }

  /**
   * The next datagram's rule is not known: gone, or new, or back again. The supervisor writes orders to egress first, so what
   * ingress has heard of can be read here; what these orders do not bring is gone.
   */
  private awaitRule(): void {
    this.readOrders();
    this.egress.forgetUnknown();
  }

  private readOrders(): void {
    const { orders, reporter } = this.parts;
    if (!this.isOrderStreamOpen) {
      return;
    }
    const { orders: read, end } = orders.read();
    for (const each of read) {
      const error = this.apply(each);
      this.log.say("Debug", `order ${each.seq} ${error === undefined ? "carried out" : "refused"}: ${each.order.kind}`);
      reporter.done(each.seq, "egress", this.digest.text, error);
    }
    if (end !== undefined) {
      this.isOrderStreamOpen = false;
      // What comes next on it would be nonsense too, and orders that never arrive leave rules wrong: the worker ends.
      assert(end.reason === undefined, `egress: ${end.reason}`);
    }
  }

  private apply({ order }: NumberedOrder): string | undefined {
    switch (order.kind) {
      case "Sockets":
        return this.sockets.arrive(order.ids, this.parts.orders.sockets.splice(0, order.ids.length));
      case "ChangeRules":
        return this.changeRules(this.pieces.add(order));
      case "SyncRules":
        return this.swept(() => this.syncRules(order.rules));
      case "SetLogLevel":
        this.parts.pipe.follow(order.global, order.facilities);
        return undefined;
      // The door's and ingress's business; Shutdown reaches this side through the queue, behind the last datagram.
      case "DropCapture":
      case "Shutdown":
        return undefined;
      case "Ping":
        this.parts.counters[counter.heapBytes] = heapSize();
        return undefined;
    }
  }

  private swept(change: () => string | undefined): string | undefined {
    const error = change();
    this.sockets.sweep();
    return error;
  }

  /** All of it or, with an error, nothing. */
  private changeRules(changes: RuleChanges | undefined): string | undefined {
    if (changes === undefined) {
      return undefined;
    }
    return this.swept(() => {
      const error = changes.put.map((rule) => this.missingSocket(rule)).find((missing) => missing !== undefined);
      if (error === undefined) {
        for (const serial of changes.remove) {
          this.removeRule(serial);
        }
        for (const rule of changes.put) {
          this.setRule(rule);
        }
      }
      return error;
    });
  }

  /** An output that is here already keeps the socket it has; any other needs one that arrived. */
  private missingSocket({ serial, rule_id, outputs }: OrderRule): string | undefined {
    const held = this.egress.known.outputIds(serial);
    const missing = outputs.find(
      ({ id, isPending }) => !isPending && !held.has(id) && this.sockets.find(id) === undefined,
    );
    return missing && `rule ${rule_id}: the socket of output ${missing.id} did not arrive`;
  }

  private setRule(rule: OrderRule): string | undefined {
    const error = this.missingSocket(rule);
    if (error === undefined) {
      const held = this.egress.known.outputIds(rule.serial);
      const outputs: OutputOrder[] = rule.outputs.map(({ id, counter, isPending, stamp, mapping }) => ({
        id,
        mapping,
        fd: isPending || held.has(id) ? none : this.sockets.claim(id),
        counter,
        mayGather: rule.protocol === protocols.udp,
        stamp,
      }));
      this.egress.setRule(rule.serial, outputs, rule.counter);
      this.digest.put(rule);
    }
    return error;
  }

  private removeRule(serial: number): void {
    this.egress.removeRule(serial);
    this.digest.drop(serial);
  }

  private syncRules(rules: readonly OrderRule[]): string | undefined {
    const kept = new Set(rules.map((rule) => rule.serial));
    for (const serial of this.egress.known.serials()) {
      if (!kept.has(serial)) {
        this.removeRule(serial);
      }
    }
    const errors = rules.map((rule) => this.setRule(rule)).filter((error) => error !== undefined);
    return errors.length > 0 ? errors.slice(0, 3).join("; ") : undefined;
  }

  /** After ingress has ended: goes on until nothing is held, but not for ever. */
  private endWhenDrained(nowNs: number): void {
    if (!this.egress.hasEnded) {
      return;
    }
    if (this.endsAtNs === 0) {
      this.endsAtNs = nowNs + limits.workerDrainWaitMs * 1e6;
    }
    if (this.egress.isDrained || nowNs > this.endsAtNs) {
      this.isEnded = true;
    }
  }
}
