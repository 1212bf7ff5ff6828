// What mcrctl's sub-commands can be told, field by field (INTEROP.md 1.2).
import { done, failed, type Outcome } from "../base/outcome.ts";
import { printable } from "../base/printable.ts";
import { type Facility, facilities, type Level, levelNamed } from "../log/record.ts";
import type { Matched } from "./clap.ts";

/** What was given for an option, once. */
export function text(given: Matched, name: string): string | undefined {
  return given.get(name)?.[0];
}

/** What was given for an option that clap's part has seen to be there. */
export function must(given: Matched, name: string): string {
  return text(given, name) ?? "";
}

/** `{ [field]: value }`, or nothing where nothing was given: absent means absent on the wire. */
export function optional(field: string, value: string | number | undefined): Record<string, string | number> {
  return value === undefined ? {} : { [field]: value };
}

/** The number that was given; its option's check has seen that it is one. */
export function number(given: Matched, name: string): number | undefined {
  const value = text(given, name);
  return value === undefined ? undefined : Number(value);
}

/** `GROUP:PORT:INTERFACE`, comma-separated and/or repeated. */
export function outputs(specs: readonly string[]): Outcome<{ group: string; port: number; interface: string }[]> {
  const parsed: { group: string; port: number; interface: string }[] = [];
  for (const spec of specs.flatMap((each) => each.split(","))) {
    const [group = "", port = "", link, ...more] = spec.split(":");
    if (link === undefined || more.length > 0 || !/^[0-9]{1,5}$/.test(port) || Number(port) > 65_535) {
      return failed(`Invalid output '${printable(spec)}': expected GROUP:PORT:INTERFACE, e.g. 239.2.2.2:5001:eth1`);
    }
    parsed.push({ group, port: Number(port), interface: link });
  }
  return done(parsed);
}

/** A level by its name, in any case; `trace` cannot be named here. */
export function level(name: string): Outcome<Level> {
  const found = levelNamed(name);
  return found === undefined || found === "Trace"
    ? failed(
        `Invalid log level '${printable(name)}'. Valid levels: emergency, alert, critical, error, warning, notice, info, debug`,
      )
    : done(found);
}

/** A facility by its exact name. */
export function facility(name: string): Outcome<Facility> {
  const found = facilities.find((each) => each === name && each !== "Unknown");
  return found === undefined
    ? failed(
        `Invalid facility '${printable(name)}'. Valid facilities: ${facilities.filter((each) => each !== "Unknown").join(", ")}`,
      )
    : done(found);
}

const eventNames = new Map([
  ["igmp", "IgmpMembership"],
  ["igmp-membership", "IgmpMembership"],
  ["pim-neighbor", "PimNeighbor"],
  ["pim-neighbors", "PimNeighbor"],
  ["pim-route", "PimRoute"],
  ["pim-routes", "PimRoute"],
  ["msdp", "MsdpSaCache"],
  ["msdp-sa-cache", "MsdpSaCache"],
]);

/** Events by name; unknown ones are left out and returned, for a warning. */
export function events(names: string): { known: string[]; unknown: string[] } {
  const all = names.split(",").map((name) => name.trim());
  const known = all.flatMap((name) => eventNames.get(name) ?? []);
  return { known: [...new Set(known)], unknown: all.filter((name) => !eventNames.has(name)) };
}
