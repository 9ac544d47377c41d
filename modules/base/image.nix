# What images of the kinds `disk` and `iso` are like, and the drivers that their kernel needs.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;

  wanted = builtins.elem "disk" config.profile.images;

  inherit (config.image.iso) live;
in
{
  options.image.disk = {
    format = mkOption {
      type = types.enum [
        "raw"
        "qcow2"
      ];
      default = "raw";
      example = "qcow2";
      description = "How the disk is written: as it is (`NAME.img`), or as qcow2, which holds what is used only.";
    };

    free = mkOption {
      type = types.ints.unsigned;
      default = 64;
      example = 4096;
      description = "MiB that are free in the root file system, which is otherwise as large as its files need.";
    };

    size = mkOption {
      type = types.nullOr types.ints.positive;
      default = null;
      example = 8192;
      description = "MiB of the root file system, where it shall not be computed.";
    };

    verity = mkOption {
      type = types.bool;
      default = false;
      example = true;
      description = "Whether the root can only be read, and the kernel checks each block of it against a hash on its command line (dm-verity).";
    };
  };

  options.image.iso.live = mkOption {
    type = types.bool;
    default = false;
    example = true;
    description = "Whether the root is read from the ISO as it is needed, with an overlay in memory, instead of being unpacked into memory whole.";
  };

  config.assertions = [
    {
      assertion =
        builtins.any (kind: builtins.elem kind config.profile.images) [
          "pxe"
          "uki"
        ]
        -> config.profile.system == "x86_64-linux";
      message = "images of the kinds \"pxe\" and \"uki\" have boot programs for x86_64-linux only";
      about = [
        [
          "profile"
          "images"
        ]
        [
          "profile"
          "system"
        ]
      ];
    }
    {
      assertion = wanted -> config.profile.system == "x86_64-linux";
      message = "images of the kind \"disk\" boot with GRUB from the seed, which is for x86_64-linux only";
      about = [
        [
          "profile"
          "images"
        ]
        [
          "profile"
          "system"
        ]
      ];
    }
  ];

  # The kernel of an ISO that installs is that of the disks which it installs, with or without verity.
  config.kernel.fragments = lib.mkIf (wanted || live) (
    lib.mkAfter (
      [
        "disk"
        "root"
      ]
      ++ lib.optional (config.image.disk.verity || live) "verity"
      ++ lib.optional live "live"
    )
  );
}
