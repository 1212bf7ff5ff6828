// Commands that are wrong in every way a command can be: each is answered with what is wrong, and changes nothing.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createConnection } from "node:net";
import { Relay } from "../helpers/relay.ts";
import { bench, generate, intact, Sink } from "../helpers/traffic.ts";

const lab = bench("commands");
let relay: Relay;
beforeAll(async () => {
  relay = await Relay.start(lab, "relay");
});
afterAll(async () => {
  // Whatever it was told above: it has no rule but the last test's, forwards, and ends in order.
  await relay.stop();
  await lab.close();
});

const output = { group: "239.2.2.2", port: 5001, interface: "out0" };
const rule = { input_interface: "in0", input_group: "239.1.1.1", input_port: 5000, outputs: [output] };

/** The answer must be an Error that says this, and there must be no rule afterwards. */
async function refused(command: unknown, said: RegExp): Promise<void> {
  expect(await relay.send(command)).toEqual({ Error: expect.stringMatching(said) });
  expect(await relay.send("ListRules")).toEqual({ Rules: [] });
}

type Case = [field: string, value: unknown, said: string];

/** Puts a short title before each case. */
function titled(cases: readonly Case[]): [title: string, ...Case][] {
  return cases.map((each) => {
    const [field, value] = each;
    return [`${field} ${value === undefined ? "missing" : JSON.stringify(value).slice(0, 30)}`, ...each];
  });
}

describe("AddRule over the socket refuses", () => {
  const port = "a port from 1 to 65535";
  const address = "an IPv4 address, multicast or unicast";
  const fields: Case[] = [
    ["input_interface", undefined, "Invalid input_interface: is missing"],
    ["input_interface", 7, "Invalid input_interface: must be the name of a network interface, not 7"],
    ["input_interface", "", "must not be empty"],
    ["input_interface", "a234567890123456", "exceeds maximum length of 15 bytes"],
    ["input_interface", "a b", "contains white space"],
    ["input_interface", "../in0", "contains invalid character"],
    ["input_interface", "in\u00000", "is not text"],
    ["input_group", undefined, "input_group is missing"],
    ["input_group", 4011917569, `input_group must be ${address}`],
    ["input_group", "239.1.1", address],
    ["input_group", "239.1.1.256", address],
    ["input_group", "239.1.1.1/33", address],
    ["input_group", "ff02::1", address],
    ["input_group", "0.0.0.0", address],
    ["input_group", "255.255.255.255", address],
    ["input_group", "x".repeat(100_000), address],
    ["input_port", undefined, "input_port is missing"],
    ["input_port", 0, "input_port cannot be 0; valid port range is 1-65535"],
    ["input_port", 65_536, port],
    ["input_port", -1, port],
    ["input_port", 5000.5, port],
    ["input_port", "5000", port],
    ["input_port", null, port],
    ["input_protocol", 6, "must be 17 (UDP) or 50 (ESP), not 6"],
    ["input_protocol", "udp", "must be 17 (UDP) or 50 (ESP)"],
    ["input_source", "239.9.9.9", "a unicast IPv4 address"],
    ["input_source", 1, "a unicast IPv4 address"],
    ["rule_id", 1, "rule_id must be a rule id"],
    ["rule_id", "x".repeat(129), "rule_id is 129 bytes long; at most 128 are allowed"],
    ["rule_id", "a\nb", "must not contain control characters"],
    ["name", {}, "name must be a name"],
    ["name", "x".repeat(129), "name is 129 bytes long"],
    ["name", "\u001b[2J", "must not contain control characters"],
    ["outputs", undefined, "outputs is missing"],
    ["outputs", {}, "outputs must be a list of outputs"],
    ["outputs", "239.2.2.2:5001:out0", "outputs must be a list of outputs"],
    ["outputs", Array(65).fill(output), "outputs has 65 entries; at most 64 are allowed"],
    ["outputs", [7], "output[0] must be an object"],
  ];
  test.each(titled(fields))("%s", async (_, field, value, said) => {
    await refused({ AddRule: { ...rule, [field]: value } }, new RegExp(RegExp.escape(said)));
  });

  const ofOutput: Case[] = [
    ["group", undefined, "is missing"],
    ["group", "239.2.2", address],
    ["port", undefined, "is missing"],
    ["port", 0, "cannot be 0; valid port range is 1-65535"],
    ["port", 65_536, port],
    ["port", "5001", port],
    ["interface", undefined, "is missing"],
    ["interface", "a/b", "contains invalid character"],
    ["ttl", 0, "a TTL from 1 to 255, not 0"],
    ["ttl", 256, "a TTL from 1 to 255, not 256"],
    ["ttl", "4", "a TTL from 1 to 255"],
    ["source_ip", "239.1.1.1", "a unicast IPv4 address"],
    ["source_ip", 1, "a unicast IPv4 address"],
  ];
  test.each(titled(ofOutput))("an output's %s", async (_, field, value, said) => {
    // Second of two: the message says which one.
    const where = field === "interface" ? "output[1]" : `output[1].${field}`;
    await refused(
      { AddRule: { ...rule, outputs: [output, { ...output, port: 5002, [field]: value }] } },
      new RegExp(`${RegExp.escape(where)}.*${RegExp.escape(said)}`),
    );
  });

  test("an output on the rule's own input link", async () => {
    await refused({ AddRule: { ...rule, outputs: [output, { ...output, interface: "in0" }] } }, /cannot be the same/);
  });

  test("a second rule with the input of another, and leaves that one as it is", async () => {
    await relay.must({ AddRule: { ...rule, name: "first", rule_id: "one" } });
    const again = await relay.send({ AddRule: { ...rule, name: "second", rule_id: "two" } });
    expect(again).toEqual({ Error: expect.stringContaining("is already the input of rule 'first' (id: one)") });
    expect(await relay.send("ListRules")).toMatchObject({ Rules: [{ rule_id: "one", name: "first" }] });
    await relay.must({ RemoveRule: { rule_id: "one" } });
  });
});

