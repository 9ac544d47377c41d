# The repository's module library: 500 options in 50 modules, with submodules, conditions and priorities.
let
  lib = import ../../../../modules/lib;
  inherit (lib) mkDefault mkForce mkIf mkMerge mkOption types;
  option = type: default: mkOption { inherit type default; description = "An option."; };
  module = i: { config, ... }: let self = config.services."s${toString i}"; in {
    options.services."s${toString i}" = {
      enable = option types.bool false;
      port = option types.int 80;
      name = mkOption { type = types.str; };
      user = option (types.nullOr types.str) null;
      flags = option (types.listOf types.str) [ ];
      env = option (types.attrsOf types.str) { };
      limits.open = option types.int 1024;
      limits.procs = mkOption { type = types.int; };
      restart = option (types.enum [ "always" "never" ]) "never";
      mounts = mkOption {
        default = { };
        type = types.attrsOf (types.submodule { options = { at = option types.str "/"; size = option types.int 1; }; });
      };
    };
    config.services."s${toString i}" = mkMerge [
      {
        enable = mkIf (i > 3) true;
        port = mkDefault (8000 + i);
        name = "service ${toString i}";
        user = if i > 0 then config.services."s${toString (i - 1)}".name else "root";
        env.HOME = "/var/s${toString i}";
        limits.procs = self.limits.open / 2;
      }
      (mkIf self.enable { flags = [ "--port" (toString self.port) ]; mounts.data.size = i; })
    ];
  };
  overrides.services = builtins.listToAttrs (builtins.genList (i: {
    name = "s${toString (i * 2)}";
    value = { port = mkForce (9000 + i); flags = [ "--extra" ]; env.EXTRA = "1"; restart = "always"; };
  }) 25);
  evaluated = lib.evalModules { modules = builtins.genList module 50 ++ [ overrides ]; };
  services = evaluated.config.services;
in
[ (builtins.length (builtins.attrNames services)) services.s48 (builtins.stringLength (builtins.toJSON services)) ]
