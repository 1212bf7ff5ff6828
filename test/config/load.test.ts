import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { judgeTexts, judgeValue, loadConfig } from "../../src/config/load.ts";
import { problemLine } from "../../src/config/problem.ts";
import { toFile } from "../../src/config/rule-value.ts";

// The file of INTEROP.md section 3, comments and all.
const whole = `{
  pinning: { "eth0": [0, 1] },              // interface -> CPU list; one worker per listed core
  rules: [
    { name: "feed",                         // optional
      input:  { interface: "eth0", group: "239.1.1.1", port: 5000, protocol: "esp" }, // protocol optional
      outputs: [ { group: "239.2.2.2", port: 5001, interface: "eth1", ttl: 4 } ] }    // ttl optional
  ],
  multicast_ttl: 16,                        // optional u8: default TTL for multicast outputs
  pim:  { enabled: true, router_id: "10.0.0.1",
          interfaces: [ { name: "eth0", dr_priority: 1, hello_period: 30 } ],
          static_rp:  [ { group: "239.0.0.0/8", rp: "10.0.0.1" } ],
          rp_address: "10.0.0.1" },
  igmp: { querier_interfaces: ["eth1"], query_interval: 125, robustness: 2, query_response_interval: 10 },
  msdp: { enabled: true, local_address: "10.0.0.1",
          peers: [ { address: "10.3.0.2", description: "east", mesh_group: "m1", default_peer: false } ],
          keepalive_interval: 60, hold_time: 75 },
  control_plane: { rpf_provider: "disabled", external_neighbors_enabled: true, event_buffer_size: 256 }
}`;

function rule(input: object = {}, output: object = {}): object {
  return {
    input: { interface: "eth0", group: "239.1.1.1", port: 5000, ...input },
    outputs: [{ group: "239.2.2.2", port: 5001, interface: "eth1", ...output }],
  };
}

/** All that is said of one text, as one file called `f`. */
function said(text: string): string[] {
  return judgeTexts([{ path: "f", text }]).problems.map(problemLine);
}

function complaint(config: unknown): string {
  const { loaded, errors } = judgeValue(config);
  return loaded === undefined ? errors.join("; ") : "accepted";
}

