// Programs for arm64 that are started as if they were for this machine: the kernel hands them to qemu-user. binfmt_misc(5).
import { existsSync, writeFileSync } from "node:fs";
import { must } from "./trial.ts";

const folder = "/proc/sys/fs/binfmt_misc";
const entry = `${folder}/qemu-aarch64`;
/** The first 20 bytes of an executable for arm64, and which of their bits count: the ABI's name and the kind of file do not. */
const magic = `\\x7fELF\\x02\\x01\\x01\\x00${"\\x00".repeat(8)}\\x02\\x00\\xb7\\x00`;
const mask = `${"\\xff".repeat(7)}\\x00${"\\xff".repeat(8)}\\xfe\\xff\\xff\\xff`;

/** Does `work` while this machine runs arm64's programs too, also in a chroot (flag F); as before behind it. */
export function emulating<T>(work: () => T): T {
  const undo: (() => void)[] = [];
  try {
    if (!existsSync(`${folder}/register`)) {
      must(["mount", "-t", "binfmt_misc", "binfmt_misc", folder]);
      undo.unshift(() => must(["umount", folder]));
    }
    if (!existsSync(entry)) {
      writeFileSync(`${folder}/register`, `:qemu-aarch64:M::${magic}:${mask}:/usr/bin/qemu-aarch64-static:F`);
      undo.unshift(() => writeFileSync(entry, "-1"));
    }
    return work();
  } finally {
    for (const step of undo) step();
  }
}
