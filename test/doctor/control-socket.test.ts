import { expect, test } from "bun:test";
import { type ControlFacts, judgeControl } from "../../src/doctor/control-socket.ts";
import { commandLine } from "../../src/doctor/verdict.ts";

const facts: ControlFacts = {
  path: "/run/mcr/control.sock",
  folderPath: "/run/mcr",
  folder: { mode: 0o755, uid: 0, isSocket: false },
  file: { mode: 0o660, uid: 0, isSocket: true },
  isAnswered: true,
  refusal: undefined,
};
const folder = (mode: number, uid = 0) => ({ folder: { mode, uid, isSocket: false } });
const file = (mode: number, isSocket = true) => ({ file: { mode, uid: 0, isSocket } });
const told = (changes: Partial<ControlFacts>) =>
  judgeControl({ ...facts, ...changes }).map(({ severity, commands = [] }) => [severity, ...commands.map(commandLine)]);

test("a folder and a socket for owner and group are fine, and so is a folder to be", () => {
  expect(told({})).toEqual([["fine"]]);
  expect(told({ folder: undefined, file: undefined })).toEqual([["fine"]]);
});

test("a folder of everybody is an error, /tmp a warning", () => {
  expect(told(folder(0o777))).toEqual([["error", "chmod o-w /run/mcr"]]);
  expect(told(folder(0o777, 1000))).toEqual([["error", "chmod o-w /run/mcr", "chown root /run/mcr"]]);
  expect(told(folder(0o1777))).toEqual([["warning"]]);
});

test("a socket of everybody, and what is no socket, are errors; a dead one a note", () => {
  expect(told(file(0o666))).toEqual([["error", "chmod o= /run/mcr/control.sock"]]);
  expect(told(file(0o600, false))).toEqual([["error", "mv /run/mcr/control.sock /run/mcr/control.sock.aside"]]);
  expect(told({ isAnswered: false })).toEqual([["note"]]);
});

test("what may not be looked at is unseen", () => {
  expect(told({ refusal: "EACCES", folder: undefined })).toEqual([["unseen"]]);
});
