// What the programs under MCR's names take from the process; tests bring their own.

/** Where their words go, and the environment. */
export type Stage = {
  /** One line or several to standard output. */
  say(text: string): void;
  /** To standard error. */
  complain(text: string): void;
  environment: Record<string, string | undefined>;
};
