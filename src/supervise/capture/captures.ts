// Which links are captured: for each, one socket a worker in one fanout group, and the filter they share.

import { Numbers } from "../../base/numbers.ts";
import { limits } from "../../limits.ts";
import { linkFirst, linkSize } from "../../relay/counters.ts";
import { pendingText } from "../../rules/pending.ts";
import { closeSocket, isFailure } from "../../shim/socket.ts";
import type { Link } from "../kernel/links.ts";
import type { CapturesWill } from "../succession/will.ts";
import type { Place } from "../workers/place.ts";
import type { CaptureMessage, Workers } from "../workers/workers.ts";
import { CaptureGroup, type CaptureSocket, captureFailureText } from "./capture-sockets.ts";
import type { Wanted } from "./filter.ts";
import { KernelDrops } from "./kernel-drops.ts";

/** One captured link. `serial` is never used twice; `counter` is its place in the counter pages. */
export type CapturedLink = {
  readonly serial: number;
  readonly counter: number;
  readonly link: Link;
  readonly group: CaptureGroup;
  readonly sockets: readonly CaptureSocket[];
};

/** The captured links by name; a link has one capture, whatever the number of its rules. */
export class Captures {
  private readonly drops = new KernelDrops();
  private readonly byName = new Map<string, CapturedLink>();
  /** Of links whose name another had when a rule asked for it, before anybody looked what is gone. */
  private readonly replaced: CapturedLink[] = [];
  private readonly counters = new Numbers(limits.captureLinksMax);
  private serial = 0;
  private readonly workers: () => Workers;

  constructor(workers: () => Workers) {
    this.workers = workers;
  }

  list(): CapturedLink[] {
    return [...this.byName.values()];
  }

  /** All captures, for the supervisor after us. */
  get bequest(): CapturesWill {
    const links = this.list().map(({ serial, counter, link, sockets }) => {
      return { serial, counter, name: link.name, index: link.index, sockets: [...sockets] };
    });
    return { serial: this.serial, links, drops: this.kernelDrops().bequest };
  }

  /** Takes the captures of the supervisor before us. One whose link has gone since is closed: no rule of its will find it. */
  inherit({ serial, links, drops }: CapturesWill, table: ReadonlyMap<string, Link>): void {
    this.serial = serial;
    this.drops.inherit(drops);
    for (const { sockets, ...captured } of links) {
      const link = table.get(captured.name);
      if (link === undefined || link.index !== captured.index) {
        for (const { fd } of sockets) {
          closeSocket(fd);
        }
        continue;
      }
      const group = new CaptureGroup(link);
      group.adopt(sockets);
      this.counters.claim(captured.counter);
      this.byName.set(link.name, { serial: captured.serial, counter: captured.counter, link, group, sockets });
    }
  }

  /** Frames that capture rings had no room for, until now. */
  kernelDrops(): KernelDrops {
    for (const captured of this.byName.values()) {
      this.drops.read(captured);
    }
    return this.drops;
  }

  /** The capture of `link`, opened for all workers if it is not there yet; or why it cannot be captured. */
  open(link: Link): CapturedLink | string {
    const known = this.byName.get(link.name);
    if (known !== undefined && known.link.index === link.index) {
      return known;
    }
    const counter = this.counters.take();
    if (counter === undefined) {
      return pendingText("capturesFull", { link: link.name, count: limits.captureLinksMax });
    }
    const group = new CaptureGroup(link);
    const sockets: CaptureSocket[] = [];
    for (const _ of this.workers().places) {
      const socket = group.open();
      if (isFailure(socket)) {
        group.close();
        this.counters.give(counter);
        return captureFailureText(link.name, socket);
      }
      sockets.push(socket);
    }
    for (const page of this.workers().pages) {
      page.clear(linkFirst + counter * linkSize, linkSize);
    }
    this.serial++;
    const captured = { serial: this.serial, counter, link, group, sockets };
    if (known !== undefined) {
      this.replaced.push(known);
    }
    this.byName.set(link.name, captured);
    for (const place of this.workers().places) {
      const socket = sockets[place.index];
      if (socket !== undefined) {
        this.workers().give(place, messageFor(captured, socket), socket.fd);
      }
    }
    return captured;
  }

  /**
   * Those whose link is gone, or has another name or index by now. They are out of the list: open() makes new ones, and drop() ends
   * them. `isDead`: the kernel has forgotten all that was tied to the link.
   */
  takeGone(table: ReadonlyMap<string, Link>): { captured: CapturedLink; isDead: boolean }[] {
    const isDead = ({ group }: CapturedLink) => !group.isBound;
    const gone = this.list().filter(
      (captured) => isDead(captured) || table.get(captured.link.name)?.index !== captured.link.index,
    );
    for (const { link } of gone) {
      this.byName.delete(link.name);
    }
    return [...this.replaced.splice(0), ...gone].map((captured) => ({ captured, isDead: isDead(captured) }));
  }

  /** What frames of the link may pass to user space from now on; returns why the kernel refused. */
  want(captured: CapturedLink, wanted: Iterable<Wanted>): string | undefined {
    const failure = captured.group.want(wanted);
    return failure === undefined ? undefined : captureFailureText(captured.link.name, failure);
  }

  /** Ends the capture of a link: workers let go of their copies first. */
  async drop(captured: CapturedLink): Promise<void> {
    if (this.byName.get(captured.link.name) === captured) {
      this.byName.delete(captured.link.name);
    }
    await this.workers().order({ kind: "DropCapture", capture: captured.serial });
    this.drops.read(captured);
    captured.group.close();
    this.counters.give(captured.counter);
  }

  /** What a worker that is born at `place` is handed. */
  forPlace(place: Place): { message: CaptureMessage; fd: number }[] {
    return this.list().flatMap((captured) => {
      const socket = captured.sockets[place.index];
      return socket === undefined ? [] : [{ message: messageFor(captured, socket), fd: socket.fd }];
    });
  }
}

function messageFor(captured: CapturedLink, socket: CaptureSocket): CaptureMessage {
  const { slotSize, blockSize, blockCount } = socket;
  const { serial, counter, link } = captured;
  return { kind: "capture", serial, counter, link: link.name, slotSize, blockSize, blockCount };
}
