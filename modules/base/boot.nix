# What the boot loader does.
{ lib, ... }:
let
  inherit (lib) mkOption types;
in
{
  options.boot = {
    cmdline = mkOption {
      type = types.listOf (types.strMatching "[^ \t\n\r]+");
      default = [ ];
      example = [
        "console=ttyS0"
        "panic=-1"
      ];
      description = "The words that the boot loader gives to the kernel, in order.";
    };

    volumeId = mkOption {
      type = types.strMatching "[A-Z0-9_]{1,32}";
      default = "XSC";
      example = "XSC_TEST";
      description = "The name of the ISO as a volume.";
    };
  };
}
