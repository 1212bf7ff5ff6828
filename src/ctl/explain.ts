// explain: why nothing arrives through a rule, or what the rules would do with a captured frame.
import { exitCodes } from "../base/exit.ts";
import { printable } from "../base/printable.ts";
import type { Evidence, Explanation } from "../control/explanation.ts";
import { askAndShow, usage } from "./answer.ts";
import { explainFrame, frameOf, framesOf } from "./explain-frame.ts";
import { table } from "./table.ts";
import { count } from "./units.ts";
import type { Given, Verb, World } from "./verb.ts";

export const explain: Verb = {
  name: "explain",
  chapter: "Watch",
  summary: "say why nothing arrives, or what would become of a frame",
  details: [
    "With a RULE (its id or name): verdicts from what is known of it, gravest first, each with the counters it was concluded from.",
    "With --frame or --pcap: walks captured Ethernet frames through the rules that run now, and prints each decision. Nothing is " +
      "sent. A frame captured on its sender may have an unfinished checksum, which is then refused.",
  ],
  usesSocket: true,
  positionals: ["RULE"],
  options: {
    frame: { value: "HEX", summary: "an Ethernet frame in hexadecimal" },
    pcap: { value: "FILE", summary: "frames of a capture file, as 'tcpdump -w' writes it" },
    interface: {
      value: "INTERFACE",
      summary: "where the frames arrived",
      default: "each interface that rules take from",
    },
  },
  examples: [
    { line: "mcr-appliance explain feed-a", does: "verdicts on one rule" },
    { line: "mcr-appliance explain --pcap trace.pcap --interface eth0", does: "what becomes of captured frames" },
  ],
  run,
};

async function run(given: Given, world: World): Promise<number> {
  const [rule] = given.positionals;
  const [hex, path] = [given.text("frame"), given.text("pcap")];
  if ([rule, hex, path].filter((each) => each !== undefined).length !== 1) {
    return usage(world, "'explain' needs one of a RULE, --frame and --pcap. See 'mcr-appliance help explain'.");
  }
  if (rule !== undefined) {
    return askAndShow(world, { Explain: { rule } }, "Explanation", renderExplanation);
  }
  const frames = path === undefined ? frameOf(hex ?? "") : framesOf(path);
  if (!frames.ok) {
    return usage(world, frames.error);
  }
  const answer = await world.ask("ListRules");
  if (!answer.ok || !("Rules" in answer.value.reply)) {
    // Says why there is no list, as every verb would.
    return askAndShow(world, "ListRules", "Rules", () => "");
  }
  const { Rules: rules } = answer.value.reply;
  const all = Array.isArray(frames.value) ? frames.value : [frames.value];
  const decided = all.map((frame) => explainFrame(frame, rules, given.text("interface")));
  world.say(
    world.json
      ? JSON.stringify(decided, null, 2)
      : decided.map((lines, at) => `frame ${at + 1}: ${lines.map(printable).join("\n  ")}`).join("\n"),
  );
  return exitCodes.ok;
}

/** Verdicts in words, evidence under each. */
export function renderExplanation({ rule_id, name, input, findings }: Explanation): string {
  const head = `${name === undefined ? rule_id : `${name} (${rule_id})`}: ${input}`;
  const parts = findings.map(({ verdict, text, is_past, evidence }) => {
    const rows = evidence.map((each) => [`    ${each.name}`, shown(each), ageOf(each)]);
    return `${verdict.replaceAll("_", " ")}${is_past === true ? " (past)" : ""}: ${printable(text)}${tableBody(rows)}`;
  });
  return [printable(head), ...parts].join("\n\n");
}

/** A table without its headings, each row on a line of its own. */
function tableBody(rows: string[][]): string {
  const lines = table([{ head: "" }, { head: "", align: "right" }, { head: "" }], rows)
    .split("\n")
    .slice(1);
  return lines.map((line) => `\n${line}`).join("");
}

function shown({ value }: Evidence): string {
  return typeof value === "number" ? count(value) : value;
}

function ageOf({ age_seconds }: Evidence): string {
  return age_seconds === undefined ? "" : `${age_seconds.toFixed(1)} s ago`;
}
