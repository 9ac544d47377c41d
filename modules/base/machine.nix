# How code is compiled for the machine of the profile. Set by modules/machines, not by profiles.
{ lib, ... }:
let
  inherit (lib) mkOption types;
in
{
  options.machine = {
    kernelArch = mkOption {
      type = types.enum [
        "arm64"
        "x86_64"
      ];
      example = "arm64";
      description = "Linux's word for the machine.";
    };

    toolchain = mkOption {
      type = types.str;
      example = "kernel-aarch64";
      description = "The seed's set with the compiler.";
    };

    cross = mkOption {
      type = types.str;
      default = "";
      example = "aarch64-linux-gnu-";
      description = "What the names of the compiler's programs begin with.";
    };
  };
}
