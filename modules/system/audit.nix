# What the audit of the image lets pass. Every ELF file of a system is audited when its images are composed
# (images/system.nix); kernels, kernel modules and firmware for other processors are no programs and need no exemption.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
in
{
  options.audit.exempt = mkOption {
    type = types.attrsOf types.nonEmptyStr;
    default = { };
    example = {
      "/usr/lib/xsc-compat/ld.so" = "a loader for kernels without the gate";
    };
    description = "ELF files that may break the rules of `xsc-compose audit`, by absolute path, each with the reason. The report beside the images lists them; one that is not needed fails.";
  };

  config.assertions = map (at: {
    assertion = builtins.match "/([^/\n]+)(/[^/\n]+)*" at != null;
    message = "`${at}` is not an absolute path in its shortest form";
    about = [
      [
        "audit"
        "exempt"
        at
      ]
    ];
  }) (builtins.attrNames config.audit.exempt);
}
