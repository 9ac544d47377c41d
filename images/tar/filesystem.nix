# The root of the profile as it is. A disk beside it has more in its root, so their manifests have two names.
{ rootfs }:
rootfs
// {
  which = ".tar";
}
