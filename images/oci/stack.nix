# What runs a container: the kernel that is there, and our loader that gets along with every one. Nothing boots.
{
  pkgs,
  config,
}:
rec {
  # Tests are linked statically and need a kernel with the XSC driver, in a container too.
  isSystem = config ? init;

  # A root of no packages, as tests have it, has no libc either.
  hasLoader = isSystem && (config.distribution != null || config.packages != [ ]);

  inherit (pkgs.profileTarget) toolchain;

  # An engine's container is one program, not a machine: nobody waits there for a system's init.
  command = [ (if isSystem then "/bin/sh" else "/init") ];
}
