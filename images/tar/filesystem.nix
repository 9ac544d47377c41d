# The root of the profile as it is.
{ rootfs }:
rootfs
