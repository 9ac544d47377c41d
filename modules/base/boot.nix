# What the boot loader does.
{ lib, ... }:
let
  inherit (lib) mkOption types;

  word = types.strMatching "[^ \t\n\r]+" // {
    description = "a word without blanks";
  };
in
{
  options.boot = {
    cmdline = mkOption {
      type = types.listOf word;
      default = [ ];
      example = [
        "console=ttyS0"
        "panic=-1"
      ];
      description = "The words that the boot loader gives to the kernel, in order.";
    };

    compression = mkOption {
      type = types.enum [
        "gzip"
        "zstd"
      ];
      default = "gzip";
      example = "zstd";
      description = "How the initial file system is compressed; `zstd` is smaller and unpacked faster.";
    };

    volumeId = mkOption {
      type = types.strMatching "[A-Z0-9_]{1,32}";
      default = "XSC";
      example = "XSC_TEST";
      description = "The name of the ISO as a volume.";
    };
  };
}
