// The new program tries, in a process of its own, all that could keep it from taking over, and says what came of it. It touches
// nothing of ours: what it finds wrong costs nobody a datagram.

import { z } from "zod";
import { done, failed, type Outcome, reasonOf } from "../../base/outcome.ts";
import { limits } from "../../limits.ts";
import { clearAmbient, raiseAmbient } from "../../shim/capabilities.ts";
import { environmentFor } from "./calling.ts";
import type { Program } from "./program.ts";

/** What the new program says, a line of JSON each: at once that it understands, and at the end whether it could. */
const verdict = z.union([
  z.object({ hello: z.string() }),
  z.object({ able: z.string() }),
  z.object({ unable: z.string() }),
]);
export type Verdict = z.output<typeof verdict>;

/** Lets `program` try; `will` is a descriptor of what it would get. Done with its version, failed with what is wrong. */
export async function rehearsalOf(program: Program, will: number): Promise<Outcome<string>> {
  const [argv0 = "", ...args] = program.args;
  raiseAmbient();
  let trial: Bun.Subprocess<"ignore", "pipe", "pipe">;
  try {
    trial = Bun.spawn([program.path, ...args], {
      argv0,
      env: environmentFor("rehearsal", 3),
      stdio: ["ignore", "pipe", "pipe", will],
    });
  } catch (thrown) {
    return failed(`${program.path} cannot be started (${reasonOf(thrown)})`);
  } finally {
    clearAmbient();
  }
  const said = { text: "", errors: "" };
  const read = Promise.all([collect(trial.stdout, said, "text"), collect(trial.stderr, said, "errors")]);
  try {
    return await judge(trial, said);
  } finally {
    trial.kill("SIGKILL");
    await trial.exited;
    await Promise.race([read, Bun.sleep(limits.logRestWaitMs)]);
  }
}

async function judge(trial: Bun.Subprocess, said: { text: string; errors: string }): Promise<Outcome<string>> {
  const sinceMs = performance.now();
  for (;;) {
    const ended = trial.exitCode ?? trial.signalCode;
    // What it said before its end is in the pipe by then, and takes a turn of the loop to be read.
    await Bun.sleep(limits.orderRetryMs);
    const last = verdictsIn(said.text).at(-1);
    if (last !== undefined && !("hello" in last)) {
      return "able" in last ? done(last.able) : failed(last.unable);
    }
    if (ended !== null) {
      const words = said.errors.trim().slice(-limits.rehearsalLastWordsMax);
      return failed(
        `it ended (${ended}) instead of saying that it can${words === "" ? "" : `; its last words: ${words}`}`,
      );
    }
    const waitMs = last === undefined ? limits.rehearsalHelloWaitMs : limits.rehearsalWaitMs;
    if (performance.now() - sinceMs > waitMs) {
      const what = last === undefined ? "does not know how to take over, or hangs" : "is not ready to take over";
      return failed(`it ${what}: nothing came within ${waitMs} ms`);
    }
  }
}

function verdictsIn(text: string): Verdict[] {
  return text.split("\n").flatMap((line) => {
    try {
      return verdict.safeParse(JSON.parse(line)).data ?? [];
    } catch {
      // Another program's words, or half a line.
      return [];
    }
  });
}

async function collect(
  stream: ReadableStream<Uint8Array>,
  into: { text: string; errors: string },
  key: "text" | "errors",
): Promise<void> {
  const decoder = new TextDecoder();
  for await (const bytes of stream) {
    into[key] = (into[key] + decoder.decode(bytes, { stream: true })).slice(-limits.rehearsalSaidSizeMax);
  }
}