describe("the configuration file", () => {
  test("of INTEROP.md is accepted whole; what is not available yet is said", () => {
    expect(judgeTexts([{ path: "f", text: whole }]).loaded).toMatchObject({
      settings: { multicast_ttl: 16, pim: { enabled: true }, pinning: { eth0: [0, 1] } },
      rules: [{ name: "feed", input_interface: "eth0", input_port: 0, input_protocol: 50, source: "Static" }],
    });
    const places = ["f:2:3: warning: section 'pinning'", "f:9:3: warning: section 'pim'", "f:13:3", "f:14:3", "f:17:3"];
    expect(said(whole)).toEqual(places.map((place) => expect.stringMatching(place)));
  });

  test("without anything has no rules and no default TTL", () => {
    expect(judgeValue({})).toMatchObject({ loaded: { rules: [], settings: {} }, errors: [], warnings: [] });
  });

  test("makes the same rule and id as AddRule would", () => {
    const { loaded } = judgeValue({ rules: [rule({ protocol: null }, { ttl: null, source_ip: "10.0.0.9" })] });
    expect(JSON.stringify(loaded?.rules[0])).toBe(
      '{"rule_id":"18302982b59d5f86","input_interface":"eth0","input_group":"239.1.1.1","input_port":5000,"input_protocol":17,' +
        '"outputs":[{"group":"239.2.2.2","port":5001,"interface":"eth1","source_ip":"10.0.0.9"}],"source":"Static"}',
    );
  });

  test("says where fields contradict each other, in the file's words", () => {
    const judged = judgeValue({
      rules: [
        rule({ igmp_version: 2, source: "10.0.0.1" }, { preserve_source: true, source_port: 5 }),
        rule({ protocol: "esp", port: 0 }, { source_port: 5 }),
      ],
    });
    expect(judged.errors).toEqual([
      expect.stringContaining("rules[0].input.igmp_version cannot be 2 where a source is named"),
      expect.stringContaining("rules[0].outputs[0].source_port contradicts preserve_source"),
      expect.stringContaining("outputs[0].source_port has no meaning for ESP"),
    ]);
  });

  test("what a rule says of joining and leaving goes into the file and comes back", () => {
    const input = { interface: "eth0", group: "239.1.1.1", port: 5000, igmp_version: 2, rejoin_interval: 5 };
    const outputs = [
      { group: "239.2.2.2", port: 5001, interface: "eth1", source_port: 5, dscp: 10 },
      { group: "239.2.2.3", port: 5001, interface: "eth1", preserve_source: true },
    ];
    const { loaded } = judgeValue({ rules: [{ input, outputs }] });
    expect(loaded?.rules.map(toFile)).toEqual([{ input, outputs }]);
  });

  test("tolerates unknown keys everywhere", () => {
    expect(complaint({ x: 1, igmp: { enabled: true }, rules: [{ ...rule({ y: 2 }, { z: 3 }), w: 4 }] })).toBe(
      "accepted",
    );
  });

  test("takes any protocol but esp as UDP, as MCR does, and says so unless it is udp", () => {
    const rules = ["udp", "UDP", "sctp"].map((protocol, index) =>
      rule({ protocol, port: 1 + index }, { port: 7 + index }),
    );
    expect(judgeValue({ rules })).toMatchObject({
      errors: [],
      warnings: [expect.stringContaining("rules[2].input.protocol 'sctp'")],
    });
  });

  test("refuses rules that close a loop, unless one of them allows it, and warns of what two rules make", () => {
    const there = { interface: "eth0", group: "239.1.1.1", port: 5000 };
    const back = { interface: "eth1", group: "239.1.1.1", port: 5000 };
    const loop = [
      { name: "there", input: there, outputs: [back] },
      { name: "back", input: back, outputs: [there] },
    ];
    expect(judgeValue({ rules: loop })).toMatchObject({
      errors: [
        expect.stringMatching(
          /^rules\[1\]: Rule rejected: it closes a loop: eth1 239.1.1.1:5000 -> eth0 .* by rule 'back'/,
        ),
      ],
    });
    const [first, second] = loop;
    expect(judgeValue({ rules: [{ ...first, allow_loop: true }, second] })).toMatchObject({
      loaded: { rules: [{ name: "there", allow_loop: true }, { name: "back" }] },
      errors: [],
    });
    const both = [first, { name: "other", input: { ...there, port: 5001 }, outputs: [back] }];
    expect(judgeValue({ rules: both })).toMatchObject({
      loaded: { rules: [{}, {}] },
      warnings: [expect.stringMatching(/^rules\[1\]: eth1 239.1.1.1:5000 is also made by rule 'there'/)],
    });
  });

  for (const [config, says] of [
    [{ rules: [rule(), rule()] }, "duplicate rule for input eth0:239.1.1.1:5000 (rules 0 and 1)"],
    [{ rules: [rule({ port: 1 }), rule({ port: 0 })] }, "invalid port 0 in rule 1"],
    [{ rules: [rule({}, { port: 0 })] }, "invalid port 0 in rule 0 output"],
    [
      { rules: [rule({ interface: "x".repeat(16) })] },
      `invalid interface name '${"x".repeat(16)}': exceeds maximum length of 15`,
    ],
    [
      { rules: [rule({}, { interface: "a b" })] },
      "invalid interface name 'a b': contains white space (at rules[0].outputs[0].interface)",
    ],
    [
      { rules: [rule({}, { interface: "eth0" })] },
      "rules[0]: Rule rejected: input_interface 'eth0' and output_interface 'eth0'",
    ],
    [{ rules: [rule({ group: "x" })] }, "rules[0].input.group must be an IPv4 address"],
    [{ rules: [rule({ port: "5000" })] }, "rules[0].input.port must be a port from 1 to 65535, not '5000'"],
    [{ rules: [{ input: {} }] }, "rules[0].input.interface is missing; it must be the name"],
    [{ rules: 5 }, "rules must be a list of rules, not 5"],
    [{ multicast_ttl: 0 }, "multicast_ttl must be a TTL from 1 to 255, not 0"],
    [[], "the configuration must be an object, not a list"],
    [{ pinning: { eth0: [] } }, "empty core list for pinned interface 'eth0'"],
    [{ pinning: { "a/b": [1] } }, "invalid interface name 'a/b'"],
    [{ pinning: { eth0: ["x"] } }, "pinning.eth0[0] must be a CPU number"],
    [
      { pim: { router_id: "239.1.1.1" } },
      "invalid PIM configuration: router_id must be a valid unicast address, got '239.1.1.1'",
    ],
    [{ pim: { rp_address: "x" } }, "invalid PIM configuration: rp_address must be"],
    [{ pim: { static_rp: [{ group: "10.0.0.0/8", rp: "10.0.0.1" }] } }, "invalid group prefix '10.0.0.0/8'"],
    [{ pim: { static_rp: [{ group: "239.0.0.0/33", rp: "10.0.0.1" }] } }, "invalid group prefix '239.0.0.0/33'"],
    [
      { pim: { interfaces: [{ name: "a" }, { name: "a" }] } },
      "invalid PIM configuration: interface 'a' is listed twice",
    ],
    [{ igmp: { query_interval: 0 } }, "query_interval must be greater than 0"],
    [{ igmp: { robustness: 0 } }, "robustness must be greater than 0"],
    [{ igmp: { query_interval: 10 } }, "query_response_interval must be less than query_interval"],
    [{ msdp: { keepalive_interval: 0 } }, "keepalive_interval must be greater than 0"],
    [{ msdp: { hold_time: 60 } }, "hold_time must be greater than keepalive_interval"],
    [{ msdp: { peers: [{ address: "10.0.0.1" }, { address: "10.0.0.1" }] } }, "peer 10.0.0.1 is listed twice"],
    [{ msdp: { peers: [{ address: "10.0.0.1", mesh_group: "" }] } }, "mesh_group must have 1 to 64 characters"],
    [
      { control_plane: { event_buffer_size: 0 } },
      "control_plane.event_buffer_size must be a number of events from 1 to 65536",
    ],
    [{ control_plane: { rpf_provider: "./x" } }, "must be 'disabled', 'static' or an absolute path"],
  ] as const) {
    test(`is refused with "${says.slice(0, 70)}"`, () => expect(complaint(config)).toContain(says));
  }

  test("that is no JSON5 is refused as MCR says it, however deep", () => {
    for (const text of ["{", "", "{a:}", "[".repeat(200_000)]) {
      expect(said(text).join("\n")).toContain(": failed to parse config: ");
    }
  });

  test("of any content is judged, never thrown", () => {
    const keys = fc.constantFrom("rules", "pinning", "pim", "igmp", "msdp", "control_plane", "multicast_ttl");
    const judged = (text: string) => {
      const { loaded, problems } = judgeTexts([{ path: "f", text }]);
      return (loaded === undefined) === problems.some(({ severity }) => severity === "error");
    };
    fc.assert(fc.property(fc.dictionary(keys, fc.jsonValue()), (value) => judged(JSON.stringify(value))));
    fc.assert(fc.property(fc.string(), judged));
  });
});

