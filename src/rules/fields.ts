// The fields a rule is made of, each with one clear complaint. A complaint reads after the field's name and says what is
// wrong and what would be right: `input_port` + "cannot be 0; valid port range is 1-65535".
import { z } from "zod";
import { isMulticast, isUnicast, parseIpv4 } from "../base/ipv4.ts";
import { printable } from "../base/printable.ts";
import { limits } from "../limits.ts";

/** How much of a wrong value a complaint repeats. */
const foundLengthMax = 40;

/** What was found instead, short enough for one line and safe for a terminal. */
export function found(value: unknown): string {
  if (typeof value === "string") {
    const isLong = value.length > foundLengthMax;
    return `'${printable(value.slice(0, foundLengthMax))}${isLong ? "…" : ""}'`;
  }
  if (typeof value === "object" && value !== null) {
    return Array.isArray(value) ? "a list" : "an object";
  }
  return String(value);
}

/** The complaint about a value of the wrong type, or of none. */
export function wrongType(expected: string): (issue: { input?: unknown }) => string {
  return ({ input }) =>
    input === undefined ? `is missing; it must be ${expected}` : `must be ${expected}, not ${found(input)}`;
}

function sizeOf(text: string): number {
  return Buffer.byteLength(text, "utf8");
}

// C0, C1 and lone surrogates: they would reach somebody's terminal or break a line of the log.
const unprintable = /[\p{Cc}\p{Cs}]/u;

/** A string of up to `sizeMax` bytes in UTF-8 without control characters. `expected` completes "must be …". */
export function text(expected: string, sizeMax: number) {
  return z
    .string({ error: wrongType(expected) })
    .meta({ maxLength: sizeMax })
    .check((context) => {
      const size = sizeOf(context.value);
      if (size > sizeMax) {
        const message = `is ${size} bytes long; at most ${sizeMax} are allowed`;
        context.issues.push({ code: "custom", message, input: context.value });
      } else if (unprintable.test(context.value)) {
        const message = `must not contain control characters: ${found(context.value)}`;
        context.issues.push({ code: "custom", message, input: context.value });
      }
    });
}

/** A whole number from `min` to `max`; `expected` names its meaning, e.g. "a TTL". */
export function whole(expected: string, min: number, max: number, phrase = `${expected} from ${min} to ${max}`) {
  return z
    .number({ error: wrongType(phrase) })
    .meta({ type: "integer", minimum: min, maximum: max })
    .check((context) => {
      const value = context.value;
      if (!Number.isInteger(value) || value < min || value > max) {
        context.issues.push({ code: "custom", message: `must be ${phrase}, not ${value}`, input: value });
      }
    });
}

/** Port 0 passes here; whether it may stand depends on the protocol (see schema.ts). */
export const port = whole("a port", 0, 65_535, "a port from 1 to 65535");
/** What is said of port 0 where there must be a port; the words are MCR's. */
export const portZero = "cannot be 0; valid port range is 1-65535";

/** 0 would never leave this host. */
export const ttl = whole("a TTL", 1, 255);

/** The port that datagrams leave from; "any" is said by leaving it out. */
export const sourcePort = whole("a port", 1, 65_535);

/** The six bits of RFC 2474; the two beside them are the network's, for congestion. */
export const dscp = whole("a DSCP", 0, 63);

/** What a rule may ask its link to speak. Version 1 knows no leaving, and nobody speaks it. RFC 2236, RFC 3376. */
export const igmpVersion = whole("an IGMP version", 2, 3, "2 or 3");

/** Seconds between two reports of a membership; 0: never again. */
export const rejoinInterval = whole("a number of seconds", 0, limits.rejoinIntervalSecondsMax);

function ipv4(expected: string, accepts: (address: number) => boolean) {
  return z
    .string({ error: wrongType(expected) })
    .meta({ format: "ipv4" })
    .check((context) => {
      const address = parseIpv4(context.value);
      if (address === undefined || !accepts(address)) {
        context.issues.push({
          code: "custom",
          message: `must be ${expected}, not ${found(context.value)}`,
          input: context.value,
        });
      }
    });
}

/** Where datagrams go to: multicast or unicast. */
export const destination = ipv4(
  "an IPv4 address, multicast or unicast, such as 239.1.1.1",
  (address) => isMulticast(address) || isUnicast(address),
);

/** Where datagrams come from: an address that a host can own. */
export const hostAddress = ipv4("a unicast IPv4 address such as 10.0.0.9", isUnicast);

/**
 * Why Linux would not accept `name` for a link, or undefined when it would: dev_valid_name() in net/core/dev.c. Its isspace()
 * looks at bytes and counts 0xA0 as white space, so some accented letters are refused there too.
 */
export function linkNameProblem(name: string): string | undefined {
  if (name === "") {
    return "must not be empty";
  }
  const bytes = Buffer.from(name, "utf8");
  if (bytes.length > limits.linkNameSizeMax) {
    return `exceeds maximum length of ${limits.linkNameSizeMax} bytes`;
  }
  if (name === "." || name === "..") {
    return "is a name that Linux does not allow";
  }
  if (name.includes("/") || name.includes(":")) {
    return "contains invalid character '/' or ':'";
  }
  if (bytes.some((byte) => byte === 0x20 || byte === 0xa0 || (byte >= 9 && byte <= 13))) {
    return "contains white space";
  }
  if (name.includes("\0") || /\p{Cs}/u.test(name)) {
    return "is not text";
  }
  return undefined;
}

/** The name of a link. */
export const linkName = z.string({ error: wrongType("the name of a network interface") }).check((context) => {
  const problem = linkNameProblem(context.value);
  if (problem !== undefined) {
    context.issues.push({
      code: "custom",
      message: `${found(context.value)} ${problem}`,
      input: context.value,
    });
  }
});

/** UDP or ESP. */
export const protocol = z.number({ error: wrongType("17 (UDP) or 50 (ESP)") }).check((context) => {
  if (context.value !== 17 && context.value !== 50) {
    const message = `must be 17 (UDP) or 50 (ESP), not ${context.value}`;
    context.issues.push({ code: "custom", message, input: context.value });
  }
});

/** True or false. */
export const claim = z.boolean({ error: wrongType("true or false") });

/** What an object needs in order to be one. */
export const objectError = { error: wrongType("an object") };

/** A list of at most `countMax` of `item`. */
export function list<T extends z.ZodType>(item: T, expected: string, countMax: number) {
  return z
    .array(item, { error: wrongType(`a list of ${expected}`) })
    .meta({ maxItems: countMax })
    .check((context) => {
      if (context.value.length > countMax) {
        const message = `has ${context.value.length} entries; at most ${countMax} are allowed`;
        context.issues.push({ code: "custom", message, input: context.value });
      }
    });
}

/** `T` without null and undefined values: absent means absent. */
export type Compact<T> = { [K in keyof T]: Exclude<T[K], null | undefined> };

/** Removes fields that are null or undefined: on the wire both mean "not given". */
export function compact<T extends object>(value: T): Compact<T> {
  // A plain loop: it is run twice for each of 10,000 rules.
  const given: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value)) {
    if (field !== null && field !== undefined) {
      given[name] = field;
    }
  }
  return given as Compact<T>;
}
