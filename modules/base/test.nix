# What `xsc-compose test` runs, and in what.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;

  cfg = config.test;
in
{
  options.test = {
    tests = mkOption {
      type = types.listOf (types.strMatching "[a-z0-9][a-zA-Z0-9._/-]*");
      default = [ ];
      example = [ "xsc_ring_test" ];
      description = "The tests that the init runs, in order; a folder's name with a slash is all in it. Without any, it runs all.";
    };

    packages = mkOption {
      type = types.listOf (types.strMatching "[a-z0-9][a-z0-9-]*");
      default = [ ];
      example = [ "xsc-programs" ];
      description = "Packages whose trees join the root file system that has the tests.";
    };

    bochs = mkOption {
      type = types.bool;
      default = false;
      example = true;
      description = "Whether composing boots the ISO in Bochs, an emulator with shadow stacks, and fails if a test does.";
    };
  };

  config.assertions = [
    {
      assertion = cfg.bochs -> builtins.elem "iso" config.profile.images;
      message = "`test.bochs` boots the ISO, so `profile.images` must hold \"iso\"";
      about = [
        [
          "test"
          "bochs"
        ]
        [
          "profile"
          "images"
        ]
      ];
    }
  ];
}
