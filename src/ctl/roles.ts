// The roles that an operator starts by hand: the supervisor, the generator, the receiver. Their code is loaded by main.ts.
import { genAbout, sinkAbout } from "../traffic/options.ts";
import { usage } from "./answer.ts";
import type { Verb } from "./verb.ts";

export const supervise: Verb = {
  name: "supervise",
  chapter: "Run",
  summary: "run the relay in the foreground",
  details: [
    "Starts one worker process per core, four at most where nobody says more, and forwards what the rules say, until SIGTERM or SIGINT. Needs root, or " +
      "CAP_NET_RAW (with CAP_NET_ADMIN and CAP_BPF it also ends what it consumes before this host's IP stack). The " +
      "workers keep none of it.",
  ],
  usesSocket: false,
  options: {
    config: {
      value: "FILE",
      summary: "JSON5 file with rules to start with; conf.d/*.json5 beside it are read too",
      default: "/etc/mcr/mcr.json5, if it is there",
    },
    "control-socket-path": { value: "PATH", summary: "where to listen for commands", default: "/run/mcr/control.sock" },
    workers: { value: "N", summary: "worker processes, 1 to 64", default: "one per core, at most 4" },
    cores: { value: "LIST", summary: "cores to run them on, e.g. 0,2-3; one worker each" },
    pipeline: { value: "auto|split|unified", summary: "two threads a worker, or one", default: "auto" },
    io: {
      value: "auto|io_uring|ppoll",
      summary: "how workers wait and send; auto: by io_uring where it works, else by ppoll and sendmmsg",
      default: "auto",
    },
    role: { value: "active|standby", summary: "whether it sends until 'role' says otherwise", default: "active" },
    spare: { value: "on|off", summary: "keep a worker in reserve that takes over when one dies", default: "on" },
    "log-format": {
      value: "auto|text|json|journal|mcr",
      summary: "how log lines look: for people, programs, systemd, or tools that read MCR's log",
      default: "auto",
    },
    "log-level": {
      value: "LEVEL",
      summary: "emergency, alert, critical, error, warning, notice, info, debug or trace",
      default: "info",
    },
    "read-group": {
      value: "GROUP",
      summary: "members may read over the control socket; members of the group mcr may also change",
      default: "none",
    },
    "rejoin-interval": {
      value: "SECONDS",
      summary: "how often memberships are reported again, for switches that snoop without a querier; 0: never",
      default: "60",
    },
    metrics: {
      value: "ADDRESS:PORT",
      summary: "serve /metrics for Prometheus, /healthz and /readyz; a port alone is for this machine alone",
      default: "off",
    },
  },
  examples: [
    { line: "mcr-appliance supervise", does: "with the default file, or without rules; add them while it runs" },
    {
      line: "mcr-appliance supervise --config /etc/mcr/mcr.json5 --cores 2-3",
      does: "rules from a file, workers on two cores",
    },
  ],
  run: async (given, world) => {
    const ended = await world.roles.supervise(given);
    return ended.ok ? ended.value : usage(world, `${ended.error}. See 'mcr-appliance help supervise'.`);
  },
};

export const gen: Verb = {
  ...genAbout,
  chapter: "Test",
  usesSocket: false,
  run: (given, world) => world.roles.gen(given),
};

export const sink: Verb = {
  ...sinkAbout,
  chapter: "Test",
  usesSocket: false,
  run: (given, world) => world.roles.sink(given),
};
