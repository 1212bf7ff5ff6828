// The native library, where it loads: a machine on which it does not is one that needs a doctor.
import { BrokenProgram } from "../base/assert.ts";
import { reasonOf } from "../base/outcome.ts";
import type { Native } from "./native.ts";

/** What only system calls can tell, or why the library does not load. Throws where it is of another build. */
export async function loadNative(): Promise<Native | { refusal: string }> {
  try {
    return (await import("./native.ts")).native;
  } catch (thrown) {
    if (thrown instanceof BrokenProgram) {
      throw thrown;
    }
    return { refusal: reasonOf(thrown) };
  }
}
