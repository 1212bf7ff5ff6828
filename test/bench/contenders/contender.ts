// What takes part in the bench, and how it is started.
import type { z } from "zod";
import type { Lab } from "../../helpers/namespaces.ts";
import { type Place, relayCpu, type Shape } from "../bed.ts";

/** Something that relays right now. `pids` is empty for what lives in the kernel alone. */
export type Contestant = {
  pids(): number[];
  stop(): Promise<void>;
  /** Asks a relay that can be asked; checked by the schema. */
  status?<T>(schema: z.ZodType<T>): Promise<T>;
};

/** `refuses`: why it cannot take part with that shape, or here at all; undefined when it can. */
export type Contender = {
  name: string;
  title: string;
  /** How long it must run under load before it is what it will be: a just-in-time compiler, caches. */
  warmUpSeconds: number;
  /** `own`: the relay of this repository. `kernel`: moves no datagram through a process. */
  kind: "own" | "program" | "kernel";
  /** Answers a question of its own, and takes part only when named. */
  isTrial?: true;
  refuses(shape: Shape): string | undefined;
  /** Where its datagrams arrive, for one that cannot rewrite; else at the shape's outputs. */
  arrivals?(shape: Shape): Place[];
  start(lab: Lab, shape: Shape): Promise<Contestant>;
};

/** Runs a command on the relay's CPU. */
export function onRelayCpu(command: readonly string[]): string[] {
  return ["taskset", "-c", String(relayCpu), ...command];
}

/** Says why when a program is not installed. */
export function missing(program: string, debianPackage: string): string | undefined {
  return Bun.which(program) === null ? `${program} is not here (Debian package ${debianPackage})` : undefined;
}
