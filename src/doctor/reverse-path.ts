// rp_filter, reported and never changed: to work in spite of it is what the relay is for.
import { fine, unseen, type Verdict } from "./verdict.ts";

const words = ["off", "strict", "loose"] as const;

/** Values of net.ipv4.conf.all and of the link; the larger one is in force (Documentation/networking/ip-sysctl.rst). */
export function judgeReversePath(facts: { link: string; all: number | undefined; own: number | undefined }): Verdict[] {
  const { link, all, own } = facts;
  if (all === undefined || own === undefined) {
    return [unseen("rp-filter", `rp_filter of ${link} cannot be read here.`, link)];
  }
  const value = Math.max(all, own);
  const word = words[value] ?? String(value);
  return [
    fine(
      "rp-filter",
      value === 0 ? `rp_filter of ${link} is off` : `rp_filter of ${link} is ${word}; the relay does not mind`,
      link,
    ),
  ];
}
