// The files for other systems, by the tests that read or play them: those run in `npm test` as well, and stand here so that the table is whole.

import { join } from "node:path";
import { Glob } from "bun";
import { may, type Trial } from "./trial.ts";

/** What is read or played by tests, and what of the real thing is not there. */
const systems: readonly (readonly [name: string, about: string, files: readonly string[]])[] = [
  ["systemd", "systemd: verify, security below 2.5 with the rest explained, reload, watchdog", ["appliance/systemd"]],
  [
    "openwrt",
    "OpenWrt: shellcheck, UCI through the translator, procd's functions played",
    ["appliance/openwrt", "ctl/uci/*"],
  ],
  ["openrc", "OpenRC: shellcheck, openrc-run's functions played", ["appliance/openrc"]],
  ["vyos", "VyOS: interface definition, templates, conf_mode", ["appliance/vyos"]],
  ["nixos", "NixOS: parsed by Nix, the module evaluated with nixpkgs played", ["appliance/nixos"]],
  ["container", "the image's file system, seccomp profile and capabilities, with a stream", ["network/container"]],
  ["tuning", "tuning: printed first, done, undone", ["appliance/tune"]],
  ["two-routers", "keepalived's scripts; two relays with a real keepalived", ["appliance/keepalived", "network/role"]],
  ["troubleshooting", "every warning and error has its entry", ["appliance/troubleshooting"]],
];

export const systemTrials: readonly Trial[] = systems.map(([name, about, patterns]) => ({
  name,
  about,
  run: ({ root }) => {
    const scan = (pattern: string) => [...new Glob(`test/${pattern}.test.ts`).scanSync({ cwd: root })];
    const files = patterns.flatMap(scan);
    if (files.length < patterns.length) throw new Error(`no test of ${patterns.join(", ")}`);
    const { exitCode, output } = may([process.execPath, join(root, "test/run.ts"), ...files], { cwd: root });
    const [counts = "no count"] = /^\d+ passed, .*$/m.exec(output) ?? [];
    if (exitCode !== 0) throw new Error(`${counts}\n${output.slice(-3000)}`);
    return { ran: counts };
  },
}));

/** Named, so that nobody takes what is played for the real thing. */
const beyond: readonly (readonly [name: string, about: string, why: string])[] = [
  [
    "docker",
    "the image built and run by Docker or Podman",
    "no container runtime runs here; 'container' lays out the same file system",
  ],
  [
    "openwrt-real",
    "a booted OpenWrt",
    "there is no OpenWrt image among the sources that are used; 'openwrt' plays procd",
  ],
  ["vyos-real", "a booted VyOS", "there is no VyOS image among the sources that are used; 'vyos' reads its files"],
  ["nixos-real", "a NixOS test", "nixpkgs is not among the sources that are used; 'nixos' plays it"],
  [
    "arm64-system",
    "a whole arm64 system",
    "without KVM for arm64 it takes an emulated kernel's hours; 'arm64' runs the program",
  ],
];

export const beyondTrials: readonly Trial[] = beyond.map(([name, about, why]) => ({
  name,
  about,
  run: () => ({ skipped: why }),
}));
