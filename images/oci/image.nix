# The root file system as an OCI image layout, for `skopeo`, `umoci` and container engines.
{
  lib,
  config,
  name,
  stack,
  filesystem,
  manifest,
}:
let
  layout = lib.oci {
    name = "${name}-oci";
    inherit (filesystem)
      tree
      nodes
      owners
      audits
      ;
    reference = config.profile.name;
    # The composer names that of the machine that builds unless told.
    architecture = if config.profile.system == "aarch64-linux" then "arm64" else null;
    inherit (stack) command;
    labels."org.opencontainers.image.title" = name;
  };
in
{
  inherit layout manifest;
  place = {
    "/${name}-oci" = layout;
  }
  // (if stack.hasLoader then { "/${name}-oci.audit" = filesystem.audit; } else { });
}
