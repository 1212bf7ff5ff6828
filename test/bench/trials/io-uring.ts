// Runs io-uring.c: what a ring's flags, registered files and buffers, and MSG_RING as wakeup cost.
// Usage: bun test/bench/trials/io-uring.ts [ROUNDS]    default 9; as root, for the packet socket
import { program } from "../compile.ts";

const { exitCode } = Bun.spawnSync([program("trials/io-uring.c"), ...process.argv.slice(2)], {
  stdio: ["ignore", "inherit", "inherit"],
});
process.exit(exitCode);
