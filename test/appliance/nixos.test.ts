// The NixOS files as Nix reads them, and the module evaluated with stubs for what it takes of nixpkgs.
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../helpers/run.ts";

const folder = join(import.meta.dir, "../../appliance/nixos");
const dir = mkdtempSync(join(tmpdir(), "mcrt-nixos-"));
afterAll(() => rmSync(dir, { recursive: true }));

/** Its store and its state in the test's own folder: nothing of it belongs to this machine. */
function nix(...args: string[]): string {
  const homes = ["NIX_STORE_DIR", "NIX_STATE_DIR", "NIX_LOG_DIR", "NIX_CONF_DIR"].map(
    (name) => `${name}=${dir}/${name}`,
  );
  return run(["env", ...homes, `HOME=${dir}`, "nix-instantiate", ...args]).stdout;
}

test.each(["module.nix", "package.nix"])("%s is Nix", (name) => {
  expect(nix("--parse", join(folder, name))).toContain("mcr");
});

/** Derivations become their texts, options nothing, and paths stay paths. */
const stubs = `
let
  lib = {
    mkEnableOption = words: { };
    mkOption = about: about;
    mkIf = condition: value: if condition then value else { };
    concatStringsSep = builtins.concatStringsSep;
    types = { package = 1; attrs = 1; str = 1; listOf = type: 1; };
  };
  pkgs = {
    writeText = name: text: "text of " + name + ": " + text;
    runCommand = name: about: script: script;
  };
  module = isOn: import ${folder}/module.nix {
    inherit lib pkgs;
    config.services.mcr-appliance = {
      enable = isOn;
      package = "/package";
      settings = { rules = [ { name = "feed-a"; input = { interface = "eth0"; group = "239.1.1.1"; port = 5000; }; outputs = [ ]; } ]; };
      extraOptions = [ "--workers" "2" ];
    };
  };
  etc = (module true).config.environment.etc;
in {
  off = (module false).config;
  options = builtins.attrNames (module true).options.services.mcr-appliance;
  file = etc."mcr/mcr.json5".source;
  default = etc."default/mcr".text;
  units = builtins.head (module true).config.systemd.packages;
  wanted = (module true).config.systemd.services.mcr.wantedBy;
}
`;

test("the module brings the unit with the package's path, the settings checked, and the options; switched off it brings nothing", () => {
  const path = join(dir, "stubs.nix");
  writeFileSync(path, stubs);
  const made = JSON.parse(nix("--eval", "--strict", "--json", "--read-write-mode", path));
  expect(made.off).toEqual({});
  expect(made.options).toEqual(["enable", "extraOptions", "package", "settings"]);
  expect(made.file).toContain("/package/bin/mcr-appliance config check text of mcr.json5: ");
  expect(made.file).toContain(
    '{"rules":[{"input":{"group":"239.1.1.1","interface":"eth0","port":5000},"name":"feed-a","outputs":[]}]}',
  );
  expect(made.default).toBe('MCR_OPTIONS="--workers 2"\n');
  expect(made.units).toContain("--replace-fail /usr/bin/mcr-appliance /package/bin/mcr-appliance");
  expect(made.wanted).toEqual(["multi-user.target"]);
});
