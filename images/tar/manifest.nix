# What is in the archive, as text beside it.
{ described, filesystem }:
described filesystem
