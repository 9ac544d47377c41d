# A folder for a TFTP server. What its DHCP names as the file to boot: `grub.0` for machines with a BIOS, `bootx64.efi`
# for UEFI, `boot.ipxe` for iPXE. composer/cli reads the names.
{
  lib,
  pkgs,
  name,
  stack,
  filesystem,
  manifest,
}:
let
  inherit (filesystem) initramfs;

  kernel = lib.run {
    name = "${name}-pxe-kernel";
    root = pkgs.seed.base;
    mounts."/src/kernel" = stack.kernel;
    script = ''
      mkdir -p $out
      cp /src/kernel/boot/vmlinuz $out/
    '';
  };

  files = lib.merge {
    name = "${name}-pxe-files";
    trees = [
      stack.programs
      kernel
      initramfs
      (lib.write {
        name = "${name}-pxe-texts";
        files = {
          "/boot.ipxe" = stack.script;
          "/grub/grub.cfg" = stack.menu;
        };
      })
    ];
  };

  # The folder is moved about as a whole, so it has sums of its own.
  folder = lib.merge {
    name = "${name}-pxe";
    trees = [
      files
      (lib.sums {
        name = "${name}-pxe-sums";
        tree = files;
      })
    ];
  };
in
{
  inherit folder initramfs manifest;
  place."/${name}.pxe" = folder;
}