describe("what is beside each other", () => {
  const feed = (port: number, more = "") =>
    `{ ${more} input: { interface: "eth0", group: "239.1.1.1", port: ${port} }, outputs: [] }`;

  test("of two rules with one input, the second is told, and where the first is, also in another file", () => {
    const { problems } = judgeTexts([
      { path: "a", text: `{ rules: [ ${feed(1)},\n ${feed(2)} ] }` },
      { path: "b", text: `{ rules: [\n\n ${feed(2)} ] }` },
    ]);
    expect(problems.map(problemLine)).toEqual([
      "b:3:2: duplicate rule for input eth0:239.1.1.1:2 (rules 1 and 0); first at a:2:2",
    ]);
  });

  test("an id that another rule has, chosen or by its input, is told", () => {
    expect(said(`{ rules: [ ${feed(1, "rule_id: 'x',")},\n ${feed(2, "rule_id: 'x',")} ] }`)).toEqual([
      "f:2:13: the rule id 'x' is taken; first at f:1:12",
    ]);
    expect(said(`{ rules: [ ${feed(5000)},\n ${feed(2, "rule_id: '18302982b59d5f86',")} ] }`)).toEqual([
      "f:2:13: the rule id '18302982b59d5f86' is taken; first at f:1:12",
    ]);
  });

  test("a setting belongs to one file; rules of all files count", () => {
    const { problems } = judgeTexts([
      { path: "a", text: `{ multicast_ttl: 1, rules: [${feed(1)}] }` },
      { path: "b", text: "{ multicast_ttl: 2 }" },
    ]);
    expect(problems.map(problemLine)).toEqual(["b:1:3: 'multicast_ttl' is set in two files; first at a:1:3"]);
    const { loaded } = judgeTexts([
      { path: "a", text: `{ rules: [${feed(1)}] }` },
      { path: "b", text: `{ multicast_ttl: 2, rules: [${feed(2)}] }` },
    ]);
    expect(loaded).toMatchObject({ rules: [{ input_port: 1 }, { input_port: 2 }], settings: { multicast_ttl: 2 } });
    expect([...(loaded?.homes.values() ?? [])]).toEqual(["a", "b"]);
  });

  test("a key that stands twice is told with both places, unknown ones with the nearest", () => {
    expect(said("{ multicast_ttl: 1,\n multicast_ttl: 2, multicast_tll: 3, rules: [{ inputs: 1 }] }")).toEqual([
      "f:2:2: the key 'multicast_ttl' stands here a second time; first at f:1:3",
      "f:2:20: warning: unknown key 'multicast_tll'; nothing reads it. Did you mean 'multicast_ttl'?",
      "f:2:46: rules[0].input is missing; it must be an object",
      "f:2:46: rules[0].outputs is missing; it must be a list of outputs",
      "f:2:48: warning: unknown key 'inputs'; nothing reads it. Did you mean 'input'?",
    ]);
  });
});

