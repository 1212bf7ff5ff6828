// Whether a neighbour answers to ARP, as the kernel knows it: /proc/net/arp (proc_pid_net(5)), linux/if_arp.h.
import { readFileSync } from "node:fs";
import { reasonOf } from "../../base/outcome.ts";

/** `answered`: its Ethernet address is known; `silent`: it was asked for and did not answer; `unknown`: nobody asked yet. */
export type Neighbour = "answered" | "silent" | "unknown";

/** ATF_COM and ATF_PERM: a complete entry, and one that an operator made. */
const answeredFlags = 0x2 | 0x4;

/** What the kernel knows of `address` (dotted) on the link `name`. */
export function neighbourAt(address: string, name: string): Neighbour {
  return neighbourIn(readTable(), address, name);
}

/** The same from the table's text. */
export function neighbourIn(table: string, address: string, name: string): Neighbour {
  for (const line of table.split("\n")) {
    const fields = line.split(/\s+/);
    if (fields[0] === address && fields[5] === name) {
      return (Number(fields[2]) & answeredFlags) === 0 ? "silent" : "answered";
    }
  }
  return "unknown";
}

/** All that were asked for and have not answered (yet), as "LINK ADDRESS". */
export function silentNeighbours(table = readTable()): Set<string> {
  const rows = table.split("\n").map((line) => line.split(/\s+/));
  // The table's head has words in place of flags.
  const silent = rows.filter(([, , flags]) => (Number(flags) & answeredFlags) === 0 && flags?.startsWith("0x"));
  return new Set(silent.map(([address, , , , , name]) => `${name} ${address}`));
}

function readTable(): string {
  try {
    return readFileSync("/proc/net/arp", "utf8");
  } catch (thrown) {
    // Without /proc nothing is known of any neighbour.
    return reasonOf(thrown).slice(0, 0);
  }
}
