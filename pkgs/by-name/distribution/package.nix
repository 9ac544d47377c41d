# The packages of a distribution as a root: `sets` of an input of flake-like.toml, rebased, with what recipes rebuild.
# Gives `tree`, in which dpkg finds them installed, and `owners`, what a tree does not carry.
{ lib, debian-base }:
{
  input,
  sets,
  name ? input,
  userland ? "any",
}:
let
  distributions = { inherit debian-base; };
in
distributions.${input}.root {
  inherit name sets userland;
  # What a small machine does not read.
  exclude = [
    "/usr/share/doc"
    "/usr/share/info"
    "/usr/share/locale"
    "/usr/share/man"
  ];
}
