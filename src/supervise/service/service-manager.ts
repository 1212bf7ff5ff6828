// What the service manager hears of us, in the words of sd_notify(3): that we are ready, reload, stop, how it goes, and that
// all workers are alive. Without NOTIFY_SOCKET nobody listens, and nothing is said.
import { limits } from "../../limits.ts";
import { errno } from "../../shim/errno.ts";
import { type Failure, failureText } from "../../shim/socket.ts";

/** What it stands on. */
export type ServiceManagerParts = {
  variables: Readonly<Record<string, string | undefined>>;
  pid: number;
  /** Sends one datagram to NOTIFY_SOCKET (shim/unix-datagram.ts). */
  send: (to: string, text: string) => Failure | undefined;
  /** One line: what flows. */
  status: () => string;
  areWorkersAlive: () => boolean;
  /** CLOCK_MONOTONIC, in microseconds. */
  clockUs: () => number;
  onNews: (level: "Notice" | "Warning", message: string) => void;
};

/** What the workers' places tell of life. */
export type Living = { state: string; child: { heartbeatAgeMs: number } | undefined };

/**
 * Whether each worker at work has given a sign of life lately. Who has died is replaced by policy (restart.ts), and to end
 * the service for one that is not back yet would take from the flows of all others; when none works there is nothing to take.
 */
export function areAlive(places: readonly Living[]): boolean {
  const working = places.filter(({ state }) => state === "running");
  return (
    working.length > 0 && working.every(({ child }) => (child?.heartbeatAgeMs ?? Infinity) <= limits.heartbeatFreshMs)
  );
}

/** The line that `systemctl status` shows. */
export function statusLine(facts: {
  flowRates: readonly number[];
  pending: number;
  workersRunning: number;
  workers: number;
}): string {
  const { flowRates, pending, workersRunning, workers } = facts;
  const moving = flowRates.filter((rate) => rate > 0);
  const rate = Math.round(moving.reduce((sum, each) => sum + each, 0)).toLocaleString("en-US");
  const flows = `${moving.length} of ${flowRates.length} flows move, ${rate} datagrams/s`;
  return `${flows}; ${pending} pending; ${workersRunning} of ${workers} workers`;
}

/** Speaks to the service manager. Never waits and never throws: a manager that does not listen holds up no relay. */
export class ServiceManager {
  /** How often tick() is to be called, in milliseconds; 0: nobody listens. */
  readonly tickMs: number;
  private readonly parts: ServiceManagerParts;
  private readonly to: string | undefined;
  private readonly isWatched: boolean;
  /** What the socket had no room for, in order. */
  private readonly owed: string[] = [];
  private statusSaid = "";
  private statusAtMs = Number.NEGATIVE_INFINITY;
  private isSilent = false;
  private hasFailed = false;

  constructor(parts: ServiceManagerParts) {
    this.parts = parts;
    this.to = addressOf(parts);
    const watchdogMs = this.to === undefined ? undefined : watchdogOf(parts);
    this.isWatched = watchdogMs !== undefined;
    // Three in the time in which one is due: a late tick or a full socket is no death.
    const watchTickMs = watchdogMs === undefined ? limits.samplePeriodMs : watchdogMs / 3;
    this.tickMs = this.to === undefined ? 0 : Math.max(1, Math.min(watchTickMs, limits.samplePeriodMs));
  }

  /** Workers run, and what the files say forwards. */
  ready(): void {
    this.say(`READY=1\nSTATUS=${this.parts.status()}`);
  }

  /** Until ready() is called again. */
  reloading(): void {
    this.say(`RELOADING=1\nMONOTONIC_USEC=${Math.floor(this.parts.clockUs())}`);
  }

  stopping(): void {
    this.say("STOPPING=1\nSTATUS=ending");
  }

  /** To be called every tickMs. */
  tick(): void {
    for (let [text] = this.owed; text !== undefined; [text] = this.owed) {
      if (this.put(text)?.errno === errno.EAGAIN) {
        return;
      }
      this.owed.shift();
    }
    this.watch();
    const nowMs = this.parts.clockUs() / 1000;
    if (nowMs - this.statusAtMs < limits.serviceStatusPeriodMs) {
      return;
    }
    this.statusAtMs = nowMs;
    const status = this.parts.status();
    // The manager tells all who listen to it of every status: only news is worth that.
    if (status !== this.statusSaid) {
      this.statusSaid = status;
      this.put(`STATUS=${status}`);
    }
  }

  private watch(): void {
    if (!this.isWatched) {
      return;
    }
    const isAlive = this.parts.areWorkersAlive();
    if (isAlive) {
      this.put("WATCHDOG=1");
    } else if (!this.isSilent) {
      this.parts.onNews("Warning", "the service manager's watchdog is not answered: not all workers are alive");
    }
    this.isSilent = !isAlive;
  }

  /** Says what may not be lost: what finds no room is said at the next tick. */
  private say(text: string): void {
    if (this.owed.length > 0 || this.put(text)?.errno === errno.EAGAIN) {
      this.owed.push(text);
      this.owed.splice(0, this.owed.length - limits.serviceWordsMax);
    }
  }

  private put(text: string): Failure | undefined {
    const refused = this.to === undefined ? undefined : this.parts.send(this.to, `${text}\n`);
    if (refused !== undefined && refused.errno !== errno.EAGAIN && !this.hasFailed) {
      this.hasFailed = true;
      this.parts.onNews("Warning", `the service manager cannot be told: ${failureText(refused)}`);
    }
    return refused;
  }
}

function addressOf({ variables, onNews }: ServiceManagerParts): string | undefined {
  const to = variables["NOTIFY_SOCKET"];
  if (to === undefined || to === "") {
    return undefined;
  }
  if (/^[/@]./.test(to)) {
    return to;
  }
  onNews("Warning", "NOTIFY_SOCKET is neither a path nor @name: the service manager hears nothing");
  return undefined;
}

/** How often it wants to hear of us, sd_watchdog_enabled(3); undefined: it does not, or means another process. */
function watchdogOf({ variables, pid }: ServiceManagerParts): number | undefined {
  const [text, whose] = [variables["WATCHDOG_USEC"] ?? "", variables["WATCHDOG_PID"]];
  const isOurs = whose === undefined || whose === "" || whose === String(pid);
  return isOurs && /^[1-9][0-9]{0,17}$/.test(text) ? Number(text) / 1000 : undefined;
}
