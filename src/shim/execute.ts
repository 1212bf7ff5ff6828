// Becoming another program, or the same one anew; execve(2). The process keeps its id, its descriptors that are not closed on
// exec, its namespaces and limits, and loses every thread but ours.
import { map } from "./memory.ts";
import { systemCall } from "./system-call.ts";

const pointerSize = 8;

/** Does not return when the kernel agrees; else -errno. */
export function execute(path: string, args: readonly string[], environment: Readonly<Record<string, string>>): number {
  const entries = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const texts = [path, ...args, ...entries].map((text) => new TextEncoder().encode(`${text}\0`));
  const pointersSize = pointerSize * (args.length + 1 + entries.length + 1);
  const textsSize = texts.reduce((sum, text) => sum + text.length, 0);
  const memory = map(Math.ceil((pointersSize + textsSize) / 8) * 8);
  const addresses: number[] = [];
  let offset = pointersSize;
  for (const text of texts) {
    memory.u8.set(text, offset);
    addresses.push(memory.pointer + offset);
    offset += text.length;
  }
  const [pathAddress = 0, ...rest] = addresses;
  const lists = [...rest.slice(0, args.length), 0, ...rest.slice(args.length), 0];
  for (const [index, address] of lists.entries()) {
    memory.u32.set([address % 2 ** 32, Math.floor(address / 2 ** 32)], 2 * index);
  }
  const environmentAt = memory.pointer + pointerSize * (args.length + 1);
  const result = systemCall("execve", pathAddress, memory.pointer, environmentAt);
  memory.close();
  return result;
}
