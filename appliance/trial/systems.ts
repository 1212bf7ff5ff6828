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

/** Named, so that nobody takes what is played for the real thing: what is looked for, by a command that prints nothing without it. */
const beyond: readonly (readonly [name: string, about: string, look: readonly string[], instead: string])[] = [
  [
    "openwrt-real",
    "a booted OpenWrt",
    ["apt-cache", "search", "--names-only", "openwrt"],
    "no image of it; 'openwrt' plays procd",
  ],
  [
    "alpine-real",
    "a booted Alpine",
    ["apt-cache", "search", "--names-only", "apk-tools"],
    "nothing installs it; 'live-openrc' is Debian's OpenRC, 'x64-musl' has its libraries",
  ],
  [
    "vyos-real",
    "a booted VyOS",
    ["apt-cache", "search", "--names-only", "vyos"],
    "no image of it; 'vyos' reads its files",
  ],
  [
    "nixos-real",
    "a NixOS test",
    ["nix-instantiate", "--option", "build-users-group", "", "--find-file", "nixpkgs/nixos"],
    "no modules of it; 'nixos' plays nixpkgs",
  ],
];

export const beyondTrials: readonly Trial[] = beyond.map(([name, about, look, instead]) => ({
  name,
  about,
  run: () => {
    const { exitCode, output } = may(look);
    const [said = ""] = output.trim().split("\n");
    const isThere = exitCode === 0 && said !== "";
    if (isThere) return { skipped: `'${look.join(" ")}' says '${said}', and nobody has written what to do with it` };
    return { skipped: `'${look.join(" ")}' says ${said === "" ? "nothing" : `'${said}'`}: ${instead}` };
  },
}));
