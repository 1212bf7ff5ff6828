// From one command's bytes to a Command, or to the text of its refusal. Never throws, whatever the bytes.

import { suggestion } from "../base/nearest.ts";
import { done, failed, type Outcome, reasonOf } from "../base/outcome.ts";
import { holdsMoreThan } from "../base/values.ts";
import { limits } from "../limits.ts";
import { explain } from "../rules/explain.ts";
import { found } from "../rules/fields.ts";
import { type Command, type CommandWithData, type CommandWord, commandBodies, commandWords } from "./words.ts";

/** Commands that MCR knows and this version does not (INTEROP.md 2.3). */
const laterCommands = new Set(
  (
    "GetPimNeighbors EnablePim DisablePim SetStaticRp SetRpAddress AddExternalNeighbor RemoveExternalNeighbor " +
    "ListExternalNeighbors ClearExternalNeighbors SetRpfProvider GetRpfProvider QueryRpf AddRpfRoute RemoveRpfRoute " +
    "ListRpfRoutes ClearRpfRoutes GetIgmpGroups EnableIgmpQuerier DisableIgmpQuerier GetMsdpPeers GetMsdpSaCache " +
    "AddMsdpPeer RemoveMsdpPeer ClearMsdpSaCache"
  ).split(" "),
);

/** Those about events; what is said of them is MCR's text for a daemon without routing protocols (INTEROP.md 2.5). */
const eventCommands = new Set(["Subscribe", "Unsubscribe", "ListSubscriptions"]);

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** What a client asked for. The error is the text of the `{"Error": …}` it gets. */
export function parseCommand(bytes: Uint8Array): Outcome<Command> {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    // The decoder says only that it failed; how much was sent is more helpful than its words.
    return failed(`the command is not UTF-8 text (${bytes.length} bytes); send one JSON value, e.g. "Ping"`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return failed(`the command is not JSON: ${reasonOf(error)}; send one JSON value in one line, e.g. "Ping"`);
  }
  if (!mayBeLarge(text.slice(0, 64)) && holdsMoreThan(value, limits.commandPlainValuesMax)) {
    return failed(`the command holds more than ${limits.commandPlainValuesMax} values; no such command needs so many`);
  }
  return checkCommand(value);
}

/** Whether a command that begins like this may bring as much as a whole configuration. */
export function mayBeLarge(beginning: string): boolean {
  return /^\s*\{\s*"(LoadConfig|CheckConfig|PlanConfig|ApplyConfig|Batch)"/.test(beginning);
}

/** The same for a JSON value. */
export function checkCommand(value: unknown): Outcome<Command> {
  if (typeof value === "string") {
    return wordCommand(value);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return failed(
      `a command is a string or an object with one key, not ${found(value)}; e.g. {"RemoveRule":{"rule_id":"x"}}`,
    );
  }
  const [entry, ...others] = Object.entries(value);
  if (entry === undefined || others.length > 0) {
    return failed(`a command is an object with exactly one key, not ${others.length === 0 ? 0 : others.length + 1}`);
  }
  const [name, body] = entry;
  if (!hasBody(name)) {
    // `{"Ping":null}` is how some serializers write a variant without data.
    return body === null ? wordCommand(name) : failed(unknown(name));
  }
  const parsed = commandBodies[name].safeParse(body);
  return parsed.success ? done({ [name]: parsed.data } as CommandWithData) : failed(explain(parsed.error, name));
}

function hasBody(name: string): name is keyof typeof commandBodies {
  return Object.hasOwn(commandBodies, name);
}

function isWord(name: string): name is CommandWord {
  return (commandWords as readonly string[]).includes(name);
}

function wordCommand(name: string): Outcome<Command> {
  if (isWord(name)) {
    return done(name);
  }
  if (hasBody(name)) {
    return failed(`${name} needs its data: {"${name}":{…}}`);
  }
  return failed(unknown(name));
}

function unknown(name: string): string {
  if (laterCommands.has(name)) {
    return `${name} is not available`;
  }
  if (eventCommands.has(name)) {
    return "Event subscriptions not available";
  }
  if (isWord(name)) {
    return `${name} takes no data; send the string "${name}"`;
  }
  return `unknown command ${found(name)}.${suggestion(name, [...commandWords, ...Object.keys(commandBodies)])}`;
}
