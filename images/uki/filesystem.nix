# The root of the profile, in memory.
{ rootfs, initramfs }:
rootfs
// {
  initramfs = initramfs rootfs;
}
