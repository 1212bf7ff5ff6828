// Whether a wakeup ever gets lost: many datagrams in random bursts, and what the relay's own count says of its sleeps.

import { type Sample, type Session, wakeups } from "./session.ts";
import { openReceiver, received, send } from "./traffic.ts";

/** Ten million datagrams, or fewer in a quick run: enough for every race of the wakeup to come up thousands of times. */
const stress = { rate: 240_000, burst: 64, size: 256, seed: 20_011, datagrams: { full: 10_000_000, quick: 1_000_000 } };

/** Random bursts with pauses between: what a lost wakeup had stranded would wait for the end of the next pause. */
export async function takeStress(session: Session): Promise<Sample> {
  // At such rates its buffers are full within the time that a spinning generator would keep it waiting.
  const receiver = await openReceiver(session.lab, session.arrivals, session.shape.flows, session.options.nice);
  const sample: Sample = { stress_sent: 0, stress_lost: 0, stress_late: 0, stress_over_1ms: 0, stress_over_20ms: 0 };
  const before = await wakeups(session);
  const add = (name: string, by: number) => {
    sample[name] = (sample[name] ?? 0) + by;
  };
  const wanted = stress.datagrams[session.options.isQuick ? "quick" : "full"];
  try {
    for (let seed = stress.seed; (sample["stress_sent"] ?? 0) < wanted; seed++) {
      const sent = await send(session.lab, session.shape.flows, { ...stress, seconds: 5, seed }, session.options.nice);
      const result = await received(receiver);
      add("stress_sent", sent.sent);
      add("stress_lost", sent.sent - result.received);
      add("stress_late", result.late);
      add("stress_over_1ms", result.over_1ms);
      add("stress_over_20ms", result.over_20ms);
      sample["stress_max"] = Math.max(sample["stress_max"] ?? 0, result.max_ns / 1000);
    }
    const after = await wakeups(session);
    if (before === undefined || after === undefined) throw new Error("a relay of ours says how often it was woken");
    add("stress_stranded", after.stranded - before.stranded);
    add("stress_woken", after.written - before.written);
  } finally {
    await receiver.close();
  }
  return sample;
}
