// add: one rule, checked here with the schema that the supervisor uses, so that most mistakes never travel.
import { done, failed, type Outcome } from "../base/outcome.ts";
import { printable } from "../base/printable.ts";
import type { RuleCommand } from "../control/words.ts";
import { explain } from "../rules/explain.ts";
import { tagWords } from "../rules/labels.ts";
import { ruleDraftSchema } from "../rules/schema.ts";
import { askAndShow, usage } from "./answer.ts";
import { claimOf, numberOf, parseOutputs } from "./outputs.ts";
import type { Given, Verb, World } from "./verb.ts";

export const add: Verb = {
  name: "add",
  chapter: "Rules",
  summary: "add a rule, or replace the one with the same id",
  details: [
    "Takes datagrams for GROUP:PORT on one interface and sends their payload to every output. Groups may be multicast or " +
      "unicast on both sides. Returns when every worker forwards the rule. A rule whose interface does not exist is " +
      "pending: it starts when the interface appears.",
    "An OUTPUT is GROUP:PORT:INTERFACE. Where one differs from --ttl, --dscp, --source-ip, --source-port or --preserve-source, that " +
      "stands behind it: ?ttl=N&dscp=N&source=ADDRESS&source-port=PORT or ?preserve-source=true, one or several, joined by &.",
    "A prefix as input (239.1.0.0/16) goes to one address, or, one to one, to a prefix of the same length; a range of ports to one " +
      "port, or to each with something added: 239.9.0.0/16:+1000:eth1. Of a prefix nothing is joined but what --join says. Where " +
      "several rules want a datagram, the most specific gets it: 'explain' says which, and why.",
    "Without --rule-id the id is made from the input, so adding the same input again replaces its rule.",
  ],
  usesSocket: true,
  options: {
    "input-interface": {
      value: "INTERFACE",
      summary: "where datagrams arrive, or all that begin so: 'eth0.*'",
      required: true,
    },
    "input-group": {
      value: "ADDRESS",
      summary: "their destination, multicast or unicast, or a prefix",
      required: true,
    },
    "input-port": { value: "PORT", summary: "their destination port, or a range: 5000-5999", required: true },
    "input-source": { value: "ADDRESS", summary: "only from this sender (source-specific multicast), or this prefix" },
    join: { value: "GROUP", summary: "groups of a prefix to join; comma-separated and/or repeated", multiple: true },
    outputs: {
      value: "OUTPUT",
      summary: "where to send; comma-separated and/or repeated",
      multiple: true,
    },
    ttl: { value: "N", summary: "TTL of outputs that name none", default: "1 for multicast" },
    "source-ip": { value: "ADDRESS", summary: "source address of outputs that name none", default: "the interface's" },
    "source-port": { value: "PORT", summary: "source port of outputs that name none", default: "any" },
    dscp: { value: "N", summary: "DSCP of outputs that name none, 0 to 63", default: "0" },
    "preserve-source": {
      summary: "datagrams leave with the source address and port of their sender, from every output that names none",
    },
    "igmp-version": {
      value: "2|3",
      summary: "report the group again in this version of IGMP",
      default: "what the interface speaks",
    },
    "rejoin-interval": {
      value: "SECONDS",
      summary: "how often to report the group again; 0: never",
      default: "that of supervise",
    },
    exclusive: {
      value: "true|false",
      summary: "whether nobody else on this host wants these datagrams: they then end once captured",
      default: "found out, at any time",
    },
    "allow-loop": {
      summary:
        "let it be part of a loop of rules, as when a group is relayed both ways and nothing else joins the links",
    },
    name: { value: "NAME", summary: "a name to remember the rule by" },
    description: { value: "TEXT", summary: "a line for people, shown by 'list'" },
    tag: { value: "TAG", summary: `a word to pick rules by; may be repeated; ${tagWords}`, multiple: true },
    disabled: { summary: "write it down and let it rest; 'enable' starts it" },
    "rule-id": { value: "ID", summary: "an id of your own", default: "a hash of the input" },
  },
  examples: [
    {
      line: "mcr-appliance add --name feed-a --input-interface eth0 --input-group 239.1.1.1 --input-port 5000 --outputs 239.2.2.2:5001:eth1",
      does: "one group to another group and port on another interface",
    },
    {
      line: "mcr-appliance add --input-interface eth0 --input-group 239.1.1.1 --input-port 5000 --outputs '239.2.2.2:5001:eth1?ttl=4' --outputs 10.0.0.7:6000:eth2",
      does: "two outputs: multicast with TTL 4, and a unicast receiver (quote the '?')",
    },
    {
      line: "mcr-appliance add --name match --tag sport --tag hd --description 'evening match' --disabled --input-interface eth0 --input-group 239.1.1.2 --input-port 5000 --outputs 239.2.2.3:5001:eth1",
      does: "a rule that waits for 'enable match' or 'enable --tag sport'",
    },
    {
      line: "mcr-appliance add --input-interface eth0 --input-group 239.1.0.0/16 --input-port 5000-5999 --join 239.1.0.1 --outputs 239.9.0.0/16:+1000:eth1",
      does: "65,536 groups and 1,000 ports with one rule, of which one group is joined",
    },
  ],
  run,
};

async function run(given: Given, world: World): Promise<number> {
  const command = addCommand(given);
  return command.ok ? askAndShow(world, command.value, "Success", printable) : usage(world, command.error);
}

/** What `add` with these options asks of the supervisor. */
export function addCommand(given: Given): Outcome<RuleCommand> {
  const number = (name: string) => {
    const text = given.text(name);
    return text === undefined ? undefined : numberOf(text);
  };
  const outputs = parseOutputs(given.texts("outputs"), {
    ttl: number("ttl"),
    source_ip: given.text("source-ip"),
    source_port: number("source-port"),
    dscp: number("dscp"),
    ...(given.flag("preserve-source") ? { preserve_source: true } : {}),
  });
  if (!outputs.ok) {
    return outputs;
  }
  const exclusive = given.text("exclusive");
  const draft = ruleDraftSchema.safeParse({
    // MCR's own client always sends these two.
    rule_id: given.text("rule-id") ?? "",
    input_protocol: 17,
    name: given.text("name"),
    input_interface: given.text("input-interface"),
    input_group: given.text("input-group"),
    input_port: numberOf(given.text("input-port") ?? ""),
    input_source: given.text("input-source"),
    input_igmp_version: number("igmp-version"),
    input_rejoin_interval: number("rejoin-interval"),
    ...(given.texts("join").length > 0 ? { input_join: given.texts("join").flatMap((each) => each.split(",")) } : {}),
    outputs: outputs.value,
    exclusive: exclusive === undefined ? undefined : claimOf(exclusive),
    ...(given.flag("allow-loop") ? { allow_loop: true } : {}),
    ...(given.flag("disabled") ? { enabled: false } : {}),
    description: given.text("description"),
    ...(given.texts("tag").length > 0 ? { tags: given.texts("tag") } : {}),
  });
  if (!draft.success) {
    return failed(explain(draft.error, "the rule"));
  }
  return done({ AddRule: draft.data });
}
