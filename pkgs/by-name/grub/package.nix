# GRUB from the seed, as a hybrid ISO needs it: a function of what the menu says.
# Returns `images` (eltorito.img, boot_hybrid.img), `esp` (the EFI system partition) and `config`
# (what belongs on the ISO itself). The modules are the least that boots a CD and a disk.
{ lib, seed }:
{
  # The ISO's file system is found by a marker file with this name.
  marker,
  # What can be booted, as ./menu.nix has it.
  entries,
  # Seconds that a menu with a choice waits.
  timeout ? 0,
}:
let
  early = ''
    search.file /boot/grub/${marker} root
    set prefix=($root)/boot/grub
    configfile ($root)/boot/grub/grub.cfg
  '';

  menu = import ./menu.nix { inherit entries timeout; };

  programs = lib.run {
    name = "grub-images";
    root = seed.boot;
    env.early = early;
    outputs = [
      "bios"
      "efi"
    ];
    script = ''
      mkdir -p $bios $efi/EFI/BOOT
      printf %s "$early" >early.cfg
      shared="iso9660 search_fs_file normal configfile linux serial terminal"
      grub-mkimage -O i386-pc-eltorito -d /usr/lib/grub/i386-pc -p /boot/grub \
        -c early.cfg -o $bios/eltorito.img biosdisk $shared
      cp /usr/lib/grub/i386-pc/boot_hybrid.img $bios/
      grub-mkimage -O x86_64-efi -d /usr/lib/grub/x86_64-efi -p /boot/grub \
        -c early.cfg -o $efi/EFI/BOOT/BOOTX64.EFI fat part_gpt $shared
    '';
  };
in
{
  images = programs.bios;

  esp = lib.fat {
    name = "grub-esp";
    label = "ESP";
    tree = programs.efi;
  };

  config = lib.run {
    name = "grub-config";
    root = seed.base;
    env = { inherit menu; };
    script = ''
      mkdir -p $out/boot/grub
      printf %s "$menu" >$out/boot/grub/grub.cfg
      : >$out/boot/grub/${marker}
    '';
  };
}
