// What of this kernel the relay would use if it started here as this user: tried, not guessed from versions.
import type { RingTrial } from "../shim/ring-trial.ts";
import { isOlder, releaseOf } from "./kernel.ts";
import { loadNative } from "./load-native.ts";
import { Machine } from "./machine.ts";

/** What was tried; refusals are errno names. `library`: how the shim was loaded, or why not; then nothing was tried. */
export type Abilities = {
  release: string;
  library: string;
  tried?: { ring: RingTrial; captureError: string | undefined; ebpfError: string | undefined };
};

/** Tries everything. Leaves nothing behind; throws where the shim is of another build. */
export async function abilitiesHere(): Promise<Abilities> {
  const release = releaseOf(new Machine());
  const native = await loadNative();
  if ("refusal" in native) {
    return { release, library: `not loaded: ${native.refusal}` };
  }
  const tried = { ring: native.ring(), captureError: native.captureError(), ebpfError: native.ebpfError() };
  return { release, library: native.libraryNote ?? "loaded from memory, of this build", tried };
}

/** A line each: what it is about, and in words. */
export function abilityLines({ release, library, tried }: Abilities): [about: string, text: string][] {
  const lines: [string, string][] = [
    ["kernel", `Linux ${release}`],
    ["library", library],
  ];
  if (tried === undefined) {
    return lines;
  }
  return [
    ...lines,
    ["waiting", ringText(tried.ring)],
    [
      "capture",
      tried.captureError === undefined ? "AF_PACKET, TPACKET_V2" : `not as this user (${tried.captureError})`,
    ],
    ["tc ingress", endingText(release, tried.ebpfError)],
  ];
}

function ringText({ error, isMultishot, isDeferring, isGathering }: RingTrial): string {
  if (error !== undefined) {
    return `ppoll and sendmmsg, because io_uring is not available (${error})`;
  }
  if (!isMultishot) {
    return "ppoll and sendmmsg, because this io_uring has no multishot poll";
  }
  const parts = [
    "multishot poll",
    ...(isDeferring ? ["deferred completions"] : []),
    ...(isGathering ? ["gathering waits"] : []),
  ];
  return `io_uring: ${parts.join(", ")}`;
}

function endingText(release: string, error: string | undefined): string {
  if (error !== undefined) {
    return `no eBPF program (${error}): what is captured climbs on into this host`;
  }
  return `eBPF program, attached by ${isOlder(release, 6, 6) ? "clsact" : "tcx"}`;
}
