// How an expected failure travels: as a value. Exceptions are for broken programs (see assert.ts).

/** Either `ok` with a value, or an error to be shown to whoever asked. */
export type Outcome<T, E = string> = { ok: true; value: T } | { ok: false; error: E };

/** The good outcome. */
export function done<T>(value: T): { ok: true; value: T } {
  return { ok: true, value };
}

/** The bad outcome: `error` says what, where, why and what to do. */
export function failed<E = string>(error: E): { ok: false; error: E } {
  return { ok: false, error };
}

/** The text of anything that can be thrown. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The errno name (`ENOENT`) of a thrown system error, if it carries one. */
export function codeOf(thrown: unknown): string | undefined {
  if (thrown instanceof Error && "code" in thrown && typeof thrown.code === "string") {
    return thrown.code;
  }
  return undefined;
}
