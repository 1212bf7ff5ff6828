import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { checkCommand, parseCommand } from "../../src/control/parse.ts";
import { commandWords } from "../../src/control/words.ts";

function complaint(text: string | Uint8Array): string {
  const parsed = parseCommand(typeof text === "string" ? Buffer.from(text) : text);
  return parsed.ok ? "accepted" : parsed.error;
}

describe("a command", () => {
  test("of every word is itself, also written as a variant with null", () => {
    for (const word of commandWords) {
      expect(checkCommand(word)).toEqual({ ok: true, value: word });
      expect(checkCommand({ [word]: null })).toEqual({ ok: true, value: word });
    }
  });

  test("AddRule of INTEROP.md 2.3 arrives whole, unknown fields ignored", () => {
    const body =
      '"name":"feed-a","input_interface":"eth0","input_group":"239.1.1.1","input_port":5000,"input_protocol":17,' +
      '"outputs":[{"group":"239.2.2.2","port":5001,"interface":"eth1","ttl":4,"source_ip":"10.0.0.9"}]';
    const parsed = parseCommand(Buffer.from(`{"AddRule":{"rule_id":"",${body},"later":[1]}}`));
    expect(parsed).toEqual({ ok: true, value: { AddRule: JSON.parse(`{"rule_id":"",${body}}`) } });
  });

  test("RemoveRule and RemoveRuleByName carry their one field", () => {
    expect(checkCommand({ RemoveRule: { rule_id: "x" } })).toEqual({
      ok: true,
      value: { RemoveRule: { rule_id: "x" } },
    });
    expect(checkCommand({ RemoveRuleByName: { name: "n" } })).toEqual({
      ok: true,
      value: { RemoveRuleByName: { name: "n" } },
    });
  });

  test("Explain names a rule by id or name, and nothing else", () => {
    expect(checkCommand({ Explain: { rule: "feed" } })).toEqual({ ok: true, value: { Explain: { rule: "feed" } } });
    const refused = checkCommand({ Explain: {} });
    expect(refused.ok ? "" : refused.error).toContain("the id or name of a rule");
  });

  test("that sets a level names it, and a facility, as INTEROP.md 2.3 spells them", () => {
    for (const command of [
      { SetGlobalLogLevel: { level: "Debug" } },
      { SetFacilityLogLevel: { facility: "Ingress", level: "Emergency" } },
    ]) {
      expect(checkCommand(command)).toEqual({ ok: true, value: command } as never);
    }
  });

  for (const [command, says] of [
    ["{", "the command is not JSON: "],
    ['"Ping" "Ping"', "the command is not JSON: "],
    ["42", "a command is a string or an object with one key, not 42"],
    ["[]", "not a list"],
    ["null", "not null"],
    ["{}", "exactly one key, not 0"],
    ['{"RemoveRule":{"rule_id":"x"},"Ping":null}', "exactly one key, not 2"],
    ['"Pong"', "unknown command 'Pong'. Did you mean 'Ping'?"],
    ['{"Frobnicate":{}}', "unknown command 'Frobnicate'."],
    ['"toString"', "unknown command 'toString'."],
    ['{"__proto__":null}', "unknown command '__proto__'."],
    ['"AddRule"', 'AddRule needs its data: {"AddRule":{…}}'],
    ['{"Ping":{}}', 'Ping takes no data; send the string "Ping"'],
    ['"GetPimNeighbors"', "GetPimNeighbors is not available"],
    ['{"AddRpfRoute":{"source":"10.9.9.9"}}', "AddRpfRoute is not available"],
    ['{"Subscribe":{"events":["PimRoute"]}}', "Event subscriptions not available"],
    ['{"LoadConfig":{"config":{},"replace":1}}', "replace must be true or false, not 1"],
    ['{"RemoveRule":{}}', "rule_id is missing; it must be a rule id"],
    ['{"RemoveRule":"x"}', "RemoveRule must be an object, not 'x'"],
    ['{"RemoveRuleByName":{"name":5}}', "name must be a name, not 5"],
    ['{"SetGlobalLogLevel":{"level":"debug"}}', "level must be one of Emergency, Alert"],
    ['{"SetFacilityLogLevel":{"facility":"Kitchen","level":"Info"}}', "facility must be one of Supervisor"],
    ['"SetGlobalLogLevel"', "SetGlobalLogLevel needs its data"],
    ['{"AddRule":[]}', "AddRule must be an object, not a list"],
  ] as const) {
    test(`${command} is answered "${says}"`, () => expect(complaint(command)).toContain(says));
  }

  test("bytes that are no text are refused as such", () => {
    expect(complaint(Uint8Array.of(0xff, 0xfe, 0x22))).toContain("not UTF-8 text (3 bytes)");
  });

  test("a tower of brackets is refused, not fatal", () => {
    expect(complaint("[".repeat(1_000_000))).toContain("not JSON");
    expect(complaint(`${"[".repeat(50_000)}${"]".repeat(50_000)}`)).toContain("more than 4000 values");
  });

  test("no bytes and no JSON make it throw", () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => typeof parseCommand(bytes).ok === "boolean"));
    const names = fc.constantFrom<string>("AddRule", "RemoveRule", "RemoveRuleByName", "Ping", "Subscribe", "x");
    const commands = fc.oneof(fc.jsonValue(), fc.dictionary(names, fc.jsonValue(), { maxKeys: 2 }));
    fc.assert(fc.property(commands, (value) => typeof checkCommand(value).ok === "boolean"));
  });
});