describe("loading", () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), "mcr-config-"));
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  test("reads a file", async () => {
    const path = join(dir, "good.json5");
    await Bun.write(path, whole);
    expect(await loadConfig(path)).toMatchObject({ loaded: { settings: { multicast_ttl: 16 } } });
  });

  test("reads conf.d beside it in the order of names, unless everybody may write there", async () => {
    const [path, folder] = [join(dir, "main", "mcr.json5"), join(dir, "main", "conf.d")];
    await Bun.write(path, JSON.stringify({ rules: [rule({ port: 1 })] }));
    for (const [name, port] of [
      ["20.json5", 3],
      ["10.json5", 2],
      ["x.json", 4],
      [".hidden.json5", 5],
    ] as const) {
      await Bun.write(join(folder, name), JSON.stringify({ rules: [rule({ port })] }));
    }
    const ports = async () => (await loadConfig(path)).loaded?.rules.map((each) => each.input_port);
    expect(await ports()).toEqual([1, 2, 3]);
    chmodSync(folder, 0o777);
    expect(await ports()).toEqual([1]);
    expect((await loadConfig(path)).problems.map(problemLine)).toEqual([
      expect.stringContaining("conf.d: warning: is not read"),
    ]);
  });

  test("a file that is not there, a directory and a file that is no text are named with the reason", async () => {
    const binary = join(dir, "binary");
    await Bun.write(binary, Uint8Array.of(0xff, 0xff));
    for (const [path, reason] of [
      [join(dir, "none"), "ENOENT"],
      [dir, "not a regular file"],
      ["/dev/zero", "not a regular file"],
      [binary, ""],
    ] as const) {
      const { loaded, problems } = await loadConfig(path);
      const line = problems.map(problemLine).join();
      expect([loaded, line]).toEqual([undefined, expect.stringContaining(`${path}: failed to read config file: `)]);
      expect(line).toContain(reason);
    }
  });
});
