// What to run as a worker.

/** The command line that plays the part of a worker: our own executable, whatever its name on disk is by now. */
export function workerCommand(): string[] {
  const isCompiled = Bun.main.startsWith("/$bunfs/");
  return isCompiled ? ["/proc/self/exe", "worker"] : [process.execPath, Bun.main, "worker"];
}
