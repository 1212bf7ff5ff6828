import { expect, test } from "bun:test";
import { readBatch } from "../../src/ctl/batch.ts";

const input = "--input-interface eth0 --input-group 239.1.1.1 --input-port 5000";

test("each line becomes the command that it is on the command line, with its number", () => {
  const { changes, problems } = readBatch(
    `# first\r\nadd --name 'feed a' ${input} --outputs "239.2.2.2:5001:eth1?ttl=4" # why\n\nremove --name old\n  remove abc\n`,
  );
  expect(problems).toEqual([]);
  const outputs = [{ group: "239.2.2.2", port: 5001, interface: "eth1", ttl: 4 }];
  expect(changes).toEqual([
    { line: 2, AddRule: expect.objectContaining({ name: "feed a", input_port: 5000, outputs }) },
    { line: 4, RemoveRuleByName: { name: "old" } },
    { line: 5, RemoveRule: { rule_id: "abc" } },
  ]);
});

test("everything that is wrong is told with its line", () => {
  const lines = [
    "add --name 'a",
    "list",
    `add ${input} --outputs 239.2.2.2:5001:eth1 --tll 4`,
    `add ${input.replace("5000", "0")} --outputs 239.2.2.2:5001:eth1`,
    "remove",
    "remove a --json",
    "add --help",
    `add ${input} --outputs nonsense`,
    `add ${input}`,
  ];
  expect(readBatch(lines.join("\n")).problems.map(({ line, problem }) => `${line}: ${problem.slice(0, 52)}`)).toEqual([
    "1: the quote ' in column 12 is not closed",
    "2: a line begins with 'add', 'remove', 'enable', 'disab",
    "3: unknown option '--tll' for 'add'. Did you mean '--tt",
    "4: input_port cannot be 0; valid port range is 1-65535",
    "5: 'remove' needs exactly one of ID, --rule-id, --name ",
    "6: --json and --socket-path stand behind 'batch', not i",
    "7: help has no place in a batch",
    "8: output 'nonsense' does not have the form GROUP:PORT:",
  ]);
});

test("more commands than a batch takes are refused at the first that is too many", () => {
  const { problems } = readBatch("remove a\n".repeat(20_001));
  expect(problems).toEqual([{ line: 20_001, problem: "20001 commands; a batch takes at most 20000" }]);
});
