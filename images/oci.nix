# The same root file system as an OCI image layout, for `skopeo`, `umoci` and container engines.
# Its programs need a kernel with the XSC driver: /dev/xsc must be given to the container.
{
  lib,
  config,
  name,
  rootfs,
  ...
}:
let
  layout = lib.oci {
    name = "${name}-oci";
    inherit (rootfs) tree nodes;
    owners = rootfs.owners or [ ];
    audits = rootfs.audits or [ ];
    reference = config.profile.name;
    command = [ "/init" ];
    labels."org.opencontainers.image.title" = name;
  };
in
{
  inherit layout;
  place."/${name}-oci" = layout;
}
