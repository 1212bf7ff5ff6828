// The links of this network namespace, as one table that is read whole. Netlink is only the doorbell: what an event says is
// never read, so none can be misread or missed.
import { limits } from "../../limits.ts";
import { Doorbell, NetlinkSocket } from "../../shim/netlink.ts";
import { type Failure, isFailure } from "../../shim/socket.ts";
import {
  type AddressRecord,
  addressesRequest,
  answerTypes,
  type LinkRecord,
  linksRequest,
  parseAddress,
  parseAnswer,
  parseGateway,
  parseLink,
  routeRequest,
} from "./netlink.ts";

/** An IPv4 address in host order and its prefix length in bits. */
export type LinkAddress = { address: number; prefix: number };

/** A network interface of this machine; `addresses` in the kernel's order, primary ones first. */
export type Link = LinkRecord & { addresses: readonly LinkAddress[] };

/** What others need of Links: the table as last read, and whether the routing tables lead to an address through a link. */
export type LinksView = {
  table(): ReadonlyMap<string, Link>;
  hasRoute(address: number, linkIndex: number): boolean;
};

type Bodies = { bodies: Uint8Array[]; isInterrupted: boolean };

/** The links of this network namespace, read by rtnetlink: a doorbell says that something changed, then all is read again. */
export class Links implements LinksView {
  private readonly linkBell: Doorbell;
  private readonly routeBell: Doorbell;
  private asker: NetlinkSocket | undefined;
  private sequence = 0;
  private links: ReadonlyMap<string, Link> = new Map();
  private text = "";
  private isStale = true;
  private failure: Failure | undefined;
  private ringCount = 0;
  // Answers since a bell last rang: thousands of outputs share few destinations, and all are asked for at each ring.
  private readonly routes = new Map<string, boolean>();

  private constructor(linkBell: Doorbell, routeBell: Doorbell) {
    this.linkBell = linkBell;
    this.routeBell = routeBell;
  }

  /** Reads the table for the first time. The bells hang before, so that no change falls in between. */
  static open(): Links | Failure {
    const linkBell = Doorbell.open("links");
    if (isFailure(linkBell)) {
      return linkBell;
    }
    const routeBell = Doorbell.open("routes");
    if (isFailure(routeBell)) {
      linkBell.close();
      return routeBell;
    }
    const links = new Links(linkBell, routeBell);
    links.poll();
    if (links.failure === undefined) {
      return links;
    }
    links.close();
    return links.failure;
  }

  /** The table by link name, as last read; a new map only when something changed. */
  table(): ReadonlyMap<string, Link> {
    return this.links;
  }

  /** Why the last read failed, if it did; the table is then the one before, and every poll tries again. */
  get readFailure(): Failure | undefined {
    return this.failure;
  }

  /**
   * How often the bell of links rang. More of them than changes of the table: a link that went and came back whole between two looks
   * leaves no trace in it, and still has lost what was attached to it.
   */
  get rings(): number {
    return this.ringCount;
  }

  /** True when the doorbell rang, the table was read again, and it differs. Costs one system call otherwise. */
  poll(): boolean {
    if (this.linkBell.rang()) {
      this.isStale = true;
      this.ringCount++;
      this.routes.clear();
    }
    return this.isStale && this.refresh();
  }

  /**
   * True when routes changed since the last call: an output that waited for a route may have one. A bell of its own, because
   * a router that speaks BGP rings it all the time, and the table of links has nothing to do with that.
   */
  pollRoutes(): boolean {
    const hasRung = this.routeBell.rang();
    if (hasRung) {
      this.routes.clear();
    }
    return hasRung;
  }

