// Numbers on the command line of chaos and soak.
import { parseArgs } from "node:util";

/** Values of `--NAME NUMBER` options by name; what is not given is its default. A mistake ends the process with usage. */
export function numbersGiven<Name extends string>(defaults: Record<Name, number>): Record<Name, number> {
  const names = Object.keys(defaults) as Name[];
  const options = Object.fromEntries(names.map((name) => [name, { type: "string" as const }]));
  try {
    const { values } = parseArgs({ options });
    const read = (name: Name) => (values[name] === undefined ? defaults[name] : positive(name, String(values[name])));
    return Object.fromEntries(names.map((name) => [name, read(name)])) as Record<Name, number>;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exit(64);
  }
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value > 0) return value;
  throw new Error(`--${name} must be a number above 0, not '${text}'`);
}
