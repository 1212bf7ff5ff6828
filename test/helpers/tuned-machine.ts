// A machine of files and an ethtool of shell, for the script that tunes machines.
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Finished, runAnyway } from "./run.ts";

/** What the machine is like, path by path. */
export const machineFiles: Readonly<Record<string, string>> = {
  "sys/devices/system/cpu/online": "0-2,33",
  "proc/sys/net/core/rmem_max": "212992",
  "proc/sys/net/core/wmem_max": "99999999",
  "proc/sys/net/core/netdev_max_backlog": "1000",
  "proc/sys/net/core/optmem_max": "20480",
  "proc/sys/net/core/netdev_budget": "300",
  "proc/sys/net/core/netdev_budget_usecs": "2000",
  "sys/class/net/eth0/queues/rx-0/rps_cpus": "0,00000000",
  "sys/class/net/eth0/device/msi_irqs/40": "",
  "sys/class/net/eth0/device/msi_irqs/41": "",
  "proc/irq/40/smp_affinity_list": "2",
  "proc/irq/41/smp_affinity_list": "2",
};

/** Speaks as ethtool 6.1 does of a card with rings, queues, coalescing and GRO; keeps its settings in files, and a list of orders. */
const ethtool = `#!/bin/sh
case "$1" in -[GLCKN]) echo "$*" >>"$MACHINE/orders"; [ "$*" != "$REFUSE" ] ;; esac || exit 1
case "$1" in
-g) printf 'Ring parameters for eth0:\\nPre-set maximums:\\nRX:\\t\\t4096\\nRX Mini:\\tn/a\\nTX:\\t\\t512\\nCurrent hardware settings:\\nRX:\\t\\t256\\nRX Mini:\\tn/a\\nTX:\\t\\t512\\n' ;;
-l) printf 'Channel parameters for eth0:\\nPre-set maximums:\\nRX:\\t\\tn/a\\nCombined:\\t8\\nCurrent hardware settings:\\nRX:\\t\\tn/a\\nCombined:\\t1\\n' ;;
-c) printf 'Coalesce parameters for eth0:\\nAdaptive RX: off  TX: n/a\\nrx-usecs:\\t3\\nrx-frames:\\t0\\n' ;;
-k) printf 'Features for eth0:\\nlarge-receive-offload: off [fixed]\\nrx-gro-list: off\\nrx-udp-gro-forwarding: on\\n' ;;
-n) printf 'UDP over IPV4 flows use these fields for computing Hash flow key:\\nIP SA\\nIP DA\\n' ;;
esac
`;

/** One such machine in a folder of its own. */
export class TunedMachine {
  readonly #root: string;
  readonly #refuse: string;

  /** `refuse`: what its ethtool does not do. */
  constructor(root: string, refuse = "") {
    this.#root = root;
    this.#refuse = refuse;
    for (const [path, text] of Object.entries(machineFiles)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), `${text}\n`);
    }
    mkdirSync(join(root, "bin"));
    mkdirSync(join(root, "run"));
    writeFileSync(join(root, "bin/ethtool"), ethtool);
    chmodSync(join(root, "bin/ethtool"), 0o755);
  }

  /** The script on this machine. Not by the environment: a name that it does not know would let it loose on the real one. */
  tune(...args: readonly string[]): Finished {
    const script = join(import.meta.dir, "../../appliance/tuning/tune");
    const path = `${join(this.#root, "bin")}:${process.env["PATH"]}`;
    const variables = [`MACHINE=${this.#root}`, `PATH=${path}`, `REFUSE=${this.#refuse}`];
    return runAnyway(["env", ...variables, script, "--root", this.#root, ...args]);
  }

  read(path: string): string {
    return existsSync(join(this.#root, path)) ? readFileSync(join(this.#root, path), "utf8").trim() : "";
  }

  /** Every setting, in one order. */
  state(): string[] {
    return Object.keys(machineFiles).map((path) => this.read(path));
  }

  /** What ethtool was told to change. */
  orders(): string[] {
    return this.read("orders").split("\n").filter(Boolean);
  }
}