describe("other commands over the socket", () => {
  const wrong: [command: unknown, said: string][] = [
    [{ RemoveRule: {} }, "rule_id is missing"],
    [{ RemoveRule: { rule_id: 5 } }, "rule_id must be a rule id, not 5"],
    [{ RemoveRule: { rule_id: "x".repeat(129) } }, "at most 128"],
    [{ RemoveRule: { rule_id: "nosuch" } }, "Rule nosuch not found"],
    [{ RemoveRule: null }, "RemoveRule"],
    ["RemoveRule", "RemoveRule needs its data"],
    [{ RemoveRuleByName: {} }, "name is missing"],
    [{ RemoveRuleByName: { name: [] } }, "name must be a name"],
    [{ RemoveRuleByName: { name: "nosuch" } }, "No rule found with name 'nosuch'"],
    ["Nonsense", "unknown command 'Nonsense'"],
    ["ListRule", "ListRules"],
    [{ Ping: { loud: true } }, "Ping takes no data"],
    [{ Ping: null, ListRules: null }, "exactly one key, not 2"],
    [{}, "exactly one key, not 0"],
    [[], "a command is a string or an object with one key"],
    [17, "a command is a string or an object with one key"],
    [null, "a command is a string or an object with one key"],
    ["EnablePim", "EnablePim is not available"],
    [{ AddRule: [] }, "AddRule"],
    [{ AddRule: "x" }, "AddRule"],
  ];
  test.each(wrong)("%j is refused", async (command, said) => {
    await refused(command, new RegExp(RegExp.escape(said)));
  });

  /** Sends bytes as they are and half-closes; what comes back. */
  function raw(bytes: Uint8Array | string, isEnded = true): Promise<string> {
    return new Promise((resolve, reject) => {
      let reply = "";
      const socket = createConnection({ path: relay.socketPath, allowHalfOpen: true }, () => {
        if (isEnded) socket.end(bytes);
        else socket.write(bytes);
      });
      socket.setEncoding("utf8").on("data", (part) => {
        reply += part;
      });
      socket.on("end", () => {
        resolve(reply);
        socket.destroy();
      });
      // A server that refuses what is too long may close before it has read all of it.
      socket.on("error", (error) => (reply === "" ? reject(error) : resolve(reply)));
    });
  }

  test.each<[string, Uint8Array | string, string]>([
    ["text that is no JSON", "hello", "the command is not JSON"],
    ["half a command", '{"AddRule":{"rule_id"', "the command is not JSON"],
    ["bytes that are no UTF-8", Uint8Array.of(0x22, 0xff, 0xfe, 0x22), "not UTF-8"],
    ["JSON nested 100,000 deep", "[".repeat(100_000), "not JSON"],
    ["nothing but a newline and a command", '\n"Nope"', "unknown command"],
  ])("%s is refused", async (_, bytes, said) => {
    expect(await raw(bytes)).toContain(said);
  });

  test("17 MiB are refused before they are read, and nobody else notices", async () => {
    const reply = raw(`{"AddRule":{"name":"${"x".repeat(17 * 1024 * 1024)}"}}`);
    await relay.must("Ping");
    expect(await reply).toMatch(/Error.*larger than 1048576 bytes/);
  });

  test("a client that never finishes its command delays no other", async () => {
    const silent = Array.from({ length: 40 }, () => raw('{"AddRule":', false).catch(() => ""));
    const start = performance.now();
    await relay.must({ AddRule: { ...rule, name: "meanwhile" } });
    await relay.must({ RemoveRuleByName: { name: "meanwhile" } });
    expect(performance.now() - start).toBeLessThan(1000);
    expect(silent).toHaveLength(40);
  });
});

