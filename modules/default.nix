# Evaluates modules: images/default.nix calls it with a profile, `xsc-compose options` also without.
# `profile` is the TOML as a value: { file; profile; options; test; }, its attributes with the lines
# of the file. Order of definitions: base, the machine, the profile's modules, the profile itself.
{
  profile ? null,
}:
let
  lib = import ./lib;

  names = nixFiles ./.;

  # "a" for every file a.nix beside default.nix.
  nixFiles =
    folder:
    let
      entries = builtins.readDir folder;
      stem = name: builtins.match "(.*)\\.nix" name;
    in
    builtins.concatMap (name: if name == "default.nix" || stem name == null then [ ] else stem name) (
      builtins.attrNames entries
    );

  head = profile.profile;

  load =
    name:
    if builtins.elem name names then
      ./. + "/${name}.nix"
    else
      lib.fail {
        message = "there is no module `${name}`: modules/${name}.nix does not exist";
        at = [
          {
            pos = builtins.unsafeGetAttrPos "modules" head;
            inherit (profile) file;
            label = "named here";
          }
        ];
        help = lib.didYouMean name names;
      };

  machine = name: ./machines + "/${name}.nix";

  fromProfile = [
    {
      _file = profile.file;
      config = {
        profile = head;
        test = builtins.intersectAttrs { tests = null; } (profile.test or { });
      };
    }
    {
      _file = profile.file;
      config = profile.options or { };
    }
  ];

  evaluated = lib.evalModules {
    modules = [
      ./base
    ]
    ++ (
      if profile == null then
        # Every option there is; there are no values without a profile.
        map machine (nixFiles ./machines) ++ map load names
      else
        [ (machine head.system) ] ++ map load head.modules ++ fromProfile
    );
  };
in
{
  inherit (evaluated) options;

  config = lib.checked evaluated evaluated.config;

  # What `xsc-compose options` shows.
  reference = lib.optionDocs evaluated.options;
}
