// What MCR's environment variables ask for (INTEROP.md 9), in our terms. Pure: variables in, settings and what to say of them out.
import { limits } from "../../limits.ts";

/** `multicastTtl`: of multicast outputs when neither they nor the file say; `sendBufferSize` in bytes. */
export type EnvironmentSettings = {
  statsIntervalMs: number;
  multicastTtl: number;
  sendBufferSize: number;
  /** One line each for the log: what is done with a variable that means something else here, or nothing. */
  notes: string[];
};

type Variables = Record<string, string | undefined>;

/** Sizes of MCR's own buffers. A ring of slots that hold any frame stands for all of them. */
const bufferVariables = [
  "MCR_NUM_RECV_BUFFERS",
  "MCR_BUFFER_POOL_SMALL",
  "MCR_BUFFER_POOL_STANDARD",
  "MCR_BUFFER_POOL_JUMBO",
] as const;

/** The kernel doubles what it is asked for and keeps it in an int (socket(7)). */
const sendBufferMax = 2 ** 30;

const statsIntervalDefaultMs = 10_000;

/** Reads the variables; one that makes no sense counts as not given, and a note says so. */
export function settingsOf(variables: Variables): EnvironmentSettings {
  const notes: string[] = [];
  const whole = (name: string, low: number, high: number, otherwise: number): number => {
    const text = variables[name];
    if (text === undefined || text === "") {
      return otherwise;
    }
    const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= low && value <= high) {
      return value;
    }
    notes.push(`${name} must be a whole number from ${low} to ${high}; it counts as not given`);
    return otherwise;
  };
  const multicastTtl = whole("MCR_MULTICAST_TTL", 1, 255, limits.multicastTtlDefault);
  const sendBufferSize = whole("MCR_SOCKET_SNDBUF", 4096, sendBufferMax, limits.outputBufferSize);
  if (variables["MCR_PERIODIC_SYNC_SECS"] !== undefined) {
    notes.push("MCR_PERIODIC_SYNC_SECS is not needed: workers acknowledge every order, so nothing is sent again");
  }
  const buffers = bufferVariables.filter((name) => variables[name] !== undefined);
  if (buffers.length > 0) {
    const ring = `a capture ring of ${limits.captureRingSize / 2 ** 20} MiB a worker and link`;
    notes.push(
      `${buffers.join(", ")}: in their place there is ${ring}, and ${limits.largeSlotCount} slots for large frames`,
    );
  }
  return { statsIntervalMs: statsInterval(variables["MCR_STATS_INTERVAL_MS"]), multicastTtl, sendBufferSize, notes };
}

/** The period of the statistics lines in milliseconds; what is no whole number counts as not given. */
function statsInterval(text: string | undefined): number {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : statsIntervalDefaultMs;
}
