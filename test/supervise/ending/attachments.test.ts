import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { parseIpv4 } from "../../../src/base/ipv4.ts";
import { EndingProgram } from "../../../src/shim/program.ts";
import { isFailure } from "../../../src/shim/socket.ts";
import { Attachments, type Way } from "../../../src/supervise/ending/attachments.ts";
import { inside } from "../../helpers/enter.ts";
import { udpFrame } from "../../helpers/frames.ts";
import { Lab } from "../../helpers/namespaces.ts";
import { rawsend } from "../../helpers/rawsend.ts";
import { macOf } from "../../helpers/traffic.ts";
import { until } from "../../helpers/until.ts";

const lab = Lab.create("attach");
const source = join(import.meta.dir, "../../../src");
const flow = { source: "10.0.1.1", destination: "10.0.1.2", sourcePort: 4000, destinationPort: 5000 };
const destination = parseIpv4(flow.destination) ?? 0;

beforeAll(() => {
  lab.veth({ ns: "gen", link: "g0", address: "10.0.1.1/24" }, { ns: "relay", link: "r0", address: "10.0.1.2/24" });
});
afterAll(() => lab.close());

const filters = () => lab.exec("relay", ["tc", "filter", "show", "dev", "r0", "ingress"]).stdout;
const queues = () => lab.exec("relay", ["tc", "qdisc", "show", "dev", "r0"]).stdout;
const linkIndex = () => Number(/^(\d+):/.exec(lab.ip("relay", "link show dev r0"))?.[1]);

/** Sends datagrams to a port nobody listens on; how many of them the stack has seen. */
function seen(count: number): number {
  const unheard = () => {
    const [names = [], values = []] = lab
      .read("relay", "/proc/net/snmp")
      .split("\n")
      .filter((line) => line.startsWith("Udp:"))
      .map((line) => line.split(" "));
    return Number(values[names.indexOf("NoPorts")]);
  };
  const before = unheard();
  const ethernet = { destination: macOf(lab, "relay", "r0") };
  rawsend(
    lab,
    "gen",
    "g0",
    Array.from({ length: count }, () => udpFrame(flow, new Uint8Array(100), { ethernet })),
  );
  return unheard() - before;
}

function open(): EndingProgram {
  const program = EndingProgram.open({ rulesMax: 16, countersMax: 16 });
  if (isFailure(program)) throw new Error(`refused: ${Bun.inspect(program)}`);
  return program;
}

const key = () => ({ link: linkIndex(), destination, source: 0, port: 5000, protocol: 17 });

test.each(["tcx", "clsact"] as Way[])(
  "attached by %s it ends what its map says, and is gone when it is detached",
  (way) => {
    const program = open();
    inside(lab.ns("relay"), () => {
      const attachments = new Attachments(program, [way]);
      expect(attachments.attach(linkIndex())).toBeUndefined();
      expect(attachments.wayOf(linkIndex())).toBe(way);
      expect(seen(3)).toBe(3);
      program.clear(5);
      program.put(key(), { counter: 5, isEnded: true, hasSources: false });
      expect(seen(4)).toBe(0);
      program.put(key(), { counter: 5, isEnded: false, hasSources: false });
      expect(seen(5)).toBe(5);
      expect(program.counts(5)).toEqual({ datagrams: 9, bytes: 900, ended: 4 });
      program.put(key(), { counter: 5, isEnded: true, hasSources: false });
      attachments.close();
      expect(seen(2)).toBe(2);
      expect(filters()).toBe("");
      expect(queues()).not.toContain("clsact");
    });
    program.close();
  },
);

test("a filter of another program stays, with the hooks it is on", () => {
  const program = open();
  lab.exec("relay", ["tc", "qdisc", "add", "dev", "r0", "clsact"]);
  inside(lab.ns("relay"), () => {
    const attachments = new Attachments(program, ["clsact"]);
    expect(attachments.attach(linkIndex())).toBeUndefined();
    attachments.close();
    expect(queues()).toContain("clsact");
  });
  lab.exec("relay", ["tc", "qdisc", "del", "dev", "r0", "clsact"]);
  program.close();
});

test.each(["tcx", "clsact"] as Way[])(
  "a process that is killed ends nothing more by %s, and the next one clears up",
  async (way) => {
    const script = `
    import { EndingProgram } from ${JSON.stringify(`${source}/shim/program.ts`)};
    import { Attachments } from ${JSON.stringify(`${source}/supervise/ending/attachments.ts`)};
    const program = EndingProgram.open({ rulesMax: 16, countersMax: 16 });
    const attachments = new Attachments(program, [${JSON.stringify(way)}]);
    console.log(attachments.attach(${linkIndex()}) ?? "attached");
    program.put(${JSON.stringify(key())}, { counter: 1, isEnded: true, hasSources: false });
    console.log(process.pid);
    process.kill(process.pid, "SIGKILL");`;
    const [said, pid] = lab.execAnyway("relay", [process.execPath, "-e", script]).stdout.split("\n");
    expect(said).toBe("attached");
    await until("what it ended passes", () => seen(1), Boolean);
    expect(filters().includes(`mcr-end-${pid}`)).toBe(way === "clsact");
    const program = open();
    inside(lab.ns("relay"), () => {
      const attachments = new Attachments(program, ["clsact"]);
      expect(attachments.attach(linkIndex())).toBeUndefined();
      expect(filters()).not.toContain(`mcr-end-${pid}`);
      attachments.close();
      expect(queues()).not.toContain("clsact");
    });
    program.close();
  },
);
