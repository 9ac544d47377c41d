# The root of the profile with the loader of containers. Invariant: it differs from the root that boots by the dynamic
# loader only. A container runs on the kernel it finds, so a system's image carries `xsc-libc-compat`, whose gate falls
# back to trap instructions where the kernel has none of its own. On a kernel with `xsc=strict` the booted image's
# loader is the right one.
{
  lib,
  name,
  rootfs,
  stack,
}:
let
  inherit (stack) hasLoader toolchain;

  tree =
    if hasLoader then
      lib.merge {
        name = "${name}-oci-rootfs";
        trees = [
          rootfs.tree
          toolchain.glibc.compat
        ];
        lastWins = true;
      }
    else
      rootfs.tree;

  # The exchanged file is the one that may trap.
  audit = rootfs.auditOf "${name}-oci-audit" tree {
    "/usr${toolchain.machine.loader}" =
      "the loader of containers, which falls back to trap instructions on ordinary kernels";
  };
in
{
  inherit tree audit;
  inherit (rootfs) nodes owners;
  parts = rootfs.parts ++ (if hasLoader then [ toolchain.glibc.compat ] else [ ]);
  audits = if hasLoader then [ audit ] else rootfs.audits;
}
