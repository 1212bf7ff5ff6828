# A package of the released executable for glibc: callPackage ./package.nix { executable = ./mcr-appliance; }
{ lib, stdenv, autoPatchelfHook, executable }:

stdenv.mkDerivation {
  pname = "mcr-appliance";
  version = "0.1.0";
  src = executable;
  dontUnpack = true;
  # The executable carries its program behind the ELF file, and stripping would cut that off.
  dontStrip = true;
  nativeBuildInputs = [ autoPatchelfHook ];
  buildInputs = [ stdenv.cc.cc.lib ];
  installPhase = ''
    install -D -m 755 $src $out/bin/mcr-appliance
  '';
  meta = {
    description = "Multicast relay that captures before the reverse-path check";
    license = lib.licenses.mit;
    platforms = [ "x86_64-linux" "aarch64-linux" ];
    mainProgram = "mcr-appliance";
  };
}
