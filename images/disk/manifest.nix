# What is in the root of the disk, as text beside it.
{ described, filesystem }:
described filesystem
