# The relay as a NixOS service: the unit of ../systemd, with the package's own path in it, and the settings as its file.
{ config, lib, pkgs, ... }:

let
  cfg = config.services.mcr-appliance;
  # JSON is JSON5.
  configFile = pkgs.writeText "mcr.json5" (builtins.toJSON cfg.settings);
  checkedFile = pkgs.runCommand "mcr.json5" { } ''
    ${cfg.package}/bin/mcr-appliance config check ${configFile}
    cp ${configFile} $out
  '';
  units = pkgs.runCommand "mcr-units" { } ''
    mkdir -p $out/lib/systemd/system
    for unit in mcr.service mcr@.service; do
      substitute ${../systemd}/$unit $out/lib/systemd/system/$unit \
        --replace-fail /usr/bin/mcr-appliance ${cfg.package}/bin/mcr-appliance
    done
  '';
in
{
  options.services.mcr-appliance = {
    enable = lib.mkEnableOption "the multicast relay mcr-appliance";

    package = lib.mkOption {
      type = lib.types.package;
      description = "A package with bin/mcr-appliance, such as the one that package.nix makes of a released executable.";
    };

    settings = lib.mkOption {
      type = lib.types.attrs;
      default = { rules = [ ]; };
      example = {
        rules = [
          {
            name = "feed-a";
            input = { interface = "eth0"; group = "239.1.1.1"; port = 5000; };
            outputs = [ { group = "239.2.2.2"; port = 5001; interface = "eth1"; } ];
          }
        ];
      };
      description = "The configuration file. A mistake in it fails the build of the system, not its start.";
    };

    extraOptions = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      default = [ ];
      example = [ "--workers" "2" "--metrics" "9470" ];
      description = "More options of 'mcr-appliance supervise'.";
    };
  };

  config = lib.mkIf cfg.enable {
    users.users.mcr = { isSystemUser = true; group = "mcr"; };
    users.groups.mcr = { };
    environment.systemPackages = [ cfg.package ];
    environment.etc."mcr/mcr.json5".source = checkedFile;
    environment.etc."default/mcr".text = "MCR_OPTIONS=\"${lib.concatStringsSep " " cfg.extraOptions}\"\n";
    systemd.packages = [ units ];
    systemd.services.mcr = {
      wantedBy = [ "multi-user.target" ];
      reloadTriggers = [ checkedFile ];
      restartTriggers = cfg.extraOptions;
    };
  };
}
