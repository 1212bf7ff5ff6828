// What init asks on a terminal, one line a question. Every answer is judged by the field that it becomes; the words in brackets
// stand for an empty answer.
import { createInterface } from "node:readline";
import type { z } from "zod";
import { printable } from "../../base/printable.ts";
import { destination, linkName, port } from "../../rules/fields.ts";
import { exampleSides, type FirstRule, type Side } from "./first-file.ts";
import type { FoundLink, Guess } from "./links.ts";

/** Says a text, and reads the line behind it; undefined: the terminal is closed. */
export type Ask = (question: string) => Promise<string | undefined>;

type Field<T> = { question: string; otherwise: string; read: (text: string) => T; field: z.ZodType<T> };

/** The first rule as the operator wants it; undefined when no more answers come. */
export async function askRule(ask: Ask, links: readonly FoundLink[], guessed: Guess): Promise<FirstRule | undefined> {
  const shown = links.map(({ name, isUp }) => `${printable(name)}${isUp ? "" : " (down)"}`).join(", ");
  const hint = `Interfaces here: ${shown === "" ? "none" : shown}\n`;
  const input = await askSide(ask, "Datagrams arrive", hint, guessed.input, exampleSides.input);
  if (input === undefined) {
    return undefined;
  }
  const others = links.filter(({ name }) => name !== input.interface).map(({ name }) => name);
  const left = others.includes(guessed.output ?? "") ? guessed.output : others[0];
  for (let note = ""; ; note = "It must be another interface: a datagram must not go back to where it came from.\n") {
    const output = await askSide(ask, "They leave", note, left, exampleSides.output);
    if (output === undefined || output.interface !== input.interface) {
      return output && { input, output, isExample: false };
    }
  }
}

async function askSide(
  ask: Ask,
  words: string,
  hint: string,
  link: string | undefined,
  example: Omit<Side, "interface">,
): Promise<Side | undefined> {
  const name = await askField(ask, {
    ...text,
    field: linkName,
    question: `${hint}${words} on interface`,
    otherwise: link ?? "",
  });
  const group =
    name === undefined
      ? undefined
      : await askField(ask, {
          ...text,
          field: destination,
          question: "  for group or address",
          otherwise: example.group,
        });
  const number =
    group === undefined
      ? undefined
      : await askField(ask, {
          question: "  and port",
          otherwise: String(example.port),
          read: Number,
          field: port.refine((value) => value > 0, "must be a port from 1 to 65535"),
        });
  return name === undefined || group === undefined || number === undefined
    ? undefined
    : { interface: name, group, port: number };
}

const text = { read: (line: string) => line };

/** Asks until the answer fits. */
async function askField<T>(ask: Ask, { question, otherwise, read, field }: Field<T>): Promise<T | undefined> {
  for (let complaint = ""; ; ) {
    const line = await ask(`${complaint}${question}${otherwise === "" ? "" : ` [${printable(otherwise)}]`}: `);
    if (line === undefined) {
      return undefined;
    }
    const judged = field.safeParse(read(line.trim() === "" ? otherwise : line.trim()));
    if (judged.success) {
      return judged.data;
    }
    complaint = `  it ${judged.error.issues[0]?.message ?? "does not fit"}\n`;
  }
}

/** Questions on this terminal. Lines are edited by the terminal itself, so that Ctrl-C ends the program as ever. */
export function terminalAsk(): { ask: Ask; close: () => void } {
  const reader = createInterface({ input: process.stdin, terminal: false });
  const lines = reader[Symbol.asyncIterator]();
  const ask: Ask = async (question) => {
    process.stdout.write(question);
    const { value, done } = await lines.next();
    return done === true ? undefined : value;
  };
  return { ask, close: () => reader.close() };
}
