// The fields of a rule that may say more than one address, port or link. As in fields.ts, a complaint reads after the field's name.
import { z } from "zod";
import { isMulticast, isUnicast } from "../base/ipv4.ts";
import { limits } from "../limits.ts";
import { found, linkNameProblem, list, portZero, wrongType } from "./fields.ts";
import { formatPrefix, isPattern, lastOf, maskOf, type Prefix, parseOffset, parsePorts, parsePrefix } from "./range.ts";

type Context = z.core.ParsePayload;

function complain(context: Context, message: string): void {
  context.issues.push({ code: "custom", message, input: context.value });
}

const isGroup = ({ first, bits }: Prefix) => bits >= 4 && isMulticast(first);
const isHosts = (prefix: Prefix) => isUnicast(prefix.first) && isUnicast(lastOf(prefix));

/** An address or a prefix; its text comes out in one form, so that `239.1.1.1/32` is `239.1.1.1`. */
function prefix(expected: string, example: string, accepts: (prefix: Prefix) => boolean) {
  return z
    .string({ error: wrongType(expected) })
    .check((context) => {
      const parsed = parsePrefix(context.value);
      if (parsed === undefined || !accepts(parsed)) {
        const phrase = context.value.includes("/") ? `${expected}, or a prefix such as ${example}` : expected;
        complain(context, `must be ${phrase}, not ${found(context.value)}`);
      } else if ((parsed.first & ~maskOf(parsed.bits)) !== 0) {
        complain(context, `${found(context.value)} has bits behind its prefix; '${formatPrefix(parsed)}' has none`);
      }
    })
    .overwrite((value) => {
      const parsed = parsePrefix(value);
      return parsed === undefined ? value : formatPrefix(parsed);
    });
}

/** Where datagrams go to, before and after: an address or a prefix, multicast or unicast. */
export const destinations = prefix(
  "an IPv4 address, multicast or unicast, such as 239.1.1.1",
  "239.1.0.0/16",
  (each) => isGroup(each) || isHosts(each),
);

/** Where datagrams come from: an address that a host can own, or a prefix of such. */
export const hostAddresses = prefix("a unicast IPv4 address such as 10.0.0.9", "10.1.0.0/16", isHosts);

const portNumber = z.number().meta({ type: "integer", minimum: 0, maximum: 65_535 });

function isPort(value: number | string): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 65_535;
}

/** A port, or a text against which `why` has nothing; "" is told as `more`: what a text that looks like it could be. */
function portOr(more: string, why: (text: string) => string | undefined) {
  const phrase = "a port from 1 to 65535";
  return z.union([portNumber, z.string()], { error: wrongType(phrase) }).check((context) => {
    const { value } = context;
    const problem = typeof value === "string" ? why(value) : isPort(value) ? undefined : "";
    if (problem !== undefined) {
      const isNear = typeof value === "string" && /[-+]/.test(value);
      complain(context, problem === "" ? `must be ${phrase}${isNear ? more : ""}, not ${found(value)}` : problem);
    }
  });
}

/** Ports that datagrams are sent to. 0 passes here; whether it may stand depends on the protocol (see schema.ts). */
export const inputPorts = portOr(', or a range such as "5000-5999"', (text) => {
  const ports = parsePorts(text);
  if (ports === undefined) {
    return text.startsWith("0-") ? portZero : "";
  }
  return ports.first === ports.last ? `${found(text)} is one port; write ${ports.first}` : undefined;
});

/** The port that datagrams leave to, or what is added to that of the input. */
export const outputPort = portOr(', or what to add to that of the input, such as "+1000"', (text) =>
  parseOffset(text) === undefined ? "" : undefined,
);

/** Why `name` can be no input link: that of a link, or the beginning of several and a '*'. */
export function inputLinkProblem(name: string): string | undefined {
  if (!isPattern(name)) {
    return name.includes("*")
      ? "has a '*' that is not at its end; 'eth0.*' means every link whose name begins so"
      : linkNameProblem(name);
  }
  const beginning = name.slice(0, -1);
  if (beginning === "") {
    return "means every link, also those of the outputs; say how the names begin, as in 'eth0.*'";
  }
  return beginning.includes("*") ? "has more than one '*'; one at the end is enough" : linkNameProblem(beginning);
}

/** Groups to join for a prefix, which nobody can join as a whole. */
export const joinList = list(
  z
    .string({ error: wrongType("a group such as 239.1.0.1") })
    .meta({ format: "ipv4" })
    .check((context) => {
      const parsed = parsePrefix(context.value);
      if (parsed === undefined || parsed.bits !== 32 || !isMulticast(parsed.first) || context.value.includes("/")) {
        complain(context, `must be a group such as 239.1.0.1, not ${found(context.value)}`);
      }
    }),
  "groups",
  limits.ruleJoinsMax,
);
