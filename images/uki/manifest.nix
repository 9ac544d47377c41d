# What is in the initramfs, as text; no part of the image.
{ described, filesystem }:
described filesystem