test("a command of more values than any needs is refused at once, however they are nested", () => {
  const refused = { ok: false, error: expect.stringContaining("more than 4000 values") };
  const parse = (text: string) => parseCommand(new TextEncoder().encode(text));
  const entries = Array.from({ length: 5_000 }, (_, at) => `"k${at}":1`).join(",");
  for (const body of [
    `{"AddRule":{"outputs":[${"1,".repeat(5_000)}1]}}`,
    `{"AddRule":{${entries}}}`,
    `[${"[".repeat(4_500)}${"]".repeat(4_500)}]`,
  ])
    expect(parse(body)).toMatchObject(refused);
  // What a rule may have at most is far below.
  const output = { group: "239.2.2.2", port: 5001, interface: "out0", ttl: 4, source_ip: "10.0.2.1" };
  const rule = { input_interface: "in0", input_group: "239.1.1.1", input_port: 5000, outputs: Array(64).fill(output) };
  expect(parse(JSON.stringify({ AddRule: rule })).ok).toBe(true);
});

test("a batch may be as large as a configuration, each of its commands only as large as a command", () => {
  const output = { group: "239.2.2.2", port: 5001, interface: "out0" };
  const rule = { input_interface: "in0", input_group: "239.1.1.1", input_port: 5000, outputs: [output] };
  const parse = (changes: unknown) => parseCommand(new TextEncoder().encode(JSON.stringify({ Batch: { changes } })));
  expect(parse(Array(10_000).fill({ AddRule: rule })).ok).toBe(true);
  const remove = { RemoveRule: { rule_id: "a" } };
  const wrong: [unknown, string][] = [
    [Array(20_001).fill(remove), "changes has 20001 commands; at most 20000 are allowed"],
    [[remove, {}], "changes[1] it must have exactly one of AddRule, RemoveRule, RemoveRuleByName"],
    [[{ ...remove, RemoveRuleByName: { name: "b" } }], "changes[0] it must have exactly one of"],
    [[{ AddRule: { ...rule, outputs: Array(5_000).fill(1) } }], "changes[0] holds more values than any command needs"],
    [[{ AddRule: { ...rule, input_port: 0 } }], "changes[0] AddRule.input_port cannot be 0"],
    [remove, "changes must be a list of commands, not an object"],
  ];
  for (const [changes, error] of wrong) {
    expect(parse(changes)).toEqual({ ok: false, error: expect.stringContaining(error) });
  }
});
