// Values as JSON5 that a person would write: keys without quotes, short things on one line.

/** What fits on one line of the file, without its indentation. */
const lineLengthMax = 100;
const plainKey = /^[A-Za-z_$][A-Za-z0-9_$]*$/;

/** `value` as JSON5; lines after the first begin with `indent`. Undefined members are left out. */
export function print(value: unknown, indent = ""): string {
  const line = oneLine(value);
  if (line.length <= lineLengthMax && !isDeep(value)) {
    return line;
  }
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    return `[\n${value.map((item) => `${inner}${print(item, inner)},\n`).join("")}${indent}]`;
  }
  if (typeof value === "object" && value !== null) {
    return `{\n${membersOf(value)
      .map(([key, member]) => `${inner}${key}: ${print(member, inner)},\n`)
      .join("")}${indent}}`;
  }
  return line;
}

/** `key` as it stands in the file. */
export function printKey(key: string): string {
  return plainKey.test(key) ? key : JSON.stringify(key);
}

/** A list of objects that hold objects, or an object that does, is easier to read over several lines. */
function isDeep(value: unknown): boolean {
  const isObject = (each: unknown): each is object => typeof each === "object" && each !== null;
  return isObject(value) && Object.values(value).some((each) => isObject(each) && Object.values(each).some(isObject));
}

function membersOf(value: object): [string, unknown][] {
  return Object.entries(value).flatMap(([key, member]) => (member === undefined ? [] : [[printKey(key), member]]));
}

function oneLine(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map(oneLine).join(", ")}]`;
  }
  if (typeof value === "object" && value !== null) {
    const members = membersOf(value).map(([key, member]) => `${key}: ${oneLine(member)}`);
    return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
  }
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : JSON.stringify(value);
}
