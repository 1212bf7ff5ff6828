// Exit codes: sysexits.h, so that scripts and service managers can tell causes apart.

export const exitCodes = {
  ok: 0,
  /** The supervisor answered, and the answer is no. */
  refused: 1,
  usage: 64,
  /** A kernel feature is missing, or nobody serves the control socket. */
  unavailable: 69,
  broken: 70,
  /** The operating system refused. */
  system: 71,
  /** The other end does not speak our language. */
  protocol: 76,
  permission: 77,
  configuration: 78,
} as const;
