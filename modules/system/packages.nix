# Which packages are in the image, and where they may come from.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
in
{
  options = {
    packages = mkOption {
      type = types.listOf types.nonEmptyStr;
      default = [ ];
      example = [
        "bash"
        "coreutils"
      ];
      description = "Names of the packages in the image: folders of pkgs/by-name, or of the profile's `distribution`. What they need comes along.";
    };

    distribution = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "debian-base";
      description = "Whose packages these are, beside those built from source: an input of flake-like.toml whose packages are rebased. Null for none.";
    };

    packageSets = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "system" ];
      description = "Sets of the distribution's packages that are in the image, whole.";
    };

    userland = mkOption {
      type = types.enum [
        "any"
        "rebuilt"
      ];
      default = "any";
      example = "rebuilt";
      description = "Which packages may be in the image: `any`, or only those `rebuilt` from source. A rebased one is then an error.";
    };
  };

  config.assertions = [
    {
      assertion = config.userland == "rebuilt" -> config.distribution == null;
      message = "`userland` is \"rebuilt\", and the packages of `${toString config.distribution}` are rebased";
      about = [
        [ "userland" ]
        [ "distribution" ]
      ];
    }
    {
      assertion = (config.packageSets == [ ]) == (config.distribution == null);
      message = "`packageSets` are sets of a `distribution`: neither is of use without the other";
      about = [
        [ "packageSets" ]
        [ "distribution" ]
      ];
    }
  ];
}
