import { expect, test } from "bun:test";
import { renderFindings } from "../../src/ctl/doctor-page.ts";
import type { Verdict } from "../../src/doctor/verdict.ts";

const plain = { columns: 60, isStyled: false, isAll: false };
const verdicts: Verdict[] = [
  {
    id: "gro",
    severity: "error",
    link: "eth0",
    what: "eth0 merges datagrams into super-frames before they are captured.",
    why: "Some are refused.",
    commands: [{ run: ["ethtool", "-K", "eth0", "rx-gro-list", "off", "rx-udp-gro-forwarding", "off"] }],
    advice: "Or another card.",
  },
  {
    id: "send-buffer",
    severity: "warning",
    what: "Small.",
    commands: [{ sysctl: "net.core.wmem_max", value: "4194304" }],
  },
  { id: "queues", severity: "note", what: "One." },
  { id: "links", severity: "unseen", what: "Not named." },
  { id: "kernel", severity: "fine", what: "Linux 6.18" },
  { id: "clock", severity: "fine", what: "in step" },
];

test("the gravest stands last, next to the prompt; commands are whole lines", () => {
  expect(renderFindings(verdicts, plain)).toBe(`fine
  kernel, clock

not looked at
  links: Not named.

note  queues
  One.

warning  send-buffer
  Small.
      sysctl -w net.core.wmem_max=4194304

error  gro eth0
  eth0 merges datagrams into super-frames before they are
  captured.
  Some are refused.
      ethtool -K eth0 rx-gro-list off rx-udp-gro-forwarding off
  Or another card.

To keep a sysctl over the next boot, write 'name = value' to
/etc/sysctl.d/60-mcr.conf.

1 error, 1 warning, 1 note`);
});

test("a machine without a fault is told so in one line, with --all a line each", () => {
  const healthy = verdicts.filter(({ severity }) => severity === "fine");
  expect(renderFindings(healthy, plain)).toBe("fine\n  kernel, clock\n\nEverything is fine.");
  expect(renderFindings(healthy, { ...plain, isAll: true })).toContain("\n  kernel: Linux 6.18\n  clock: in step\n");
});

test("no line of prose is wider than the terminal, and what comes from outside cannot move its cursor", () => {
  const evil: Verdict = { id: "link", severity: "error", link: "a\u001b[2J", what: `${"word ".repeat(60)}\u001b[31m` };
  const page = renderFindings([evil], plain);
  expect(page).not.toContain("\u001b");
  expect(Math.max(...page.split("\n").map((line) => line.length))).toBeLessThanOrEqual(60);
});

test("colours only where they are wanted", () => {
  expect(renderFindings(verdicts, { ...plain, isStyled: true })).toContain("\u001b[1;31merror\u001b[0m");
});
