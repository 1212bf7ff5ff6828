// mcrctl's sub-commands: what each can be told, and the request it sends (INTEROP.md 1.2, 2.3).
import { done, failed } from "../base/outcome.ts";
import { readConfigFile } from "./config-file.ts";
import { type CtlCommand, plain } from "./mcrctl-command.ts";
import { facility, level, must, number, optional, outputs, text } from "./mcrctl-options.ts";
import { routingCommands } from "./mcrctl-routing.ts";
import { ipv4, u16 } from "./values.ts";

const file = { value: "FILE", about: "Configuration file (JSON5)", required: true } as const;

const add: CtlCommand = {
  name: "add",
  about: "Add a forwarding rule",
  options: {
    "rule-id": { value: "RULE_ID", about: "Rule id; a hash of the input without it" },
    name: { value: "NAME", about: "Name to remember the rule by" },
    "input-interface": { value: "INPUT_INTERFACE", about: "Interface to receive on", required: true },
    "input-group": { value: "INPUT_GROUP", about: "Destination address to take", required: true, check: ipv4 },
    "input-port": { value: "INPUT_PORT", about: "Destination port to take", required: true, check: u16 },
    outputs: { value: "OUTPUTS", about: "GROUP:PORT:INTERFACE, comma-separated or repeated", multiple: true },
  },
  request: (given) => {
    const parsed = outputs(given.get("outputs") ?? []);
    return parsed.ok
      ? done({
          AddRule: {
            rule_id: text(given, "rule-id") ?? "",
            ...optional("name", text(given, "name")),
            input_interface: must(given, "input-interface"),
            input_group: must(given, "input-group"),
            input_port: number(given, "input-port"),
            input_protocol: 17,
            outputs: parsed.value,
          },
        })
      : parsed;
  },
};

const remove: CtlCommand = {
  name: "remove",
  about: "Remove a forwarding rule, by its id or its name",
  options: {
    "rule-id": { value: "RULE_ID", about: "Id of the rule", conflicts: "name" },
    name: { value: "NAME", about: "Name of the rule" },
  },
  request: (given) => {
    const [ruleId, name] = [text(given, "rule-id"), text(given, "name")];
    if (ruleId === undefined && name === undefined) {
      return failed("Either --rule-id or --name must be specified");
    }
    return done(ruleId === undefined ? { RemoveRuleByName: { name } } : { RemoveRule: { rule_id: ruleId } });
  },
};

const setLevel: CtlCommand = {
  name: "log-level set",
  about: "Set the global log level, or that of one facility",
  options: {
    global: { value: "LEVEL", about: "Level of all facilities without one of their own", conflicts: "facility" },
    facility: { value: "FACILITY", about: "Facility to set, with --level" },
    level: { value: "LEVEL", about: "Level of the facility" },
  },
  request: (given) => {
    const named = text(given, "global") ?? text(given, "level");
    const of = text(given, "facility");
    if (named === undefined || (of === undefined) !== given.has("global")) {
      return failed("Either --global LEVEL or --facility FACILITY with --level LEVEL must be specified");
    }
    const wanted = level(named);
    if (!wanted.ok || of === undefined) {
      return wanted.ok ? done({ SetGlobalLogLevel: { level: wanted.value } }) : wanted;
    }
    const found = facility(of);
    return found.ok ? done({ SetFacilityLogLevel: { facility: found.value, level: wanted.value } }) : found;
  },
};

const configLoad: CtlCommand = {
  name: "config load",
  about: "Load the rules of a file into the running daemon",
  options: { file, replace: { about: "Replace all rules instead of adding what is new" } },
  request: (given) => {
    const config = readConfigFile(must(given, "file"));
    return config.ok ? done({ LoadConfig: { config: config.value, replace: given.has("replace") } }) : config;
  },
};

const configSave: CtlCommand = {
  name: "config save",
  about: "Let the daemon write what runs",
  options: { file: { value: "FILE", about: "Path to write; the daemon's own file without it" } },
  request: (given) => done({ SaveConfig: { path: text(given, "file") ?? null } }),
};

const configCheck: CtlCommand = {
  name: "config check",
  about: "Let the daemon check a file",
  options: { file },
  request: (given) => {
    const config = readConfigFile(must(given, "file"));
    return config.ok ? done({ CheckConfig: { config: config.value } }) : config;
  },
};

/** All of them, in the order of the help. */
export const ctlCommands: readonly CtlCommand[] = [
  add,
  remove,
  plain("list", "List all rules", "ListRules", "list-rules"),
  plain("stats", "Show the statistics of all flows", "GetStats"),
  plain("list-workers", "List the worker processes", "ListWorkers"),
  plain("ping", "Ask whether the daemon and its workers answer", "Ping"),
  plain("log-level get", "Show the log levels", "GetLogLevels"),
  setLevel,
  plain("version", "Show the version of the protocol", "GetVersion"),
  plain("config show", "Show the running configuration", "GetConfig"),
  plain("config control-plane", "Show the settings of the control plane", "GetControlPlaneConfig"),
  configLoad,
  configSave,
  configCheck,
  ...routingCommands,
];
