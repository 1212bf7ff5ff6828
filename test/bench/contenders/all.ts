import type { Contender } from "./contender.ts";
import { nftables, smcroute, tcBpf } from "./kernel.ts";
import { ownContenders } from "./own.ts";
import { plain, socat, uring } from "./programs.ts";

/** Everybody, in the order of the tables; ratios are against `plain`. */
export const contenders: readonly Contender[] = [...ownContenders, plain, uring, socat, smcroute, nftables, tcBpf];
export const yardstick = plain.name;
