// The service manager's side of the compiled binary: what it hears at NOTIFY_SOCKET, and that workers hear nothing of it.
import { afterAll, afterEach, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { listenForNotifications } from "../helpers/notify-socket.ts";
import { Relay, workerEnvironment } from "../helpers/relay.ts";
import { bench, Stream } from "../helpers/traffic.ts";

const lab = bench("service");
afterEach(() => lab.endAll());
afterAll(() => lab.close());

const config = join(lab.dir, "mcr.json5");
const rule = (port: number) =>
  `{ input: { interface: "in0", group: "239.1.1.1", port: ${port} }, ` +
  `outputs: [{ group: "239.2.2.2", port: ${port + 1}, interface: "out0" }] }`;

/** A relay that is told where the service manager listens. */
function start(address: string, variables: Record<string, string> = {}): Promise<Relay> {
  // BUN_OPTIONS makes sure that it starts itself anew, without it: NOTIFY_SOCKET has to survive that.
  const env = { ...process.env, NOTIFY_SOCKET: address, BUN_OPTIONS: "--smol", ...variables };
  return Relay.start(lab, "relay", ["--config", config, "--workers", "1"], { env });
}

test("a whole life is told at a path: ready, alive, what flows, reload, end", async () => {
  const address = join(lab.dir, "notify");
  writeFileSync(config, `{ rules: [${rule(5000)}] }`);
  const manager = await listenForNotifications(address);
  const relay = await start(address, { WATCHDOG_USEC: "1000000" });
  const flow = ["--group", "239.1.1.1", "--port", "5000", "--interface", "out0", "--rate", "1k"];
  const stream = new Stream(lab, "gen", flow);
  try {
    await manager.says("READY=1\nSTATUS=0 of 1 flows move, 0 datagrams/s; 0 pending; 1 of 1 workers\n");
    await manager.says("WATCHDOG=1\nWATCHDOG=1\n");
    for (const pid of relay.childPids()) {
      expect(readFileSync(`/proc/${pid}/environ`, "utf8")).toMatch(workerEnvironment);
    }
    await manager.says(/STATUS=1 of 1 flows move, [0-9,]+ datagrams\/s/, "stdout", 12_000);
    await stream.finished();

    writeFileSync(config, `{ rules: [${rule(5000)}, ${rule(6000)}] }`);
    relay.signal("SIGHUP");
    await manager.says(/RELOADING=1\nMONOTONIC_USEC=[0-9]{6,}\n(WATCHDOG=1\n)*READY=1\nSTATUS=. of 2 flows/);
    const before = manager.stdout.length;
    writeFileSync(config, "{ rules: 7 }");
    relay.signal("SIGHUP");
    // Nothing changed; who waits for the end of the reload must not wait for ever.
    await manager.says(new RegExp(`^[^]{${before},}RELOADING=1\\n[^]*READY=1\\nSTATUS=. of 2 flows`));
    await relay.stop();
    await manager.says(/STOPPING=1\nSTATUS=ending\n$/);
  } finally {
    await manager.end();
  }
});

test("a name without a file is heard in the relay's namespace; without WATCHDOG_USEC nobody is told of life", async () => {
  const address = `@${lab.dir}`;
  writeFileSync(config, `{ rules: [${rule(5000)}] }`);
  const manager = await listenForNotifications(address, ["ip", "netns", "exec", lab.ns("relay")]);
  const relay = await start(address);
  try {
    await manager.says("READY=1\n");
    await relay.stop();
    await manager.says("STOPPING=1\n");
    expect(manager.stdout).not.toContain("WATCHDOG");
  } finally {
    await manager.end();
  }
});
