// From the fields of a rule to each other: whether its outputs can take, one to one, what its input says, and where a datagram goes.
import { parseIpv4 } from "../base/ipv4.ts";
import { holds, parseOffset, portsOf, prefixOf } from "./range.ts";

/** What there is to say of fields beside each other; `path` as in the file, `input` or `outputs` first. */
export type FieldProblem = { path: PropertyKey[]; message: string };

/** The side that takes, as the file says it. */
export type InputFields = {
  group: string;
  port: number | string;
  protocol: number;
  join?: readonly string[] | null | undefined;
};

type OutputFields = { group: string; port: number | string };

const esp = 50;

/** Whether what leaves by the output goes to different places for different datagrams of the input. */
export function isMapped({ group, port }: OutputFields, input: Pick<InputFields, "group" | "port">): boolean {
  return prefixOf(group).bits < 32 || (typeof port === "string" && typeof input.port === "string");
}

/** The port that a datagram to `port` leaves to. */
export function portOf(output: OutputFields, port: number): number {
  return typeof output.port === "number" ? output.port : port + (parseOffset(output.port) ?? 0);
}

/** Everything that is wrong with ranges of one rule. */
export function rangeProblems(input: InputFields, outputs: readonly OutputFields[]): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (input.protocol === esp && typeof input.port === "string") {
    problems.push({ path: ["input", "port"], message: "must be 0 for ESP, which has no ports" });
  }
  problems.push(...joinProblems(input));
  for (const [index, output] of outputs.entries()) {
    const say = (field: string, message: string) => problems.push({ path: ["outputs", index, field], message });
    const [from, to] = [prefixOf(input.group), prefixOf(output.group)];
    if (to.bits < 32 && to.bits !== from.bits) {
      const what = from.bits === 32 ? "the input's group is one address" : `the input's group is a /${from.bits}`;
      say(
        "group",
        `'${output.group}' is a /${to.bits}, and ${what}: they are mapped one to one, so both need the same length`,
      );
    }
    const ports = portsOf(input.port);
    const [first, last] = [portOf(output, ports.first), portOf(output, ports.last)];
    if (typeof output.port === "string" && input.protocol === esp) {
      say("port", "must be a number for ESP, which has no ports");
    } else if (typeof output.port === "string" && (first < 1 || last > 65_535)) {
      say(
        "port",
        `'${output.port}' leads port${first === last ? "" : "s"} ${input.port} to ${first === last ? first : `${first}-${last}`}; ports go from 1 to 65535`,
      );
    }
  }
  return problems;
}

function joinProblems({ group, join }: InputFields): FieldProblem[] {
  const groups = prefixOf(group);
  return (join ?? []).flatMap((each, index) => {
    const member = parseIpv4(each);
    if (groups.bits === 32) {
      return index > 0
        ? []
        : [
            {
              path: ["input", "join"],
              message: `is for prefixes: the group ${group} is one address and is joined anyway`,
            },
          ];
    }
    const isInside = member === undefined || holds(groups, { first: member, bits: 32 });
    return isInside ? [] : [{ path: ["input", "join", index], message: `'${each}' does not lie in ${group}` }];
  });
}
