// Extended attributes of files, xattr(7), which Bun does not ask for.
import { map } from "./memory.ts";
import { type Failure, outcomeOf } from "./socket.ts";
import { systemCall } from "./system-call.ts";

// XATTR_NAME_MAX and PATH_MAX of linux/limits.h, each with its terminator.
const places = { name: 0, path: 256, end: 256 + 4096 } as const;

/** The size in bytes of an attribute such as `security.capability`; ENODATA when the file has none. */
export function attributeSize(path: string, attribute: string): number | Failure {
  const memory = map(places.end);
  try {
    const encoder = new TextEncoder();
    encoder.encodeInto(attribute, memory.u8.subarray(places.name, places.path - 1));
    encoder.encodeInto(path, memory.u8.subarray(places.path, places.end - 1));
    return outcomeOf("getxattr", systemCall("getxattr", memory.at(places.path), memory.at(places.name), 0, 0));
  } finally {
    memory.close();
  }
}