  /** Whether a route leads to `address` (host order) by way of the link; an unanswered question counts as yes. */
  hasRoute(address: number, linkIndex: number): boolean {
    const key = `${address} ${linkIndex}`;
    const known = this.routes.get(key);
    if (known !== undefined) {
      return known;
    }
    let isRouted = true;
    const request = routeRequest(this.nextSequence(), address, linkIndex);
    const failure = this.ask(request, (bytes) => {
      const answer = parseAnswer(bytes, this.sequence);
      // Our own failure to ask must not keep an output from sending; the send itself will tell.
      isRouted = answer.errno === 0;
      return answer.isDone || answer.messages.length > 0;
    });
    if (failure === undefined) {
      this.routes.set(key, isRouted);
    }
    return failure !== undefined || isRouted;
  }

  /** The gateway on the way to `address` through the link, host order; undefined: a neighbour, or not known. */
  gatewayTo(address: number, linkIndex: number): number | undefined {
    let gateway: number | undefined;
    const failure = this.ask(routeRequest(this.nextSequence(), address, linkIndex), (bytes) => {
      const answer = parseAnswer(bytes, this.sequence);
      const [route] = answer.messages;
      gateway = route === undefined ? undefined : parseGateway(route.body);
      return answer.isDone || route !== undefined;
    });
    return failure === undefined ? gateway : undefined;
  }

  close(): void {
    this.linkBell.close();
    this.routeBell.close();
    this.asker?.close();
    this.asker = undefined;
  }

  private refresh(): boolean {
    const table = this.read();
    if (isFailure(table)) {
      this.failure = table;
      return false;
    }
    this.failure = undefined;
    this.isStale = false;
    const text = JSON.stringify([...table.values()]);
    if (text === this.text) {
      return false;
    }
    this.text = text;
    this.links = table;
    return true;
  }

  private read(): Map<string, Link> | Failure {
    let table: Map<string, Link> = new Map();
    for (let reads = 0; reads < limits.linksReadsMax; reads++) {
      const links = this.dump(linksRequest(this.nextSequence()), answerTypes.link);
      if (isFailure(links)) {
        return links;
      }
      const addresses = this.dump(addressesRequest(this.nextSequence()), answerTypes.address);
      if (isFailure(addresses)) {
        return addresses;
      }
      table = tableOf(links.bodies.map(parseLink), addresses.bodies.map(parseAddress));
      if (!links.isInterrupted && !addresses.isInterrupted) {
        break;
      }
    }
    return table;
  }

  private dump(request: Uint8Array, type: number): Bodies | Failure {
    const found: Bodies = { bodies: [], isInterrupted: false };
    let refused = 0;
    const failure = this.ask(request, (bytes) => {
      const answer = parseAnswer(bytes, this.sequence);
      found.isInterrupted ||= answer.isInterrupted;
      refused = answer.errno;
      // The bytes are overwritten by the next datagram: keep a copy.
      found.bodies.push(...answer.messages.filter((each) => each.type === type).map((each) => each.body.slice()));
      return answer.isDone;
    });
    return failure ?? (refused === 0 ? found : { step: "netlink dump", errno: refused });
  }

  private ask(request: Uint8Array, read: (answer: Uint8Array) => boolean): Failure | undefined {
    const asker = this.asker ?? NetlinkSocket.open();
    if (isFailure(asker)) {
      return asker;
    }
    this.asker = asker;
    const failure = asker.ask(request, read);
    if (failure !== undefined) {
      // Half an answer may still lie in the socket, and a dump cut off blocks the next one.
      asker.close();
      this.asker = undefined;
    }
    return failure;
  }

  private nextSequence(): number {
    this.sequence = (this.sequence + 1) >>> 0;
    return this.sequence;
  }
}

/** Puts links and addresses together; what could not be read is left out. */
export function tableOf(
  links: readonly (LinkRecord | undefined)[],
  addresses: readonly (AddressRecord | undefined)[],
): Map<string, Link> {
  const byLink = Map.groupBy(
    addresses.filter((each) => each !== undefined),
    (each) => each.linkIndex,
  );
  const table = new Map<string, Link>();
  for (const link of links) {
    if (link !== undefined) {
      const own = byLink.get(link.index) ?? [];
      table.set(link.name, { ...link, addresses: own.map(({ address, prefix }) => ({ address, prefix })) });
    }
  }
  return table;
}
