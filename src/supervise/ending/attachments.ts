// Puts the program at tc ingress of links and takes it off: as a tcx link where the kernel has that (Linux 6.6), else as a
// filter of tc on clsact. A tcx link goes with its descriptor. A filter stays behind when the supervisor is killed, but then
// it is a door to nothing (see EndingProgram.openDoor): it passes every frame, and the next supervisor clears it away.
import { existsSync } from "node:fs";
import { errno } from "../../shim/errno.ts";
import { NetlinkSocket } from "../../shim/netlink.ts";
import type { EndingProgram } from "../../shim/program.ts";
import { closeSocket, type Failure, isFailure } from "../../shim/socket.ts";
import { parseAnswer } from "../kernel/netlink.ts";
import {
  addFilter,
  type Filter,
  listFilters,
  makeHooks,
  parseFilter,
  removeFilter,
  removeHooks,
} from "../kernel/tc.ts";

/** How the program is attached. */
export type Way = "tcx" | "clsact";

/** One attachment. `fd` is that of a tcx link; `hasMadeHooks`: the link had no clsact before. */
type Attachment = { way: "tcx"; fd: number } | { way: "clsact"; filter: Filter; hasMadeHooks: boolean };

const namePrefix = "mcr-end-";
// Behind the filters of others: those that tc numbers itself come down from 0xc000.
const priorityFirst = 0xc000;
const priorityMask = 0x3fff;

/** Where the program is attached at present. */
export class Attachments {
  private readonly program: EndingProgram;
  private readonly ways: readonly Way[];
  private readonly byLink = new Map<number, Attachment>();
  private sequence = 0;

  /** `ways`: what is tried, in turn. */
  constructor(program: EndingProgram, ways: readonly Way[] = ["tcx", "clsact"]) {
    this.program = program;
    this.ways = ways;
  }

  /** How the program is attached to a link, if it is. */
  wayOf(linkIndex: number): Way | undefined {
    return this.byLink.get(linkIndex)?.way;
  }

  /** What keeps the program in place on links where it is attached by tcx. */
  get descriptors(): number[] {
    return [...this.byLink.values()].flatMap((each) => (each.way === "tcx" ? [each.fd] : []));
  }

  links(): number[] {
    return [...this.byLink.keys()];
  }

  /** Attaches to a link it is not attached to yet; the failure is that of the last way tried. */
  attach(linkIndex: number): Failure | undefined {
    let failure: Failure | undefined;
    for (const way of this.ways) {
      const attached = way === "tcx" ? this.attachTcx(linkIndex) : this.attachFilter(linkIndex);
      if (!isFailure(attached)) {
        this.byLink.set(linkIndex, attached);
        return undefined;
      }
      failure = attached;
      // Not the way's fault: the link went a moment ago.
      if (attached.errno === errno.ENODEV) {
        break;
      }
    }
    return failure;
  }

  /** Takes it off. What the kernel has removed with the link is off already. */
  detach(linkIndex: number): void {
    const attachment = this.byLink.get(linkIndex);
    this.byLink.delete(linkIndex);
    if (attachment?.way === "tcx") {
      closeSocket(attachment.fd);
    } else if (attachment !== undefined) {
      this.tell((sequence) => removeFilter(sequence, attachment.filter));
      if (attachment.hasMadeHooks && this.isBare(linkIndex)) {
        this.tell((sequence) => removeHooks(sequence, linkIndex));
      }
    }
  }

  close(): void {
    for (const linkIndex of this.links()) {
      this.detach(linkIndex);
    }
  }

  private attachTcx(linkIndex: number): Attachment | Failure {
    const fd = this.program.attach(linkIndex);
    return isFailure(fd) ? fd : { way: "tcx", fd };
  }

  private attachFilter(linkIndex: number): Attachment | Failure {
    const door = this.program.openDoor();
    if (isFailure(door)) {
      return door;
    }
    const made = this.tell((sequence) => makeHooks(sequence, linkIndex));
    if (made !== undefined && made.errno !== errno.EEXIST) {
      return made;
    }
    const left = this.filters(linkIndex, "ingress").filter(({ name }) => isLeftOver(name));
    for (const filter of left) {
      this.tell((sequence) => removeFilter(sequence, filter));
    }
    const priority = priorityFirst | (process.pid & priorityMask);
    const filter = { linkIndex, priority, handle: 1, name: `${namePrefix}${process.pid}` };
    const refused = this.tell((sequence) => addFilter(sequence, filter, door));
    // Hooks that the one before made are ours to remove, now that its filter is gone.
    return refused ?? { way: "clsact", filter, hasMadeHooks: made === undefined || left.length > 0 };
  }

  private isBare(linkIndex: number): boolean {
    return [...this.filters(linkIndex, "ingress"), ...this.filters(linkIndex, "egress")].length === 0;
  }

  private filters(linkIndex: number, hook: "ingress" | "egress"): Filter[] {
    const found: Filter[] = [];
    this.ask(
      (sequence) => listFilters(sequence, linkIndex, hook),
      (body) => {
        const filter = parseFilter(body);
        // A list begins with an entry for the priority itself, without a handle.
        if (filter !== undefined && filter.handle !== 0) {
          found.push(filter);
        }
      },
    );
    return found;
  }

  private tell(requestOf: (sequence: number) => Uint8Array): Failure | undefined {
    return this.ask(requestOf, () => undefined);
  }

  private ask(requestOf: (sequence: number) => Uint8Array, read: (body: Uint8Array) => void): Failure | undefined {
    const asker = NetlinkSocket.open();
    if (isFailure(asker)) {
      return asker;
    }
    this.sequence++;
    let refused = 0;
    const failure = asker.ask(requestOf(this.sequence), (bytes) => {
      const answer = parseAnswer(bytes, this.sequence);
      refused = answer.errno;
      for (const { body } of answer.messages) {
        read(body);
      }
      return answer.isDone;
    });
    asker.close();
    return failure ?? (refused === 0 ? undefined : { step: "tc", errno: refused });
  }
}

/** A filter of a supervisor that lives no more, or of one whose number this process has got. */
function isLeftOver(name: string): boolean {
  const pid = name.startsWith(namePrefix) ? Number(name.slice(namePrefix.length)) : Number.NaN;
  return pid === process.pid || (Number.isInteger(pid) && !existsSync(`/proc/${pid}`));
}