describe("the command line refuses", () => {
  const input = ["--input-interface", "in0", "--input-group", "239.1.1.1", "--input-port", "5000"];
  const to = ["--outputs", "239.2.2.2:5001:out0"];
  /** The right command with one option's value changed. */
  const but = (option: string, value: string) => {
    const args = ["add", ...input, ...to];
    return args.map((arg, at) => (args[at - 1] === option ? value : arg));
  };
  const usage: [args: string[], said: string][] = [
    [but("--input-interface", ""), "must not be empty"],
    [but("--input-interface", "far-too-long-name"), "exceeds maximum length of 15"],
    [but("--input-group", "239.1.1"), "input_group must be"],
    [but("--input-port", "0"), "cannot be 0"],
    [but("--input-port", "65536"), "a port from 1 to 65535, not 65536"],
    [but("--input-port", "5e3"), "a port from 1 to 65535"],
    [but("--outputs", "239.2.2.2:5001"), "GROUP:PORT:INTERFACE"],
    [but("--outputs", "239.2.2.2:5001:out0:x"), "GROUP:PORT:INTERFACE"],
    [but("--outputs", "239.2.2.2:0:out0"), "cannot be 0"],
    [but("--outputs", "239.2.2:5001:out0"), "an IPv4 address"],
    [but("--outputs", "239.2.2.2:5001:out0?ttl=0"), "a TTL from 1 to 255"],
    [but("--outputs", "239.2.2.2:5001:out0?tll=4"), "ttl"],
    [but("--outputs", "239.2.2.2:5001:out0?source=1"), "a unicast IPv4 address"],
    [["add", ...input, ...to, "--ttl", "999"], "a TTL from 1 to 255"],
    [["add", ...input, ...to, "--name", "x".repeat(129)], "at most 128"],
    [["add", ...input, ...to, "--rule-id", "x".repeat(129)], "at most 128"],
    [["add", ...input, ...to, "--input-port", "1"], "given twice"],
    [["add", ...input.slice(2), ...to], "needs --input-interface"],
    [["add", ...input, ...to, "--frobnicate"], "unknown option '--frobnicate'"],
    [["remove"], "--rule-id"],
    [["remove", "--rule-id", "a", "--name", "b"], "--name"],
    [["lsit"], "list"],
    [["list", "all"], "unexpected argument 'all'"],
  ];
  test.each(usage)("%j with exit code 64", async (args, said) => {
    const { exitCode, stdout, stderr } = await relay.tryCtl(...args);
    expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 64, stdout: "", stderr: expect.stringContaining(said) });
    expect(await relay.send("ListRules")).toEqual({ Rules: [] });
  });

  test("what the supervisor refuses, with exit code 1", async () => {
    const loop = await relay.tryCtl(...but("--outputs", "239.2.2.2:5001:in0"));
    expect(loop).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("cannot be the same") });
    const unknown = await relay.tryCtl("remove", "--rule-id", "nosuch");
    expect(unknown).toMatchObject({ exitCode: 1, stdout: "", stderr: expect.stringContaining("nosuch not found") });
  });

  test("a socket that nobody serves, with exit code 69 and what to do", async () => {
    const { exitCode, stderr } = await relay.tryCtl("--socket-path", "/nosuch.sock", "list");
    expect([64, 69]).toContain(exitCode);
    expect(stderr).not.toBe("");
  });
});

test("after all that it still forwards", async () => {
  await relay.must({ AddRule: rule });
  const sink = await Sink.start(lab, "sink", [
    ...["--group", "239.2.2.2", "--port", "5001", "--interface", "in0", "--expect", "1000"],
  ]);
  const stream = ["--group", "239.1.1.1", "--port", "5000", "--interface", "out0", "--rate", "10k", "--count", "1000"];
  await generate(lab, "gen", stream);
  expect(await sink.received()).toMatchObject({ ...intact, received: 1000 });
});
