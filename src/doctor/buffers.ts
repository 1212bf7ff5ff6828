// The kernel's maximum for socket buffers, against what the relay asks for. CAP_NET_ADMIN goes beyond it.
import { limits } from "../limits.ts";
import { counted, fine, unseen, type Verdict } from "./verdict.ts";

/** In bytes, as sysctl has them; undefined: unreadable. */
export type BufferFacts = {
  wmemMax: number | undefined;
  rmemMax: number | undefined;
  optmemMax: number | undefined;
  isForced: boolean;
};

type Buffer = { id: string; setting: string; have: number | undefined; want: number; whose: string; why: string };

/** Filters of the size the kernel allows at all: 4,096 instructions of 8 bytes, and what goes with them. */
const filterMemory = 2 * 8 * limits.filterInstructionsMax;

/** Whether output sockets and the queue of large frames get the room they ask for. */
export function judgeBuffers({ wmemMax, rmemMax, optmemMax, isForced }: BufferFacts): Verdict[] {
  const buffers: Buffer[] = [
    {
      id: "send-buffer",
      setting: "net.core.wmem_max",
      have: wmemMax,
      want: limits.outputBufferSize,
      whose: "An output socket",
      why: "A burst that does not fit is held back, and what waits too long is dropped and counted.",
    },
    {
      id: "receive-buffer",
      setting: "net.core.rmem_max",
      have: rmemMax,
      want: limits.captureQueueSize,
      whose: "The queue of frames that outgrow a slot (super-frames, reassembled fragments)",
      why: "Large frames that come in a burst are refused (large_slots_full, truncated).",
    },
  ];
  return [...buffers.map((buffer) => judgeBuffer(buffer, isForced)), judgeFilterMemory(optmemMax)];
}

function judgeBuffer({ id, setting, have, want, whose, why }: Buffer, isForced: boolean): Verdict {
  if (have === undefined) {
    return unseen(id, `${setting} cannot be read here.`);
  }
  if (have >= want || isForced) {
    return fine(
      id,
      have >= want ? `${setting} is ${counted(have)}` : `${setting} is ${counted(have)}; CAP_NET_ADMIN goes beyond it`,
    );
  }
  return {
    id,
    severity: "warning",
    what: `${whose} gets at most ${counted(have)} bytes, and ${counted(want)} are wanted.`,
    why,
    commands: [{ sysctl: setting, value: String(want) }],
  };
}

function judgeFilterMemory(optmemMax: number | undefined): Verdict {
  const [id, setting] = ["filter-memory", "net.core.optmem_max"];
  if (optmemMax === undefined) {
    return unseen(id, `${setting} cannot be read here.`);
  }
  if (optmemMax >= filterMemory) {
    return fine(id, `${setting} is ${counted(optmemMax)}`);
  }
  return {
    id,
    severity: "note",
    what: `${setting} is ${counted(optmemMax)}: a capture filter for many groups does not fit, and addresses are lumped together.`,
    why: "Only with hundreds of groups on a link: frames that no rule wants then reach the ring and cost CPU.",
    commands: [{ sysctl: setting, value: String(filterMemory * 2) }],
  };
}
