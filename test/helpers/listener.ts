// A plain socket in a namespace: the last word on what arrived, byte by byte.
import { join } from "node:path";
import { compiled } from "./compiled.ts";
import type { Lab } from "./namespaces.ts";
import type { Running } from "./running.ts";
import { until } from "./until.ts";

const fixture = join(import.meta.dir, "../fixtures/listen.ts");

type Joined = { group: string; linkAddress: string };
export type Heard = { from: string; payload: string };

export class Listener {
  readonly #running: Running;

  private constructor(running: Running) {
    this.#running = running;
  }

  /** Listens on `port`, to a group on the link with that address or to what is sent to the namespace itself. */
  static async start(lab: Lab, ns: string, port: number, group?: Joined) {
    const joined = group === undefined ? [] : [group.group, group.linkAddress];
    const running = lab.spawn(ns, [process.execPath, fixture, `${port}`, ...joined]);
    await running.says("ready\n");
    return new Listener(running);
  }

  /** Listens to packets of `protocol` that carry no ports, such as ESP (50); `from` is an address alone. */
  static async startRaw(lab: Lab, ns: string, protocol: number, { group, linkAddress }: Joined) {
    const running = lab.spawn(ns, [compiled("rawlisten"), `${protocol}`, group, linkAddress]);
    await running.says("ready\n");
    return new Listener(running);
  }

  /** All datagrams so far; payloads in hex. */
  get heard(): Heard[] {
    const lines = this.#running.stdout.split("\n").slice(1, -1);
    return lines.map((line) => ({ from: line.split(" ")[0] ?? "", payload: line.split(" ")[1] ?? "" }));
  }

  /**
   * The payloads heard from datagram number `after` on, up to the first that is `last`, which is left out. What came before
   * `last` on the same way has arrived by then, so what is missing was not sent.
   */
  async before(last: string, after = 0): Promise<string[]> {
    const payloads = () => this.heard.slice(after).map(({ payload }) => payload);
    const all = await until(`a datagram ${last.slice(0, 40)}`, payloads, (seen) => seen.includes(last));
    return all.slice(0, all.indexOf(last));
  }
}
