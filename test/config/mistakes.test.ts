import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { judgeTexts } from "../../src/config/load.ts";
import { problemLine, problemLines } from "../../src/config/problem.ts";

const text = readFileSync(join(import.meta.dir, "../fixtures/twenty-mistakes.json5"), "utf8");

test("a file with twenty mistakes: all twenty in one go, each with its line and column, and nothing else", () => {
  const { loaded, problems } = judgeTexts([{ path: "f", text }]);
  expect(loaded).toBeUndefined();
  expect(problems.filter(({ severity }) => severity === "error").map(problemLine)).toEqual([
    "f:4:18: multicast_ttl must be a TTL from 1 to 255, not 300",
    "f:5:3: the key 'pinning' stands here a second time; first at f:3:3",
    "f:5:14: invalid pinning: empty core list for pinned interface 'eth0' (at pinning.eth0)",
    "f:9:61: rules[0].input.port must be a port from 1 to 65535, not 70000",
    "f:14:42: rules[1].input.group must be an IPv4 address, multicast or unicast, such as 239.1.1.1, not '239.1.1'",
    "f:19:27: invalid interface name 'an-interface-name': exceeds maximum length of 15 bytes (at rules[2].input.interface)",
    "f:20:17: rules[2].outputs[0].interface is missing; it must be the name of a network interface",
    "f:22:5: failed to parse config: ',' is missing before '{'",
    "f:24:7: failed to parse config: ',' is missing before 'input'",
    "f:25:62: failed to parse config: 'eth1' is not a value. Text needs quotes.",
    "f:28:72: rules[4].input.source must be a unicast IPv4 address such as 10.0.0.9, not '239.0.0.1'",
    "f:29:45: failed to parse config: '08' is not a number",
    "f:32:20: failed to parse config: '\\u12' is not an escape",
    "f:34:62: rules[5]: Rule rejected: input_interface 'eth0' and output_interface 'eth0' cannot be the same. A datagram must not go back to where it came from: it would be captured again. Choose another output interface.",
    "f:37:13: failed to parse config: ':' was expected after the key 'input', not '='",
    "f:38:75: rules[6].outputs[0].ttl must be a TTL from 1 to 255, not 0",
    "f:40:5: duplicate rule for input eth0:239.1.1.1:2 (rules 3 and 7); first at f:22:5",
    "f:44:18: rules[7].exclusive must be true or false, not 'yes'",
    "f:46:72: invalid port 0 in rule 8",
    "f:47:115: invalid port 0 in rule 9 output",
  ]);
});

test("each is shown with its line and a mark under what is meant", () => {
  const { problems } = judgeTexts([{ path: "f", text }]);
  const shown = problems.find(({ message }) => message.includes("not 70000"));
  expect(shown === undefined ? [] : problemLines(shown)).toEqual([
    "f:9:61: rules[0].input.port must be a port from 1 to 65535, not 70000",
    ' 9 |       input: { interface: "eth0", group: "239.1.1.1", port: 70000 }, // 4: no port',
    "   |                                                             ^^^^^",
  ]);
});
