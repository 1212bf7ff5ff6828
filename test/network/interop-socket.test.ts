// Every request of INTEROP.md 2.3 and its reply of 2.4 and 2.5, on the control socket of a live mcrd.
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Mcrd } from "../helpers/mcr.ts";
import { Lab } from "../helpers/namespaces.ts";

const lab = Lab.create("interop");
lab.veth({ ns: "relay", link: "eth0", address: "10.0.0.1/24" }, { ns: "peer", link: "eth0", address: "10.0.0.2/24" });
lab.veth({ ns: "relay", link: "eth1", address: "10.1.0.1/24" }, { ns: "peer", link: "eth1", address: "10.1.0.2/24" });
afterEach(() => lab.endAll());
afterAll(() => lab.close());

type Step = [does: string, request: unknown, reply: unknown];

const out = { group: "239.2.2.2", port: 5001, interface: "eth1" };
const input = { input_interface: "eth0", input_group: "239.1.1.1", input_port: 5000 };
const plain = { ...input, outputs: [out] };
const error = (text: string) => ({ Error: expect.stringContaining(text) });
const addOf = (changes: object) => ({ AddRule: { ...plain, ...changes } });
const inputOf = (protocol: string | null = null) => ({ interface: "eth0", group: "239.1.1.1", port: 5000, protocol });
const fileRule = { name: "r", input: inputOf(), outputs: [out] };

/** One after the other: what a step leaves behind the next one finds. */
async function go(mcrd: Mcrd, steps: readonly Step[]): Promise<void> {
  for (const [does, request, reply] of steps) {
    const got = await mcrd.send(request);
    expect({ does, reply: got }).toMatchObject({ does, reply: reply as object });
    expect(Object.keys(got as object)).toHaveLength(1);
  }
}

test("rules: added, listed, replaced, refused and removed with MCR's shapes and words", async () => {
  const mcrd = await Mcrd.start(lab, ["--interface", "eth0", "--num-workers", "1"]);
  const listed = {
    ...{ rule_id: "18302982b59d5f86", name: "feed-a", ...input, input_protocol: 17 },
    ...{ outputs: [{ ...out, ttl: 4 }], source: "Dynamic" },
  };
  const loop = "Rule rejected: input_interface 'eth0' and output_interface 'eth0' cannot be the same.";
  await go(mcrd, [
    ["lists nothing", "ListRules", { Rules: [] }],
    ["counts nothing", "GetStats", { Stats: [] }],
    ["pings", "Ping", { Success: "pong: 1/1 worker streams ready" }],
    ["tells its version", "GetVersion", { Version: { protocol_version: 1 } }],
    [
      "adds with every field",
      addOf({ rule_id: "", name: "feed-a", input_protocol: 17, outputs: [{ ...out, ttl: 4 }] }),
      { Success: "Rule 18302982b59d5f86 added" },
    ],
    ["lists it", "ListRules", { Rules: [listed] }],
    [
      "counts its flow",
      "GetStats",
      {
        Stats: [
          {
            ...{ input_group: "239.1.1.1", input_port: 5000, input_protocol: 17 },
            ...{ packets_relayed: 0, bytes_relayed: 0, packets_per_second: 0, bits_per_second: 0 },
          },
        ],
      },
    ],
    [
      "lists the worker",
      "ListWorkers",
      { Workers: [{ worker_type: "DataPlane", core_id: expect.any(Number), interface: "eth0", status: "Running" }] },
    ],
    [
      "replaces by id, and ignores what it does not know",
      addOf({ rule_id: "18302982b59d5f86", name: "feed-a", of_others: 1 }),
      { Success: "Rule 18302982b59d5f86 added" },
    ],
    [
      "takes an id as it is, and adds a warning where two streams would mix",
      addOf({ rule_id: "my id", input_port: 5002 }),
      {
        Success: expect.stringMatching(
          /^Rule my id added; warning: eth1 239\.2\.2\.2:5001 is also made by rule 'feed-a'/,
        ),
      },
    ],
    ["takes no outputs", addOf({ rule_id: "none", input_port: 5003, outputs: [] }), { Success: "Rule none added" }],
    [
      "refuses a second rule of one input",
      addOf({ rule_id: "other" }),
      error("is already the input of rule 'feed-a' (id: 18302982b59d5f86)"),
    ],
    ["refuses an input interface", addOf({ input_interface: "x".repeat(16) }), error("Invalid input_interface: ")],
    [
      "refuses an output interface",
      addOf({ outputs: [out, { ...out, interface: "a/b" }] }),
      error("Invalid output_interface in output[1]: "),
    ],
    ["refuses port 0", addOf({ input_port: 0 }), { Error: "input_port cannot be 0; valid port range is 1-65535" }],
    [
      "refuses output port 0",
      addOf({ outputs: [{ ...out, port: 0 }] }),
      { Error: "output[0].port cannot be 0; valid port range is 1-65535" },
    ],
    ["refuses a rule onto itself", addOf({ outputs: [{ ...out, interface: "eth0" }] }), error(loop)],
    ["removes by id", { RemoveRule: { rule_id: "my id" } }, { Success: "Rule my id removed" }],
    ["does not find it again", { RemoveRule: { rule_id: "my id" } }, { Error: "Rule my id not found" }],
    [
      "removes by name",
      { RemoveRuleByName: { name: "feed-a" } },
      { Success: "Removed rule 'feed-a' (id: 18302982b59d5f86)" },
    ],
    [
      "does not find the name again",
      { RemoveRuleByName: { name: "feed-a" } },
      { Error: "No rule found with name 'feed-a'. Use 'mcrctl list' to see available rules." },
    ],
  ]);
  const bare = addOf({ input_interface: "lo", outputs: [] });
  await go(mcrd, [
    ["hashes lo as MCR does", bare, { Success: "Rule e6958347f6f5fa0a added" }],
    [
      "hashes ESP with the port as it was written",
      addOf({ input_group: "239.255.0.100", input_port: 0, input_protocol: 50, outputs: [] }),
      { Success: "Rule f463092e7a6d16f6 added" },
    ],
  ]);
  expect((await mcrd.stop()).exitCode).toBe(0);
}, 30_000);

