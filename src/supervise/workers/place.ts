// A place for a worker: what stays when the process in it dies, or when another supervisor takes it over.
import { compact } from "../../rules/fields.ts";
import { Page } from "../counters/pages.ts";
import type { PlaceWill } from "../succession/will.ts";
import type { Child } from "./child.ts";
import { type Deaths, neverDied } from "./restart.ts";

/** `failed`: it ended in a way that another try would only repeat. */
export type WorkerState = "starting" | "running" | "restarting" | "stopping" | "failed";

/** One place for a worker process. */
export type Place = {
  readonly index: number;
  readonly core: number;
  readonly page: Page;
  child: Child | undefined;
  state: WorkerState;
  /** Why it is not running. */
  reason: string | undefined;
  restarts: number;
  /** Of these, how often its worker was alive and stuck. */
  stalls: number;
  /** How often its worker held other rules than it should, and was given them anew. */
  repairs: number;
  backoffMs: number;
  deaths: Deaths;
  /** Of the last that ended; null: a signal. */
  exitCode: number | null;
};

/** A place on each of `cores`; `inherited`: what the supervisor before us left there. Throws when there is no memory for a page. */
export function placesOf(cores: readonly number[], inherited: readonly PlaceWill[] | undefined): Place[] {
  return cores.map((core, index) => {
    const { page, restarts = 0, stalls = 0, repairs = 0 } = inherited?.[index] ?? {};
    return {
      index,
      core,
      page: page === undefined ? Page.open(`mcr-counters-${index}`) : Page.of(page),
      child: undefined,
      state: "starting",
      reason: undefined,
      ...{ restarts, stalls, repairs },
      backoffMs: 0,
      deaths: neverDied,
      exitCode: null,
    };
  });
}

/** For the supervisor after us; undefined while a worker that runs owes an answer. */
export function bequestOf(places: readonly Place[]): PlaceWill[] | undefined {
  const busy = places.find(({ state, child }) => state === "running" && child?.bequest === undefined);
  return busy === undefined
    ? places.map(({ core, page, restarts, stalls, repairs, state, child }) => {
        const worker = state === "running" ? child?.bequest : undefined;
        return { core, page: page.fd, restarts, stalls, repairs, ...compact({ worker }) };
      })
    : undefined;
}
