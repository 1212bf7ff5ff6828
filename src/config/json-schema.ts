// The schema of the file in the language of editors, and what can be read off it: which keys are known where.
import { z } from "zod";
import { suggestion } from "../base/nearest.ts";
import type { Complaint, Node } from "./json5/node.ts";
import { quoted } from "./json5/scan.ts";
import { configSchema } from "./schema.ts";

/** JSON Schema (2020-12) of the configuration file. */
export function jsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(configSchema, { io: "input" });
  return { $schema, title: "mcr-appliance configuration", ...schema };
}

/** The part of a JSON Schema that this file walks. */
type Shape = {
  anyOf?: readonly Shape[];
  properties?: Readonly<Record<string, Shape>>;
  additionalProperties?: unknown;
  items?: Shape;
};

// Made once, when the first file is judged: it takes some milliseconds.
let shapeOfAll: Shape | undefined;

/** Keys that nothing reads, anywhere below `root`, each with the known key that was probably meant. */
export function unknownKeys(root: Node): Complaint[] {
  const complaints: Complaint[] = [];
  shapeOfAll ??= jsonSchema();
  walk(root, shapeOfAll, complaints);
  return complaints;
}

function walk(node: Node, schema: Shape, complaints: Complaint[]): void {
  // Of alternatives, the one that is not null has the keys.
  const shape = schema.anyOf?.find((each) => each.properties ?? each.items ?? each.additionalProperties) ?? schema;
  if (node.kind === "array") {
    for (const item of node.items) {
      walk(item, shape.items ?? {}, complaints);
    }
  } else if (node.kind === "object" && shape.properties !== undefined) {
    for (const { name, key, value } of node.members) {
      const known = Object.hasOwn(shape.properties, name) ? shape.properties[name] : undefined;
      if (known === undefined) {
        const near = suggestion(name, Object.keys(shape.properties));
        complaints.push({ ...key, message: `unknown key ${quoted(name)}; nothing reads it.${near}` });
      } else {
        walk(value, known, complaints);
      }
    }
  }
}