test("the order of keys, and no key with null, is MCR's on the wire", async () => {
  const mcrd = await Mcrd.start(lab, ["--num-workers", "1"]);
  await mcrd.send(addOf({ name: "n", outputs: [{ ...out, ttl: 4, source_ip: "10.1.0.1" }] }));
  const rules = await mcrd.sendText('"ListRules"');
  expect(rules).toStartWith(
    '{"Rules":[{"rule_id":"18302982b59d5f86","name":"n","input_interface":"eth0","input_group":"239.1.1.1",' +
      '"input_port":5000,"input_protocol":17,"outputs":[{"group":"239.2.2.2","port":5001,"interface":"eth1","ttl":4,' +
      '"source_ip":"10.1.0.1"}],"source":"Dynamic"',
  );
  expect(await mcrd.sendText('"ListWorkers"')).toMatch(
    /^\{"Workers":\[\{"pid":\d+,"worker_type":"DataPlane","core_id":\d+,"interface":"eth0","status":"Running"/,
  );
  expect(await mcrd.sendText('"GetVersion"')).toStartWith('{"Version":{"protocol_version":1');
  expect(await mcrd.sendText("not json")).toStartWith('{"Error":"');
  await mcrd.stop();
}, 30_000);

test("levels: set for all, set for one, listed", async () => {
  const mcrd = await Mcrd.start(lab, ["--num-workers", "1"]);
  const levels = ["Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Info", "Debug", "Trace"];
  await go(mcrd, [
    ["begins", "GetLogLevels", { LogLevels: { global: "Info", facility_overrides: {} } }],
    ...levels.map((level): Step => {
      const reply = { Success: `Global log level set to ${level.toUpperCase()}` };
      return [`sets ${level}`, { SetGlobalLogLevel: { level } }, reply];
    }),
    ...(
      "Supervisor RuleDispatch ControlSocket DataPlane Ingress Egress BufferPool PacketParser Stats Security Network Test " +
      "Unknown"
    )
      .split(" ")
      .map((facility): Step => {
        const reply = { Success: `Log level for ${facility} set to DEBUG` };
        return [`sets ${facility}`, { SetFacilityLogLevel: { facility, level: "Debug" } }, reply];
      }),
    ["tells", "GetLogLevels", { LogLevels: { global: "Trace", facility_overrides: { Ingress: "Debug" } } }],
  ]);
  await mcrd.stop();
}, 30_000);

test("configuration: shown, checked, merged, replaced and saved", async () => {
  const path = join(lab.dir, "mcr.json5");
  const copy = join(lab.dir, "out.json5");
  writeFileSync(path, `{ rules: [ ${JSON.stringify(fileRule)} ], igmp: { enabled: true } }\n`);
  const mcrd = await Mcrd.start(lab, ["--config", path, "--num-workers", "1"]);
  const other = { input: { ...inputOf(), port: 5005 }, outputs: [] };
  const wrong = { rules: [{ ...fileRule, input: { ...inputOf(), port: 0 } }] };
  await go(mcrd, [
    [
      "marks what the file made",
      "ListRules",
      { Rules: [{ rule_id: "18302982b59d5f86", name: "r", source: "Static" }] },
    ],
    ["shows", "GetConfig", { Config: { pinning: {}, rules: [fileRule], multicast_ttl: null } }],
    [
      "tells the control plane's defaults",
      "GetControlPlaneConfig",
      { ControlPlaneConfig: { rpf_provider: "disabled", external_neighbors_enabled: true, event_buffer_size: 256 } },
    ],
    [
      "finds nothing wrong",
      { CheckConfig: { config: { rules: [] } } },
      { ConfigValidation: { valid: true, errors: [] } },
    ],
    [
      "finds port 0",
      { CheckConfig: { config: wrong } },
      { ConfigValidation: { valid: false, errors: ["invalid port 0 in rule 0"] } },
    ],
    [
      "merges",
      { LoadConfig: { config: { rules: [fileRule, other] }, replace: false } },
      { Success: "Configuration merged (1 rules added, 1 skipped as duplicates)" },
    ],
    ["refuses a wrong one", { LoadConfig: { config: wrong, replace: true } }, error("Invalid configuration: ")],
    ["saves elsewhere", { SaveConfig: { path: copy } }, { Success: `Configuration saved to ${copy}` }],
    ["saves", { SaveConfig: { path: null } }, { Success: `Configuration saved to ${path}` }],
    ["cannot save nowhere", { SaveConfig: { path: "/nosuch/x.json5" } }, error("Failed to save configuration: ")],
    [
      "replaces",
      { LoadConfig: { config: { rules: [other] }, replace: true } },
      { Success: "Configuration loaded (1 rules, replaced existing)" },
    ],
    ["has the other alone", "ListRules", { Rules: [{ input_port: 5005 }] }],
  ]);
  expect(readFileSync(copy, "utf8")).toContain("5005");
  expect(readFileSync(path, "utf8")).toContain("igmp: { enabled: true }");
  await mcrd.stop();
}, 30_000);

describe("without --config", () => {
  test("there is no file to save into, and MCR's words say so", async () => {
    const mcrd = await Mcrd.start(lab, ["--num-workers", "1"]);
    expect(await mcrd.send({ SaveConfig: { path: null } })).toEqual({
      Error: "No path specified and mcrd was not started with --config",
    });
    expect(await mcrd.sendText('{"SaveConfig":{}}')).toContain("No path specified");
    await mcrd.stop();
  }, 30_000);
});

test("what routing protocols do is not available; GetMroute lists the rules", async () => {
  const mcrd = await Mcrd.start(lab, ["--num-workers", "1"]);
  await mcrd.send(addOf({ outputs: [out, { ...out, port: 5009 }] }));
  const rpf = { upstream_interface: "eth0", upstream_neighbor: "10.0.0.2", metric: 10 };
  const neighbor = { address: "10.0.0.2", interface: "eth0", dr_priority: 10, tag: "babel" };
  const peer = { address: "10.3.0.2", description: "east", mesh_group: null, default_peer: false };
  const requests: unknown[] = [
    ..."GetPimNeighbors ListExternalNeighbors GetRpfProvider ListRpfRoutes ClearRpfRoutes GetIgmpGroups".split(" "),
    ..."GetMsdpPeers GetMsdpSaCache ClearMsdpSaCache".split(" "),
    { EnablePim: { interface: "eth0", dr_priority: 1 } },
    { DisablePim: { interface: "eth0" } },
    { SetStaticRp: { group_prefix: "239.0.0.0/8", rp_address: "10.0.0.1" } },
    { SetRpAddress: { address: "10.0.0.1" } },
    { AddExternalNeighbor: { neighbor } },
    { RemoveExternalNeighbor: { address: "10.0.0.2", interface: "eth0" } },
    { ClearExternalNeighbors: { interface: null } },
    { SetRpfProvider: { provider: "Disabled" } },
    { SetRpfProvider: { provider: { External: { socket_path: "/run/rpf.sock" } } } },
    { QueryRpf: { source: "10.9.9.9" } },
    { AddRpfRoute: { source: "10.9.9.9", rpf } },
    { RemoveRpfRoute: { source: "10.9.9.9" } },
    { EnableIgmpQuerier: { interface: "eth0" } },
    { DisableIgmpQuerier: { interface: "eth0" } },
    { AddMsdpPeer: peer },
    { RemoveMsdpPeer: { address: "10.3.0.2" } },
  ];
  for (const request of requests) {
    const name = typeof request === "string" ? request : Object.keys(request as object)[0];
    expect(await mcrd.send(request)).toEqual({ Error: `${name} is not available` });
  }
  for (const request of [
    { Subscribe: { events: ["IgmpMembership", "PimNeighbor", "PimRoute", "MsdpSaCache"] } },
    { Unsubscribe: { subscription_id: "sub-18a2f0c3" } },
    "ListSubscriptions",
  ]) {
    expect(await mcrd.send(request)).toEqual({ Error: "Event subscriptions not available" });
  }
  const route = {
    ...{ source: null, group: "239.1.1.1", input_interface: "eth0", output_interfaces: ["eth1"], entry_type: "StarG" },
    age_secs: expect.any(Number),
  };
  expect(await mcrd.send("GetMroute")).toEqual({ Mroute: [route] });
  await mcrd.stop();
}, 30_000);
