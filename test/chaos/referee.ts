// Judges a run by what was counted: every datagram is somewhere. Pure.
import type { Received } from "../helpers/traffic.ts";
import type { Accounts, ChaosStatus } from "./status.ts";

/** All that was counted, when nothing moved any more. */
export type Evidence = {
  /** Datagrams that the generators sent into the relay's filter: counted flows, and floods that workers see. */
  sent: { flows: number; floods: number };
  status: ChaosStatus;
  accounts: Accounts;
  /** What came out on the link that stayed, of all counted flows. */
  received: Received;
  /** Names of the rules of counted flows. Their first output is the one that `received` heard. */
  counted: readonly string[];
};

/** A worker dies with at most this many frames in its hands: taken from the ring and not yet counted. The documented gap. */
export const gapPerDeath = 1;

/** What does not add up, in words; empty when every datagram is accounted for. */
export function complaints({ sent, status, accounts, received, counted }: Evidence): string[] {
  const { frames, rules, workers } = status;
  const deaths = workers.reduce((sum, { restarts }) => sum + restarts, 0);
  const refused = Object.values(frames.refusals).reduce((sum, each) => sum + each, 0);
  const flows = rules.filter(({ name }) => name !== undefined && counted.includes(name));
  const firsts = flows.flatMap(({ outputs: [first] }) => first ?? []);
  const total = (of: "datagrams_sent" | "datagrams_failed" | "datagrams_dropped") =>
    firsts.reduce((sum, each) => sum + each[of], 0);
  const died = firsts.reduce((sum, { drops }) => sum + (drops["worker_died"] ?? 0), 0);
  const heard = received.received + received.kernel_drops;
  const matched = flows.reduce((sum, { datagrams }) => sum + datagrams, 0);
  const [all, gap] = [sent.flows + sent.floods, deaths * gapPerDeath];
  return [
    within("sent and neither taken nor lost in the kernel", all - frames.received - frames.kernel_drops, -gap, gap),
    equal(
      "frames received",
      frames.received,
      frames.matched + frames.no_match + refused,
      "matched, unmatched or refused",
    ),
    equal(
      "datagrams of counted flows",
      matched,
      total("datagrams_sent") + total("datagrams_failed") + total("datagrams_dropped"),
      "sent, failed or dropped",
    ),
    // What a dead worker had handed to the kernel without hearing of it counts as lost, and some of it came through.
    within("arrived beyond what counts as sent", heard - total("datagrams_sent"), 0, died),
    equal("counted rules", flows.length, counted.length, "there at the end"),
    equal("datagrams that arrived twice", received.duplicated, 0, "allowed"),
    equal("datagrams that arrived damaged", received.corrupt + received.foreign, 0, "allowed"),
    ...accounts.filter(({ holds }) => !holds).map((account) => `stats --check: ${JSON.stringify(account)}`),
  ].filter((complaint) => complaint !== undefined);
}

function equal(what: string, is: number, wanted: number, why: string): string | undefined {
  return is === wanted ? undefined : `${what}: ${is}, but ${wanted} ${why}`;
}

function within(what: string, is: number, low: number, high: number): string | undefined {
  return is >= low && is <= high ? undefined : `${what}: ${is}, expected ${low} to ${high}`;
}
