// The fields of the configuration file, read off its JSON Schema.
import { jsonSchema } from "../../config/json-schema.ts";

type Schema = {
  type?: string | readonly string[];
  format?: string;
  description?: string;
  anyOf?: readonly Schema[];
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  items?: Schema;
  minimum?: number;
  maximum?: number;
  maxItems?: number;
};

/** One field: its place (`rules[].input.port`), and what it is. */
export type Field = { path: string; text: string };

/** All of them, in the order of the schema. */
export function fields(): Field[] {
  return below(jsonSchema() as Schema, "");
}

function below(schema: Schema, path: string): Field[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const place = path === "" ? name : `${path}.${name}`;
    const value = presentOf(field);
    const isRequired = schema.required?.includes(name) === true;
    const here = {
      path: place,
      text: `${field.description ?? ""}${field.description === undefined ? "" : "; "}${kindOf(value)}${isRequired ? "; required" : ""}`,
    };
    const inside = value.items === undefined ? below(value, place) : below(presentOf(value.items), `${place}[]`);
    return [here, ...inside];
  });
}

/** What the field is when it is not null. */
function presentOf(schema: Schema): Schema {
  return schema.anyOf?.find(({ type }) => type !== "null") ?? schema;
}

function kindOf({ type, format, minimum, maximum, maxItems }: Schema): string {
  const word = typeof type === "string" ? type : type?.find((each) => each !== "null");
  const kind = format === "ipv4" ? "IPv4 address" : word === "array" ? "list" : (word ?? "value");
  const range = minimum === undefined || maximum === undefined ? "" : ` from ${minimum} to ${maximum}`;
  return `${kind}${range}${maxItems === undefined ? "" : ` of at most ${maxItems}`}`;
}
