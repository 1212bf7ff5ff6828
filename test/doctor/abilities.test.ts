import { expect, test } from "bun:test";
import { abilitiesHere, abilityLines } from "../../src/doctor/abilities.ts";

const ring = { error: undefined, isMultishot: true, isDeferring: true, isGathering: true };
const tried = { ring, captureError: undefined, ebpfError: undefined };
const about = { release: "6.18.1", library: "loaded" };

const texts = (abilities: Parameters<typeof abilityLines>[0]) => abilityLines(abilities).map(([, text]) => text);

test("a new kernel that refuses nothing gives all there is", () => {
  expect(abilityLines({ ...about, tried })).toEqual([
    ["kernel", "Linux 6.18.1"],
    ["library", "loaded"],
    ["waiting", "io_uring: multishot poll, deferred completions, gathering waits"],
    ["capture", "AF_PACKET, TPACKET_V2"],
    ["tc ingress", "eBPF program, attached by tcx"],
  ]);
});

test("an old kernel's io_uring says what it has, and tc ingress goes by clsact before 6.6", () => {
  const old = { ...tried, ring: { ...ring, isDeferring: false, isGathering: false } };
  expect(texts({ ...about, release: "6.5.13", tried: old })).toEqual([
    "Linux 6.5.13",
    "loaded",
    "io_uring: multishot poll",
    "AF_PACKET, TPACKET_V2",
    "eBPF program, attached by clsact",
  ]);
});

test("what is refused is said with its error and what is taken instead", () => {
  const refused = {
    ring: { error: "ENOSYS", isMultishot: false, isDeferring: false, isGathering: false },
    captureError: "EPERM",
    ebpfError: "EPERM",
  };
  expect(texts({ ...about, tried: refused }).slice(2)).toEqual([
    "ppoll and sendmmsg, because io_uring is not available (ENOSYS)",
    "not as this user (EPERM)",
    "no eBPF program (EPERM): what is captured climbs on into this host",
  ]);
});

test("a library that does not load is all that can be said", () => {
  expect(texts({ ...about, library: "not loaded: no memfd" })).toEqual(["Linux 6.18.1", "not loaded: no memfd"]);
});

test("this machine answers with its own kernel and a library of this build", async () => {
  const lines = new Map(abilityLines(await abilitiesHere()));
  expect(lines.get("kernel")).toMatch(/^Linux \d+\.\d+/);
  expect(lines.get("library")).toBe("loaded from memory, of this build");
  expect(lines.get("waiting")).toMatch(/^(io_uring: multishot poll|ppoll and sendmmsg)/);
});
