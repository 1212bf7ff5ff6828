// explain --frame and --pcap: what the rules that run would do with a frame, decision by decision.
import { readFileSync } from "node:fs";
import { swap } from "../base/byte-order.ts";
import { formatIpv4 } from "../base/ipv4.ts";
import { done, failed, type Outcome, reasonOf } from "../base/outcome.ts";
import { printable } from "../base/printable.ts";
import { refusalWords } from "../control/refusal-words.ts";
import type { ListedRule } from "../control/words.ts";
import { limits } from "../limits.ts";
import type { Datagram } from "../relay/parse.ts";
import { describeInput } from "../rules/key.ts";
import { type Area, areaOf, reasonBefore } from "../rules/precedence.ts";
import { holds, namesLink, type Prefix, takesPort } from "../rules/range.ts";
import { describeOutput } from "./list.ts";
import { readPcap } from "./pcap.ts";
import { type CapturedFrame, ruleFor, walk } from "./walk.ts";

/** Rules that would have taken a frame too, named one by one. */
const rivalsNamedMax = 3;

/** The frame of an operator's hexadecimal text; blanks and colons between bytes are passed over. */
export function frameOf(hex: string): Outcome<CapturedFrame> {
  const digits = hex.replace(/[\s:]/g, "").replace(/^0x/i, "");
  if (!/^([0-9a-f]{2})+$/i.test(digits)) {
    return failed("--frame must be an Ethernet frame as hexadecimal digits, two for each byte");
  }
  const bytes = Uint8Array.fromHex(digits);
  return done({ bytes, wireSize: bytes.length });
}

/** The frames of a pcap file. */
export function framesOf(path: string): Outcome<CapturedFrame[]> {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    return failed(`--pcap ${printable(path)}: ${reasonOf(error)}`);
  }
  const frames = readPcap(bytes, limits.explainFramesMax);
  return frames.ok ? frames : failed(`--pcap ${printable(path)} ${frames.error}`);
}

/** Every decision about `frame`, as lines; on each link that rules take from, or on `link` alone. */
export function explainFrame(frame: CapturedFrame, rules: readonly ListedRule[], link: string | undefined): string[] {
  const { datagram, refusal, vlan } = walk(frame);
  const size = `${frame.bytes.length} bytes${frame.wireSize > frame.bytes.length ? ` of ${frame.wireSize} captured` : ""}`;
  if (refusal !== undefined) {
    const tag = vlan === 0 ? "" : ` (VLAN ${vlan})`;
    return [size, `refused: ${refusal}${tag}: ${refusalWords[refusal]}`];
  }
  const lines = [size, `parsed: ${describe(datagram)}`];
  const links = link === undefined ? [...new Set(rules.map((rule) => rule.input_interface))].sort() : [link];
  if (links.length === 0) {
    lines.push("no rules");
  }
  for (const name of links) {
    const onLink = rules.filter(({ input_interface: each }) => each === name || namesLink(each, name));
    lines.push(...decisionOn(name, onLink, datagram));
  }
  return lines;
}

function decisionOn(link: string, rules: readonly ListedRule[], datagram: Datagram): string[] {
  const rule = ruleFor(rules, datagram);
  if (rule === undefined) {
    return [`on ${link}: no match: ${nearest(rules, datagram)}`];
  }
  const pending = rule.state === "pending" ? `, which is pending: ${rule.reason ?? "?"}` : "";
  const state = rule.state === "disabled" ? ", which is disabled" : pending;
  const outputs = rule.outputs.map((output) => {
    const waiting = output.pending === undefined ? "" : ` (pending: ${output.pending})`;
    return `  -> ${describeOutput(output)}${waiting}`;
  });
  const head = `on ${link}: matches ${rule.name ?? rule.rule_id} (${describeInput(rule)})${state}`;
  return [head, ...rivalsOf(rule, rules, datagram), ...outputs];
}

/** The rules that would have taken it too, and why each did not get it. */
function rivalsOf(winner: ListedRule, rules: readonly ListedRule[], datagram: Datagram): string[] {
  const rivals = rules.filter((rule) => rule !== winner && wants(areaOf(rule), datagram));
  const lines = rivals.slice(0, rivalsNamedMax).map((rule) => {
    const why = reasonBefore(areaOf(winner), areaOf(rule));
    return `  before ${rule.name ?? rule.rule_id} (${describeInput(rule)}): ${why}`;
  });
  return rivals.length > rivalsNamedMax ? [...lines, `  and before ${rivals.length - rivalsNamedMax} more`] : lines;
}

/** Its link apart. */
function wants({ group, ports, source, protocol }: Area, datagram: Datagram): boolean {
  const isIn = (prefix: Prefix, word: number) => holds(prefix, { first: swap(word), bits: 32 });
  const port = datagram.portAndProtocol & 0xffff;
  return (
    protocol === datagram.portAndProtocol >>> 16 &&
    isIn(group, datagram.destinationWord) &&
    isIn(source, datagram.sourceWord) &&
    port >= ports.first &&
    port <= ports.last
  );
}

/** Why no rule of the link takes it. */
function nearest(rules: readonly ListedRule[], datagram: Datagram): string {
  const to = formatIpv4(swap(datagram.destinationWord));
  const address = { first: swap(datagram.destinationWord), bits: 32 };
  const sisters = rules.filter((rule) => holds(areaOf(rule).group, address));
  if (sisters.length === 0) {
    return `no rule wants ${to} there`;
  }
  const port = datagram.portAndProtocol & 0xffff;
  const samePort = sisters.filter((rule) => takesPort(rule.input_port, port));
  return samePort.length > 0
    ? `rules for ${to}:${port} want another source or protocol: ${samePort.map(describeInput).join(", ")}`
    : `rules for ${to} want port ${sisters.map((rule) => rule.input_port).join(", ")}, not ${port}`;
}

function describe({ sourceWord, destinationWord, portAndProtocol, payloadSize }: Datagram): string {
  const protocol = portAndProtocol >>> 16;
  const to = formatIpv4(swap(destinationWord));
  const what = protocol === 17 ? `UDP to ${to}:${portAndProtocol & 0xffff}` : `ESP to ${to}`;
  return `${what} from ${formatIpv4(swap(sourceWord))}, ${payloadSize} bytes of payload`;
}
