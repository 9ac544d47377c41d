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

  arch = builtins.head (builtins.match "([^-]*)-.*" config.profile.system);

  loader =
    {
      x86_64 = "/usr/lib64/ld-linux-x86-64.so.2";
      aarch64 = "/usr/lib/ld-linux-aarch64.so.1";
    }
    .${arch};

  compat = pkgs.toolchain."${arch}-${config.profile.variant}".glibc.compat;

  tree =
    if hasLoader then
      lib.merge {
        name = "${name}-oci-rootfs";
        trees = [
          rootfs.tree
          compat
        ];
        lastWins = true;
      }
    else
      rootfs.tree;

  # The exchanged file is the one that may trap.
  audit = lib.audit {
    name = "${name}-oci-audit";
    inherit tree;
    require = config.profile.variant;
    machine = arch;
    exempt = config.audit.exempt // {
      ${loader} = "the loader of containers, which falls back to trap instructions on ordinary kernels";
    };
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
