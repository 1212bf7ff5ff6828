// A small shell that outlives the test process. `bun test` runs no exit hooks, and nothing runs on SIGKILL; but the pipe to
// this shell closes whatever the reason, and then it removes what the process left behind.

// Nothing to remove is the normal case: Lab.close() was there before.
const script = `
trap '' INT TERM HUP
read -r _
for ns in $(ip netns list 2>/dev/null | cut -d ' ' -f 1); do
  case "$ns" in "$1"-*)
    for pid in $(ip netns pids "$ns"); do kill -KILL "$pid"; done
    ip netns del "$ns";;
  esac
done
rm -rf -- "\${TMPDIR:-/tmp}/$1"-*
`;

let isGuarded = false;

/** Starts the guard once a process: namespaces and directories named `PREFIX-PID-…` will go when this process does. */
export function guardLabs(prefix: string): void {
  if (isGuarded) return;
  isGuarded = true;
  const guard = Bun.spawn(["setsid", "sh", "-c", script, "sh", `${prefix}-${process.pid}`], {
    stdin: "pipe",
    stdout: "ignore",
    stderr: "ignore",
  });
  guard.unref();
}
