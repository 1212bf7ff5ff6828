// IGMP memberships of this machine, for what rules want to hear. The kernel bounds them per socket (igmp_max_memberships, 20
// groups; igmp_max_msf, 10 sources of a group), so they are spread over as many helper sockets as it takes. The sockets are
// never bound: they hear nothing themselves, the capture sockets do.
import { isMulticast } from "../../base/ipv4.ts";
import { forRules } from "../../shim/descriptors.ts";
import { errno } from "../../shim/errno.ts";
import { closeSocket, type Failure, isFailure, joinGroup, leaveGroup, openUdp } from "../../shim/socket.ts";
import type { MembershipsWill } from "../succession/will.ts";

/** What is joined: `group` on a link, from `source` or (0) from any; addresses in host order. */
export type Membership = { linkIndex: number; group: number; source: number };

/** How a rule wants a membership reported again: every so many seconds (0: never), in which version; undefined: as usual. */
export type ReportWish = { rejoinSeconds?: number | undefined; igmpVersion?: 2 | 3 | undefined };

/** A membership that is held, and one of the wishes there are for it. */
export type Reported = Membership & ReportWish;

/** A membership the kernel refused. */
export type MembershipFailure = Membership & Failure;

type Helper = { fd: number; heldCount: number; hasRoom: boolean };
type Held = Membership & { helper: Helper; userCount: number; wishes: readonly ReportWish[] };

// The link, or the membership on it, went before we left it: as good as left.
const goneCodes: readonly number[] = [errno.ENODEV, errno.EADDRNOTAVAIL];

/** Helper sockets for one kind of membership; one that is full is not asked again until something left it. */
class Pool {
  private readonly roomy: Helper[] = [];
  private openedCount = 0;

  get socketCount(): number {
    return this.openedCount;
  }

  /** Takes a socket of the supervisor before us, which holds so many already. */
  adopt(fd: number, heldCount: number): Helper {
    const helper = { fd, heldCount, hasRoom: true };
    this.roomy.push(helper);
    this.openedCount++;
    return helper;
  }

  join({ linkIndex, group, source }: Membership): Helper | Failure {
    for (;;) {
      const helper = this.roomy.at(-1) ?? this.open();
      if (isFailure(helper)) {
        return helper;
      }
      const failure = joinGroup(helper.fd, linkIndex, group, source);
      if (failure === undefined) {
        helper.heldCount++;
        return helper;
      }
      // ENOBUFS of an empty socket is not the bound: another socket would not help.
      if (failure.errno !== errno.ENOBUFS || helper.heldCount === 0) {
        this.closeIfEmpty(helper);
        return failure;
      }
      helper.hasRoom = false;
      this.roomy.pop();
    }
  }

  leave(helper: Helper, { linkIndex, group, source }: Membership): Failure | undefined {
    const failure = leaveGroup(helper.fd, linkIndex, group, source);
    helper.heldCount--;
    if (!helper.hasRoom) {
      helper.hasRoom = true;
      this.roomy.push(helper);
    }
    this.closeIfEmpty(helper);
    return failure === undefined || goneCodes.includes(failure.errno) ? undefined : failure;
  }

  private open(): Helper | Failure {
    const fd = forRules(openUdp());
    return isFailure(fd) ? fd : this.adopt(fd, 0);
  }

  private closeIfEmpty(helper: Helper): void {
    if (helper.heldCount === 0) {
      this.roomy.splice(this.roomy.lastIndexOf(helper), 1);
      this.openedCount--;
      closeSocket(helper.fd);
    }
  }
}

/** All memberships of the program, counted by their users. A group that is not multicast needs none and is passed over. */
export class Memberships {
  private readonly held = new Map<string, Held>();
  // Counted once after each change: it is asked for twice a second.
  private holdersNow: ReadonlyMap<string, number> | undefined;
  private listNow: readonly Reported[] | undefined;
  // A socket cannot hold a group from any source and from one source at a time.
  private readonly anySource = new Pool();
  private readonly oneSource = new Pool();

  /** How many different memberships are held. */
  get count(): number {
    return this.held.size;
  }

  /** All that are held, each as often as its users' wishes differ; the same list until something changes. */
  list(): readonly Reported[] {
    this.listNow ??= [...this.held.values()].flatMap((held) =>
      held.wishes.map((wish) => ({ ...membershipOf(held), ...wish })),
    );
    return this.listNow;
  }

  /** All sockets and what each holds, for the supervisor after us. */
  get bequest(): MembershipsWill {
    const helpers = Map.groupBy(this.held.values(), ({ helper }) => helper);
    return [...helpers].map(([{ fd }, held]) => ({ fd, held: held.map(membershipOf) }));
  }

  /** Takes the sockets of the supervisor before us: nothing is left or joined. The next sync() decides what is still wanted. */
  inherit(helpers: MembershipsWill): void {
    for (const { fd, held } of helpers) {
      const isOneSource = held.some(({ source }) => source !== 0);
      const helper = (isOneSource ? this.oneSource : this.anySource).adopt(fd, held.length);
      for (const membership of held) {
        this.held.set(keyOf(membership), { ...membership, helper, userCount: 1, wishes: [] });
      }
    }
    this.holdersNow = undefined;
    this.listNow = undefined;
  }

