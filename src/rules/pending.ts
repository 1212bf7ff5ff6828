// Why rules and outputs wait: every reason there is, in one place. These words are what `list`, `status`, `explain`, the log and the
// page on troubleshooting have in common; whoever changes one changes it for all.

/** By name; what stands in braces is filled in. Of two that could be meant by one text the first counts. */
export const pendingWords = {
  inputMissing: "input link {link} does not exist",
  inputsMissing: "no input link is named {link}",
  linkDown: "{link} is down",
  capturesFull: "{link} cannot be captured: {count} links are, and that is the most",
  captureRefused: "{link} cannot be captured: {failure}",
  outputMissing: "output link {link} does not exist",
  noAddress: "{link} has no IPv4 address",
  noRoute: "no route to {address} through {link}",
  sourceMissing: "{address} is not an address of this machine",
  portTaken: "{link} to {address}: source port {port} belongs to another program",
  outputRefused: "{link} to {address}: {failure}",
  standby: "standby: another router sends",
  notLooked: "not looked at yet",
  disabled: "disabled",
} as const;

export type PendingName = keyof typeof pendingWords;

/** The names in braces. */
type Blanks<Text extends string> = Text extends `${string}{${infer Blank}}${infer Rest}` ? Blank | Blanks<Rest> : never;

/** The reason in words. */
export function pendingText<Name extends PendingName>(
  name: Name,
  values: Record<Blanks<(typeof pendingWords)[Name]>, string | number>,
): string {
  const given: Record<string, string | number> = values;
  return pendingWords[name].replace(/\{(\w+)\}/g, (_, blank: string) => String(given[blank] ?? ""));
}

/** Reasons that no event announces the end of: memory, descriptors, rights. They are tried again now and then. */
const refusals: readonly PendingName[] = ["captureRefused", "capturesFull", "portTaken", "outputRefused"];

const patterns = Object.entries(pendingWords).map(([name, words]) => ({
  name: name as PendingName,
  pattern: new RegExp(`^${words.replace(/[.()]/g, "\\$&").replace(/\{\w+\}/g, ".+")}$`, "s"),
}));

/** Which reason a text is; undefined: none of these. */
export function pendingNameOf(text: string): PendingName | undefined {
  return patterns.find(({ pattern }) => pattern.test(text))?.name;
}

/** Whether something has to be tried again without an event. */
export function isRefusal(text: string | undefined): boolean {
  const name = text === undefined ? undefined : pendingNameOf(text);
  return name !== undefined && refusals.includes(name);
}
