import { expect, test } from "bun:test";
import { sorted } from "../../src/doctor/examine.ts";
import { commandLine, exitCodeOf, fine, type Severity, type Verdict } from "../../src/doctor/verdict.ts";

const of = (...severities: Severity[]): Verdict[] =>
  severities.map((severity, at) => ({ id: String(at), severity, what: severity }));

test("the exit code is that of the gravest: notes and what was not seen are fine", () => {
  expect(exitCodeOf(of())).toBe(0);
  expect(exitCodeOf(of("fine", "note", "unseen"))).toBe(0);
  expect(exitCodeOf(of("fine", "warning"))).toBe(1);
  expect(exitCodeOf(of("warning", "error", "fine"))).toBe(2);
});

test("the gravest comes first, equals in their order", () => {
  const verdicts = sorted(of("fine", "unseen", "warning", "note", "error", "warning"));
  expect(verdicts.map(({ id }) => id)).toEqual(["4", "2", "5", "3", "1", "0"]);
});

test("commands are as a shell takes them", () => {
  expect(commandLine({ sysctl: "net.core.wmem_max", value: "4194304" })).toBe("sysctl -w net.core.wmem_max=4194304");
  expect(commandLine({ sysctl: "net.ipv4.tcp_mem", value: "1 2" })).toBe("sysctl -w 'net.ipv4.tcp_mem=1 2'");
  expect(commandLine({ write: "3", to: "/sys/a b" })).toBe("echo 3 > '/sys/a b'");
  expect(commandLine({ run: ["chmod", "o-w", "/it's"] })).toBe("chmod o-w '/it'\\''s'");
  expect(commandLine({ shell: "unset A B" })).toBe("unset A B");
  expect(fine("a", "b", "c")).toEqual({ id: "a", severity: "fine", what: "b", link: "c" });
});