  /** How many helper sockets hold them. */
  get socketCount(): number {
    return this.anySource.socketCount + this.oneSource.socketCount;
  }

  /** Whether this very membership is held: a group from one source is another than the group from any. */
  holds(membership: Membership | undefined): boolean {
    return membership !== undefined && this.held.has(keyOf(membership));
  }

  /** How many sockets hold each group, by `linkIndex group`: our share of the users that /proc/net/igmp counts. */
  holders(): ReadonlyMap<string, number> {
    if (this.holdersNow === undefined) {
      const helpers = Map.groupBy(this.held.values(), ({ linkIndex, group }) => `${linkIndex} ${group}`);
      this.holdersNow = new Map(
        [...helpers].map(([key, held]) => [key, new Set(held.map(({ helper }) => helper)).size]),
      );
    }
    return this.holdersNow;
  }

  /** Joins, or counts one more user. On failure nothing is held. */
  join(linkIndex: number, group: number, source = 0): Failure | undefined {
    return this.add({ linkIndex, group, source }, 1);
  }

  /** Takes one user away and leaves with the last. What is not held, or whose link is gone, is left already. */
  leave(linkIndex: number, group: number, source = 0): Failure | undefined {
    const key = keyOf({ linkIndex, group, source });
    const held = this.held.get(key);
    if (held === undefined) {
      return undefined;
    }
    held.userCount--;
    return held.userCount > 0 ? undefined : this.drop(key, held);
  }

  /**
   * Holds exactly `wanted` from now on, each with as many users as it was named times. New ones are joined before old ones
   * are left. Returns what was refused; that is not held, and the next sync tries it again.
   */
  sync(wanted: Iterable<Reported>): MembershipFailure[] {
    const counts = new Map<string, { membership: Membership; count: number; wishes: ReportWish[] }>();
    for (const { rejoinSeconds, igmpVersion, ...membership } of wanted) {
      const key = keyOf(membership);
      const { count, wishes } = counts.get(key) ?? { count: 0, wishes: [] };
      const isNew = !wishes.some((wish) => wish.rejoinSeconds === rejoinSeconds && wish.igmpVersion === igmpVersion);
      counts.set(key, {
        membership,
        count: count + 1,
        wishes: isNew ? [...wishes, { rejoinSeconds, igmpVersion }] : wishes,
      });
    }
    const failures: MembershipFailure[] = [];
    const note = (membership: Membership, failure: Failure | undefined) => {
      if (failure !== undefined) {
        failures.push({ ...membership, ...failure });
      }
    };
    for (const [key, { membership, count, wishes }] of counts) {
      const held = this.held.get(key);
      if (held === undefined) {
        note(membership, this.add(membership, count, wishes));
      } else if (held.userCount !== count || !Bun.deepEquals(held.wishes, wishes)) {
        this.held.set(key, { ...held, userCount: count, wishes });
        this.listNow = undefined;
      }
    }
    for (const [key, held] of this.held) {
      if (!counts.has(key)) {
        note(membershipOf(held), this.drop(key, held));
      }
    }
    return failures;
  }

  /**
   * Leaves and joins again all that is held on a link: for a link that took the index of one that was deleted, where the
   * kernel has forgotten what our sockets still claim. (Down and up again needs nothing: the kernel reports anew itself.)
   */
  rejoin(linkIndex: number): MembershipFailure[] {
    const failures: MembershipFailure[] = [];
    for (const [key, held] of [...this.held].filter(([, each]) => each.linkIndex === linkIndex)) {
      const failure = this.drop(key, held) ?? this.add(membershipOf(held), held.userCount, held.wishes);
      if (failure !== undefined) {
        failures.push({ ...membershipOf(held), ...failure });
      }
    }
    return failures;
  }

  /** Leaves everything. */
  close(): void {
    for (const [key, held] of this.held) {
      this.drop(key, held);
    }
  }

  private add(membership: Membership, userCount: number, wishes: readonly ReportWish[] = [{}]): Failure | undefined {
    const key = keyOf(membership);
    const held = this.held.get(key);
    if (held !== undefined) {
      held.userCount += userCount;
      return undefined;
    }
    if (!isMulticast(membership.group)) {
      return undefined;
    }
    const helper = this.poolOf(membership).join(membership);
    if (isFailure(helper)) {
      return helper;
    }
    this.held.set(key, { ...membership, helper, userCount, wishes });
    this.hasChanged();
    return undefined;
  }

  private drop(key: string, held: Held): Failure | undefined {
    this.held.delete(key);
    this.hasChanged();
    return this.poolOf(held).leave(held.helper, held);
  }

  private hasChanged(): void {
    this.holdersNow = undefined;
    this.listNow = undefined;
  }

  private poolOf({ source }: Membership): Pool {
    return source === 0 ? this.anySource : this.oneSource;
  }
}

function keyOf({ linkIndex, group, source }: Membership): string {
  return `${linkIndex} ${group} ${source}`;
}

function membershipOf({ linkIndex, group, source }: Membership): Membership {
  return { linkIndex, group, source };
}
