import type { Contender } from "./contender.ts";
import { nftables, smcroute, tcBpf } from "./kernel.ts";
import { otherBuild, ownContenders } from "./own.ts";
import { captureTrials, plain, socat, uring } from "./programs.ts";

/** Whoever may take part, the build `against` included. */
export function contendersWith(against: string | undefined): readonly Contender[] {
  return against === undefined ? contenders : [...contenders, ...otherBuild(against)];
}

/** Everybody, in the order of the tables; ratios are against `plain`. */
export const contenders: readonly Contender[] = [
  ...ownContenders,
  plain,
  uring,
  socat,
  smcroute,
  nftables,
  tcBpf,
  ...captureTrials,
];
export const yardstick = plain.name;
