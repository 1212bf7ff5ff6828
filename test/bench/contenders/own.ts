// The relay of this repository, started as an operator would: a file with rules, one worker on the relay's CPU.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { Relay } from "../../helpers/relay.ts";
import { until } from "../../helpers/until.ts";
import { input, outputs, relayCpu, type Shape, source } from "../bed.ts";
import { familyOf } from "../usage.ts";
import type { Contender } from "./contender.ts";

const listSchema = z.object({ Rules: z.array(z.looseObject({ state: z.string() })) });
const startMs = 60_000;

/** Rules beyond the flows: other groups, a hundred ports each, so that memberships and filters grow too. */
function idleInput(index: number): { group: string; port: number } {
  return {
    group: `239.1.${2 + (Math.floor(index / 100) >> 8)}.${Math.floor(index / 100) & 255}`,
    port: 10_000 + (index % 100),
  };
}

function config(shape: Shape): unknown {
  const rules = Array.from({ length: Math.max(shape.rules, shape.flows) }, (_, index) => {
    const { group, port } =
      index < shape.flows ? { group: input.group, port: input.port + index } : idleInput(index - shape.flows);
    const to = outputs(shape).map((place) => ({
      group: place.group,
      port: index < shape.flows ? place.port + index : place.port,
      interface: place.link,
    }));
    return { name: `rule-${index}`, input: { interface: input.link, group, port }, outputs: to };
  });
  return { rules };
}

type OwnOptions = { io?: string; binary?: string; isTrial?: true };

function own(name: string, title: string, pipeline: string, cores: string, options: OwnOptions = {}): Contender {
  const { io = "io_uring", binary, isTrial } = options;
  return {
    name,
    title,
    warmUpSeconds: 1,
    kind: "own",
    ...(isTrial === undefined ? {} : { isTrial }),
    refuses: () => undefined,
    async start(lab, shape) {
      const path = join(lab.dir, `${name}.json5`);
      writeFileSync(path, JSON.stringify(config(shape)));
      const how = ["--pipeline", pipeline, "--cores", cores, "--io", io];
      const args = ["--config", path, ...how, "--log-level", "error"];
      const which = binary === undefined ? {} : { binary };
      const relay = await Relay.start(lab, "relay", args, { readyMs: startMs, ...which });
      await until(
        "every rule is active",
        async () => listSchema.parse(await relay.send("ListRules", startMs)).Rules.map(({ state }) => state),
        (states) => states.length >= shape.rules && states.every((state) => state === "active"),
        { deadlineMs: startMs, everyMs: 100 },
      );
      return {
        pids: () => familyOf(relay.pid),
        status: async (schema) => schema.parse(await relay.send("GetStatus")),
        stop: async () => {
          await relay.stop(10_000);
        },
      };
    },
  };
}

/** Both ways to run the loops, and, when named, both ways for them to wait and send; one worker. */
export const ownContenders: readonly Contender[] = [
  own("own-unified", "mcr-appliance, unified", "unified", String(relayCpu)),
  own("own-split", "mcr-appliance, split", "split", String(relayCpu)),
  own("own-ppoll", "mcr-appliance, unified, without io_uring", "unified", String(relayCpu), {
    io: "ppoll",
    isTrial: true,
  }),
];

/** Another build of this relay, to be compared in the same run. */
export function otherBuild(binary: string): Contender[] {
  return ["unified", "split"].map((pipeline) =>
    own(`own-${pipeline}-other`, `the other build, ${pipeline}`, pipeline, String(relayCpu), { binary }),
  );
}

/** Two workers, one of them on the generator's CPU. */
export const ownTwoWorkers = own("own-two", "mcr-appliance, two workers", "auto", `${source.cpu},${relayCpu}`);
