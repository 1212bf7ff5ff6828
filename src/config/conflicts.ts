// What is wrong with rules beside each other, in one file or over several, and with settings that more than one file makes.
// Told at the second place, naming the first.
import { printable } from "../base/printable.ts";
import { espSourcePort } from "../rules/contradictions.ts";
import { compact } from "../rules/fields.ts";
import { ruleId } from "../rules/id.ts";
import { describeInput, type Input, inputKey } from "../rules/key.ts";
import { Ties } from "../rules/precedence.ts";
import { namesLink } from "../rules/range.ts";
import { protocols } from "../rules/schema.ts";
import { selfLoopText } from "../rules/table.ts";
import { follow } from "./json5/node.ts";
import type { Judged, Sketch } from "./judge.ts";
import type { Problem } from "./problem.ts";

/** A rule and the file it stands in. */
type Seen = { judged: Judged; sketch: Sketch };
/** Inputs that could tie, and where each stands. */
type Tied = { ties: Ties<Input>; seen: Map<Input, Seen> };

/** All problems that no file has by itself, or no field. */
export function conflicts(files: readonly Judged[]): Problem[] {
  const seenKeys = new Map<string, Seen>();
  const seenIds = new Map<string, Seen>();
  const ties: Tied = { ties: new Ties(), seen: new Map() };
  const problems = files.flatMap((judged) =>
    judged.sketches.flatMap((sketch) => [
      ...portProblems(judged, sketch),
      ...loopProblems(judged, sketch),
      ...repeatProblem(seenKeys, { judged, sketch }),
      ...tieProblem(ties, { judged, sketch }),
      ...idProblem(seenIds, { judged, sketch }),
    ]),
  );
  return [...problems, ...settingProblems(files)];
}

function told({ reporter }: Judged, sketch: Sketch, path: readonly PropertyKey[], message: string): Problem {
  const { node } = follow(sketch.node, path);
  const isContainer = node.kind === "object" || node.kind === "array";
  return reporter.problem("error", isContainer ? { start: node.start, end: node.start + 1 } : node, message);
}

function isEsp(sketch: Sketch): boolean {
  return sketch.input?.protocol === "esp";
}

function portProblems(judged: Judged, sketch: Sketch): Problem[] {
  if (sketch.input === undefined) {
    return [];
  }
  if (isEsp(sketch)) {
    return sketch.outputs.flatMap((output, index) => {
      const message = espSourcePort(output);
      return message === undefined
        ? []
        : [told(judged, sketch, ["outputs", index, "source_port"], `outputs[${index}].source_port ${message}`)];
    });
  }
  const input = `invalid port 0 in rule ${sketch.index}`;
  const problems = sketch.input.port === 0 ? [told(judged, sketch, ["input", "port"], input)] : [];
  for (const [index, { port }] of sketch.outputs.entries()) {
    if (port === 0) {
      problems.push(told(judged, sketch, ["outputs", index, "port"], `${input} output`));
    }
  }
  return problems;
}

function loopProblems(judged: Judged, sketch: Sketch): Problem[] {
  const name = sketch.input?.interface;
  return sketch.outputs.flatMap(({ interface: output }, index) =>
    name === undefined || output === undefined || !namesLink(name, output)
      ? []
      : [
          told(
            judged,
            sketch,
            ["outputs", index, "interface"],
            `rules[${sketch.index}]: ${selfLoopText(name, output)}`,
          ),
        ],
  );
}

function repeatProblem(seen: Map<string, Seen>, { judged, sketch }: Seen): Problem[] {
  if (sketch.input === undefined) {
    return [];
  }
  const { interface: input_interface, group, port, source } = sketch.input;
  const protocol = isEsp(sketch) ? protocols.esp : protocols.udp;
  const key = inputKey({
    input_interface,
    input_group: group,
    input_port: isEsp(sketch) ? 0 : port,
    input_protocol: protocol,
    ...(source ? { input_source: source } : {}),
  });
  const first = seen.get(key);
  if (first === undefined) {
    seen.set(key, { judged, sketch });
    return [];
  }
  const numbers = `(rules ${first.sketch.index} and ${sketch.index})`;
  const message = `duplicate rule for input ${input_interface}:${group}:${port} ${numbers}; first at ${placeOf(first)}`;
  return [told(judged, sketch, [], message)];
}

/** Two ranges of ports of one width that overlap: neither is more specific. */
function tieProblem({ ties, seen }: Tied, { judged, sketch }: Seen): Problem[] {
  if (sketch.input === undefined) {
    return [];
  }
  const { interface: input_interface, group, port, source } = sketch.input;
  const protocol = isEsp(sketch) ? protocols.esp : protocols.udp;
  const input = {
    input_interface,
    input_group: group,
    input_port: port,
    input_protocol: protocol,
    ...compact({ input_source: source }),
  };
  const other = ties.find(input, (each) => inputKey(each) !== inputKey(input));
  const first = other && seen.get(other);
  ties.put(input);
  seen.set(input, { judged, sketch });
  if (other === undefined || first === undefined) {
    return [];
  }
  const message =
    `rules ${first.sketch.index} and ${sketch.index} both take some datagrams of ${describeInput(input)} and ${describeInput(other)}, ` +
    `and neither is more specific; first at ${placeOf(first)}. Make one range narrower, or both apart`;
  return [told(judged, sketch, ["input", "port"], message)];
}

/** Ids of hashes differ when inputs do, so one of the two was chosen. */
function idProblem(seen: Map<string, Seen>, { judged, sketch }: Seen): Problem[] {
  const id = sketch.id ?? derivedId(sketch);
  const first = id === undefined ? undefined : seen.get(id);
  if (id !== undefined && first === undefined) {
    seen.set(id, { judged, sketch });
  }
  if (id === undefined || first === undefined || (sketch.id ?? first.sketch.id) === undefined) {
    return [];
  }
  const message = `the rule id '${printable(id)}' is taken; first at ${placeOf(first)}`;
  return [told(judged, sketch, sketch.id === undefined ? [] : ["rule_id"], message)];
}

function derivedId({ input }: Sketch): string | undefined {
  if (input === undefined) {
    return undefined;
  }
  const protocol = input.protocol === "esp" ? protocols.esp : protocols.udp;
  return ruleId(input.interface, input.group, input.port, protocol, input.source ?? undefined);
}

function placeOf({ judged, sketch }: Seen): string {
  return judged.reporter.where(sketch.node.start);
}

/** Rules of all files count together; any other setting has one file that makes it. */
function settingProblems(files: readonly Judged[]): Problem[] {
  const seen = new Map<string, string>();
  return files.flatMap(({ root, reporter }) =>
    (root.kind === "object" ? root.members : []).flatMap(({ name, key, value }) => {
      const isNothing = value.kind === "scalar" && value.value === null;
      if (name === "rules" || name === "$schema" || isNothing) {
        return [];
      }
      const first = seen.get(name);
      const here = reporter.where(key.start);
      seen.set(name, first ?? here);
      // Twice in one file is told as a repeated key.
      return first === undefined || first.startsWith(`${printable(reporter.file)}:`)
        ? []
        : [reporter.problem("error", key, `'${printable(name)}' is set in two files; first at ${first}`)];
    }),
  );
}
