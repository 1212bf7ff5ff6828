// Levels at run time: the supervisor's own, and by order those of every worker.
import type { Command, Reply } from "../../control/words.ts";
import type { Levels } from "../../log/levels.ts";
import type { Order } from "../../worker/orders.ts";
import type { Workers } from "./workers.ts";

/** A command that sets levels. */
export type LevelCommand = Extract<Command, { SetGlobalLogLevel: unknown } | { SetFacilityLogLevel: unknown }>;

/** The order that brings a worker to the present levels. */
export function levelOrder(levels: Levels): Order {
  const { global, overrides } = levels.choice();
  return { kind: "SetLogLevel", global, facilities: overrides };
}

/** Sets what `command` says; answered when every running worker follows. */
export async function setLevels(levels: Levels, workers: Workers, command: LevelCommand): Promise<Reply> {
  if ("SetGlobalLogLevel" in command) {
    const { level } = command.SetGlobalLogLevel;
    levels.setGlobal(level);
    return told(levels, workers, `Global log level set to ${level.toUpperCase()}`);
  }
  const { facility, level } = command.SetFacilityLogLevel;
  levels.setFacility(facility, level);
  return told(levels, workers, `Log level for ${facility} set to ${level.toUpperCase()}`);
}

/** Back to the levels of the start. */
export async function resetLevels(levels: Levels, workers: Workers): Promise<Reply> {
  const first = levels.reset();
  return told(levels, workers, `Log levels reset: ${first.toUpperCase()} for all facilities`);
}

/** What GetLogLevels answers. */
export function listLevels(levels: Levels): Reply {
  const { global, overrides } = levels.choice();
  return { LogLevels: { global, facility_overrides: overrides } };
}

/** A worker that does not follow is replaced, and its successor is born with the new levels: no reason for an error. */
async function told(levels: Levels, workers: Workers, success: string): Promise<Reply> {
  await workers.order(levelOrder(levels));
  return { Success: success };
}
