// What a supervisor leaves to the program that takes its place: everything that it knows and that is not in a file, and which
// descriptors are what. Written by one version and read by another, so it is checked like anything that crosses a border.
import { z } from "zod";
import { configSchema } from "../../config/schema.ts";
import { roles } from "../../control/status.ts";
import { limits } from "../../limits.ts";
import { facilities, levels } from "../../log/record.ts";
import { ruleSchema } from "../../rules/schema.ts";

/** Changes when an older reader would misunderstand. */
const willFormat = 1;

const index = z.int().min(0);
const descriptor = z.int().min(3);
const count = z.number().nonnegative();

/** A worker that goes on until its successor is born: what it holds at the other ends of these. */
const heirless = z.object({
  pid: z.int().min(2),
  ...{ door: descriptor, request: descriptor, ingress: descriptor, egress: descriptor, log: descriptor },
});

const place = z.object({
  core: index,
  page: descriptor,
  ...{ restarts: index, stalls: index, repairs: index },
  worker: heirless.optional(),
});

const captureSocket = z.object({
  ...{ fd: descriptor, slotSize: index, blockSize: index, blockCount: index },
  ...{ slotCount: index, ringSize: index, fanoutId: index },
});

const captures = z.object({
  serial: index,
  links: z.array(
    z.object({
      ...{ serial: index, counter: index.max(limits.captureLinksMax - 1), name: z.string(), index },
      sockets: z.array(captureSocket).max(limits.workersMax),
    }),
  ),
  drops: z.object({ links: z.array(z.tuple([z.string(), count])), places: z.array(count) }),
});

const output = z.object({
  ...{ counter: index, id: index, fd: z.int().min(-1), madeFrom: z.string(), ttl: index.optional() },
  stamp: z.object({ address: z.int(), port: z.int(), protocol: index, ttl: index, tos: index }).optional(),
  mapping: z.object({ group: z.int(), groupBits: index, port: z.int(), isOffset: z.boolean() }).optional(),
});

const rules = z.object({
  serial: index,
  outputId: index,
  multicastTtl: index.optional(),
  lives: z
    .array(
      z.object({
        rule: ruleSchema,
        ...{ serial: z.int().min(1), counter: index, ageMs: count },
        outputs: z.array(output).max(limits.ruleOutputsMax),
      }),
    )
    .max(limits.rulesMax),
});

const membership = z.object({ linkIndex: index, group: index, source: index });
const memberships = z.array(z.object({ fd: descriptor, held: z.array(membership) }));

/** `fds` hold the program at tc ingress in its place; `counts`: by rule. */
const ending = z.object({
  fds: z.array(descriptor),
  counts: z.array(z.object({ serial: index, datagrams: count, bytes: count, ended: count })),
});

const rejoin = z.array(z.object({ link: z.string(), reports: count, failed: count }));

const fieldChange = z.object({ field: z.string(), before: z.unknown().optional(), after: z.unknown().optional() });
const settings = configSchema.omit({ rules: true, $schema: true });
const version = z.object({
  how: z.enum(["start", "apply", "batch", "reload", "load", "rollback", "not confirmed"]),
  uid: index.optional(),
  ...{ number: index, timeMs: count },
  setup: z.object({ rules: z.array(ruleSchema), settings }),
  plan: z.object({
    rules: z.array(
      z.object({ before: ruleSchema.optional(), after: ruleSchema.optional(), fields: z.array(fieldChange) }),
    ),
    settings: z.array(fieldChange),
    unchanged: index,
  }),
});

/** `awaited`: the version that is taken back at `untilMs` since 1970 unless it is confirmed. */
const configuration = z.object({
  settings,
  texts: z.array(z.object({ path: z.string(), text: z.string() })),
  lastVersion: index,
  versions: z.array(version),
  awaited: z.object({ number: index, untilMs: count }).optional(),
});

const willSchema = z.object({
  format: z.literal(willFormat),
  /** Of the program that wrote it, and how its counter pages are laid out. */
  version: z.string(),
  layout: z.string(),
  hasOwnIpc: z.boolean(),
  /** Since 1970. */
  startedMs: count,
  /** What a command made of it last: a standby that forgot it would send beside the other router. */
  role: z.enum(roles),
  levels: z.object({ global: z.enum(levels), overrides: z.partialRecord(z.enum(facilities), z.enum(levels)) }),
  socket: z.object({ fd: descriptor, identity: z.string().optional() }),
  /** The connection of who asked for it, and waits for an answer. */
  client: descriptor.optional(),
  ...{ places: z.array(place).max(limits.workersMax), captures, rules, memberships, ending, rejoin, configuration },
});

/** All that is left to a successor. Descriptors are numbers of the process that both are, one after the other. */
export type Will = z.output<typeof willSchema>;
export type Heirless = z.output<typeof heirless>;
export type PlaceWill = z.output<typeof place>;
export type CapturesWill = z.output<typeof captures>;
export type RulesWill = z.output<typeof rules>;
export type MembershipsWill = z.output<typeof memberships>;
export type EndingWill = z.output<typeof ending>;
export type RejoinWill = z.output<typeof rejoin>;
export type ConfigurationWill = z.output<typeof configuration>;

/** A will as text; one that would be too long leaves out old versions of the configuration. */
export function writeWill(will: Omit<Will, "format">): string {
  const text = JSON.stringify({ format: willFormat, ...will });
  if (text.length <= limits.willSizeMax) {
    return text;
  }
  const { versions } = will.configuration;
  const configuration = { ...will.configuration, versions: versions.slice(-1) };
  return JSON.stringify({ format: willFormat, ...will, configuration });
}

/** The will that `text` is, or what in it is not understood. */
export function readWill(text: string): Will | { refused: string } {
  if (text.length > limits.willSizeMax) {
    return { refused: `what is handed over is larger than ${limits.willSizeMax} bytes` };
  }
  try {
    const parsed = willSchema.safeParse(JSON.parse(text));
    const [issue] = parsed.error?.issues ?? [];
    return parsed.data ?? { refused: `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "it is not understood"}` };
  } catch (thrown) {
    return { refused: `it is no JSON (${thrown instanceof Error ? thrown.message : thrown})` };
  }
}

/** Every descriptor that the will names. */
export function descriptorsOf(will: Will | Omit<Will, "format">): number[] {
  const { places, captures: taken, rules: book, memberships: helpers, ending: program, socket, client } = will;
  return [
    socket.fd,
    ...(client === undefined ? [] : [client]),
    ...places.flatMap(({ page, worker }) => {
      const { pid: _, ...ends } = worker ?? { pid: 0 };
      return [page, ...Object.values(ends)];
    }),
    ...taken.links.flatMap(({ sockets }) => sockets.map(({ fd }) => fd)),
    ...book.lives.flatMap(({ outputs }) => outputs.flatMap(({ fd }) => (fd < 0 ? [] : [fd]))),
    ...helpers.map(({ fd }) => fd),
    ...program.fds,
  ];
}
