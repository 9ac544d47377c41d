# An archive boots with nothing: it is for a machine, a chroot or a container that has a kernel.
{ }:
{ }
