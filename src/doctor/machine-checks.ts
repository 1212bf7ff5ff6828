// The checks that are made once: gathers what the machine and the process say, and hands it to the judges.
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { judgeBacklog, parseSoftnet } from "./backlog.ts";
import { judgeBuffers } from "./buffers.ts";
import { judgeClock } from "./clock.ts";
import { judgeControl } from "./control-socket.ts";
import { judgeEbpf } from "./ebpf.ts";
import { judgeEnvironment } from "./environment.ts";
import { judgeExecutable } from "./executable.ts";
import { judgeIgmp } from "./igmp.ts";
import { judgeIoUring, judgeRunningIo } from "./io-uring.ts";
import { isOlder, judgeKernel, releaseOf } from "./kernel.ts";
import { forbiddenFolders, judgeLibrary } from "./library.ts";
import { nativeOf, type Place, statusField } from "./place.ts";
import { filesMaxFor, hardLimit, judgeLimits } from "./process-limits.ts";
import { capabilitiesOf, judgeRights } from "./rights.ts";
import { unseen, type Verdict } from "./verdict.ts";

/** All that concerns the machine, and the process that relays or would. */
export function checkMachine(place: Place): Verdict[] {
  const { machine } = place;
  return [
    ...judgeKernel({ release: releaseOf(machine) }),
    ...checkRing(place),
    ...checkRights(place),
    ...checkEbpf(place),
    ...judgeBuffers({
      wmemMax: machine.setting("net.core.wmem_max"),
      rmemMax: machine.setting("net.core.rmem_max"),
      optmemMax: machine.setting("net.core.optmem_max"),
      isForced: capabilitiesOf(place)?.has("CAP_NET_ADMIN") ?? false,
    }),
    ...judgeIgmp({
      membershipsMax: machine.setting("net.ipv4.igmp_max_memberships"),
      sourcesMax: machine.setting("net.ipv4.igmp_max_msf"),
    }),
    ...checkBacklog(place),
    ...checkLibrary(place),
    ...checkEnvironment(place),
    ...checkExecutable(place),
    ...checkClock(place),
    ...checkLimits(place),
    ...checkControl(place),
  ];
}

/** A running supervisor has tried already, where it counts. */
function checkRing(place: Place): Verdict[] {
  const native = nativeOf(place);
  const running = place.supervisor.kind === "answers" ? judgeRunningIo(place.supervisor.status.io) : undefined;
  if (running !== undefined) {
    return [running];
  }
  return native === undefined
    ? [unseen("io-uring", "io_uring was not tried: the native library is missing.")]
    : judgeIoUring({ trial: native.ring(), disabled: place.machine.setting("kernel.io_uring_disabled") });
}

function checkRights(place: Place): Verdict[] {
  const capabilities = capabilitiesOf(place);
  const bounds = place.machine.text(`${place.subject.folder}/limits`);
  const isTried = place.subject.kind === "self" && capabilities?.has("CAP_NET_RAW") === true;
  return judgeRights({
    subject: place.subject.kind,
    uid: Number(statusField(place, "Uid")?.split(/\s+/)[1] ?? 0),
    capabilities,
    captureError: isTried ? nativeOf(place)?.captureError() : undefined,
    nicePriority: bounds === undefined ? undefined : hardLimit(bounds, "Max nice priority"),
  });
}

/** A running supervisor has tried already, with its own rights. */
function checkEbpf(place: Place): Verdict[] {
  const { supervisor } = place;
  const ending = supervisor.kind === "answers" ? supervisor.status.ending : undefined;
  if (ending !== undefined) {
    return judgeEbpf({ isTried: true, error: ending.is_available ? undefined : (ending.reason ?? "refused") });
  }
  const native = nativeOf(place);
  return judgeEbpf({ isTried: native !== undefined, error: native?.ebpfError() });
}

function checkBacklog({ machine }: Place): Verdict[] {
  const text = machine.text("/proc/net/softnet_stat");
  return judgeBacklog({
    rows: text === undefined ? undefined : parseSoftnet(text),
    backlogMax: machine.setting("net.core.netdev_max_backlog"),
  });
}

function checkLibrary({ machine, native, environment }: Place): Verdict[] {
  const folders = [environment["RUNTIME_DIRECTORY"], "/run", environment["STATE_DIRECTORY"], tmpdir()];
  return judgeLibrary({
    refusal: "refusal" in native ? native.refusal : undefined,
    note: "refusal" in native ? undefined : native.libraryNote,
    forbidden: forbiddenFolders(
      machine.text("/proc/self/mounts") ?? "",
      folders.filter((folder) => folder !== undefined),
    ),
  });
}

function checkEnvironment({ machine, subject, environment }: Place): Verdict[] {
  const text = subject.kind === "supervisor" ? machine.text(`${subject.folder}/environ`) : undefined;
  const names =
    subject.kind === "self"
      ? Object.keys(environment).filter((name) => environment[name] !== undefined)
      : text?.split("\0").map((entry) => entry.split("=")[0] ?? "");
  return judgeEnvironment({ subject: subject.kind, names });
}

function checkExecutable(place: Place): Verdict[] {
  const path = place.executable;
  const about = place.machine.about(path);
  return about === undefined
    ? [unseen("executable", `${path} could not be looked at.`)]
    : judgeExecutable({ ...about, path, hasCapabilities: nativeOf(place)?.hasFileCapabilities(path) });
}

function checkClock(place: Place): Verdict[] {
  const folder = "/sys/devices/system/clocksource/clocksource0";
  return judgeClock({
    isSynchronised: nativeOf(place)?.isClockSynchronised(),
    source: place.machine.text(`${folder}/current_clocksource`),
    available: place.machine.text(`${folder}/available_clocksource`)?.split(/\s+/) ?? [],
  });
}

function checkLimits({ machine, subject, supervisor }: Place): Verdict[] {
  const text = machine.text(`${subject.folder}/limits`);
  return judgeLimits({
    subject: subject.kind,
    pid: subject.pid,
    openFiles: text === undefined ? undefined : hardLimit(text, "Max open files"),
    lockedBytes: text === undefined ? undefined : hardLimit(text, "Max locked memory"),
    filesNeeded: supervisor.kind === "answers" ? filesFor(supervisor.status) : 0,
    isMemoryCounted: isOlder(releaseOf(machine), 5, 12),
  });
}

// A worker's pipes, streams and page, and what the supervisor has in any case.
const [filesOfWorker, filesOfSupervisor] = [12, 64];
const groupsOfSocket = 20;

type Counted = {
  rules: readonly { outputs: readonly unknown[] }[];
  workers: readonly unknown[];
  links: readonly unknown[];
};

/** How many open files a supervisor with these rules has to be allowed, about: a socket an output, one for twenty groups, one a worker and link. */
function filesFor({ rules, workers, links }: Counted): number {
  const outputs = rules.reduce((sum, rule) => sum + rule.outputs.length, 0);
  const memberships = Math.ceil(rules.length / groupsOfSocket);
  return filesMaxFor(filesOfSupervisor + outputs + memberships + workers.length * (filesOfWorker + links.length));
}

function checkControl({ machine, socketPath, supervisor }: Place): Verdict[] {
  const folderPath = dirname(socketPath);
  const [folder, file] = [machine.about(folderPath), machine.about(socketPath)];
  return judgeControl({
    path: socketPath,
    folderPath,
    folder,
    file,
    isAnswered: supervisor.kind !== "absent",
    refusal: machine.refusal(folderPath) ?? machine.refusal(socketPath),
  });
}
