# At the first boot on a disk larger than the image, the root's partition and file system grow to all of it: the program
# is the init= of every boot, does nothing when there is nothing to gain, and becomes the system's init.
{ pkgs, config }:
{
  # A root that is only read stays as it was written.
  grows = !config.image.disk.verity && config.image.disk.filesystem != "erofs";
  programs = pkgs.xsc-boot;
  init = "/usr/lib/xsc/first-boot";
}
