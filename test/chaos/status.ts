// What chaos and soak read of GetStatus and of `stats --check`. Written from the replies, not from src/.
import { z } from "zod";
import type { Relay } from "../helpers/relay.ts";
import { framesSchema, outputSchema } from "../helpers/status.ts";

const count = z.number();
const ruleSchema = z.object({
  name: z.string().optional(),
  reason: z.string().optional(),
  state: z.string(),
  datagrams: count,
  outputs: z.array(outputSchema),
});
const schema = z.object({
  rules: z.array(ruleSchema),
  workers: z.array(
    z.object({ state: z.string(), reason: z.string().optional(), restarts: count, stalls: count.default(0) }),
  ),
  /** The worker in waiting; absent: it is not born yet. */
  spare: z.object({ is_ready: z.boolean() }).optional(),
  frames: framesSchema,
});
const accountsSchema = z.object({
  Accounts: z.array(z.object({ name: z.string(), parts: z.record(z.string(), count), holds: z.boolean() })),
});

/** GetStatus, as far as it is read here. */
export type ChaosStatus = z.output<typeof schema>;
/** What `stats --check` says of each sum. */
export type Accounts = z.output<typeof accountsSchema>["Accounts"];

/** The relay's status now. */
export async function chaosStatus(relay: Relay): Promise<ChaosStatus> {
  return z.object({ Status: schema }).parse(await relay.send("GetStatus", 20_000)).Status;
}

/** Every sum that must hold, as it stands. */
export async function accountsOf(relay: Relay): Promise<Accounts> {
  return accountsSchema.parse(JSON.parse((await relay.tryCtl("stats", "--check", "--json")).stdout)).Accounts;
}

/** All that does not run, in words; empty: every rule, output and worker does, and the spare one waits. */
export function waitingIn({ rules, workers, spare }: ChaosStatus): string[] {
  return [
    ...(spare?.is_ready === true ? [] : ["the spare worker is not ready"]),
    ...workers.flatMap(({ state, reason }, at) => (state === "running" ? [] : [`worker ${at} is ${state}: ${reason}`])),
    ...rules.flatMap(({ name, state, reason }) => (state === "active" ? [] : [`rule ${name} is ${state}: ${reason}`])),
    ...rules.flatMap(({ name, outputs }) =>
      outputs.flatMap((each) => (each.pending === undefined ? [] : [`an output of rule ${name}: ${each.pending}`])),
    ),
  ];
}
