# What images of the kinds `disk` and `iso` are like, and the drivers that their kernel needs.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;

  wanted = builtins.elem "disk" config.profile.images;

  inherit (config.image.iso) live;

  erofs = config.image.disk.filesystem == "erofs";
in
{
  options.image.disk = {
    filesystem = mkOption {
      type = types.enum [
        "ext4"
        "erofs"
      ];
      default = "ext4";
      example = "erofs";
      description = "The file system of the root: ext4, which is written to unless there is `verity`, or EROFS, which is compressed and can only be read.";
    };

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
      description = "MiB that are free in a root file system that is written to, which is otherwise as large as its files need.";
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
    {
      assertion = erofs -> config.image.disk.size == null;
      message = "`image.disk.size` is of an ext4 root; one of EROFS is as large as its files, compressed";
      about = [
        [
          "image"
          "disk"
          "filesystem"
        ]
        [
          "image"
          "disk"
          "size"
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
      ++ lib.optional (wanted && erofs) "erofs"
      ++ lib.optional live "live"
    )
  );
}
