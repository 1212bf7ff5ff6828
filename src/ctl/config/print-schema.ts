// config schema: the JSON Schema of the configuration file. appliance/mcr.schema.json is its output.
import { jsonSchema } from "../../config/json-schema.ts";
import type { Given, World } from "../verb.ts";

/** Prints it. */
export async function printSchema(_: Given, world: World): Promise<number> {
  world.say(JSON.stringify(jsonSchema(), null, 2));
  return 0;
}
