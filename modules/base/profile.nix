# What a profile says about itself: the [profile] table of its TOML, for modules and images to read.
{ lib, ... }:
let
  inherit (lib) mkOption types;
in
{
  options.profile = {
    name = mkOption {
      type = types.strMatching "[a-z0-9][a-z0-9._-]*";
      example = "minimal";
      description = "The profile's short name, part of the names of images.";
    };

    description = mkOption {
      type = types.singleLineStr;
      example = "A kernel and its tests";
      description = "One line for people.";
    };

    system = mkOption {
      type = types.enum [
        "x86_64-linux"
        "aarch64-linux"
      ];
      example = "x86_64-linux";
      description = "The machine that the images are for. The module of that name in modules/machines is always there.";
    };

    variant = mkOption {
      type = types.enum [
        "base"
        "cfi"
      ];
      example = "base";
      description = "Whether code is built with control-flow integrity (`cfi`) or without (`base`).";
    };

    modules = mkOption {
      type = types.listOf types.str;
      example = [ "minimal" ];
      description = "Names of files in modules/, without `.nix`, in the order in which their lists are joined.";
    };

    images = mkOption {
      type = types.listOf (
        types.enum [
          "boot"
          "disk"
          "iso"
          "oci"
          "pxe"
          "tar"
          "uki"
        ]
      );
      example = [ "iso" ];
      description = "The kinds of images to make: folders of images/.";
    };
  };
}
