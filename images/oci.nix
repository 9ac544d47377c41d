# The same root file system as an OCI image layout, for `skopeo`, `umoci` and container engines. default.nix calls it.
# Invariant: the image differs from the one that boots by the dynamic loader only. A container runs on the kernel it
# finds, so a system's image carries `xsc-libc-compat`, whose gate falls back to trap instructions where the kernel has
# none of its own. On a kernel with `xsc=strict` the booted image's loader is the right one.
{
  lib,
  pkgs,
  config,
  name,
  rootfs,
  ...
}:
let
  # Tests are linked statically and need a kernel with the XSC driver, in a container too.
  isSystem = config ? init;

  # A root of no packages, as tests have it, has no libc either.
  hasLoader = isSystem && (config.distribution != null || config.packages != [ ]);

  inherit (pkgs.profileTarget) toolchain;

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

  layout = lib.oci {
    name = "${name}-oci";
    inherit tree;
    inherit (rootfs) nodes;
    owners = rootfs.owners or [ ];
    audits = if hasLoader then [ audit ] else rootfs.audits or [ ];
    reference = config.profile.name;
    # An engine's container is one program, not a machine: nobody waits there for a system's init.
    command = [ (if isSystem then "/bin/sh" else "/init") ];
    labels."org.opencontainers.image.title" = name;
  };
in
{
  inherit layout;
  place = {
    "/${name}-oci" = layout;
  }
  // (if hasLoader then { "/${name}-oci.audit" = audit; } else { });
}
