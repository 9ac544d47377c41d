# What this library does, and others do not or otherwise.
{ lib, scope }:
let
  inherit (lib)
    evalModules
    mkBefore
    mkForce
    mkIf
    mkMerge
    mkOption
    types
    ;
  inherit (scope) ev o od;
in
{
  # Definitions are merged in the order of the modules, those of imports before the importing module.
  order = ev [
    { options.x = o (types.listOf types.int); }
    {
      imports = [ { x = [ 0 ]; } ];
      config.x = [ 1 ];
    }
    { x = [ 2 ]; }
  ];
  orderLines = ev [
    { options.x = o types.lines; }
    { x = "a"; }
    { x = "b"; }
    { x = mkBefore "0"; }
  ];
  orderAnything = ev [
    { options.x = o types.anything; }
    { x = [ 1 ]; }
    { x = [ 2 ]; }
  ];
  # What a property makes of definitions may be a module.
  topMerge = ev [
    {
      options.x = od types.int 1;
      options.y = od types.int 1;
    }
    (mkMerge [
      { x = 2; }
      (mkIf true { y = 3; })
    ])
  ];
  # An argument of a module may have a default.
  argsDefault = ev [
    { options.x = o types.int; }
    (
      {
        foo ? 5,
        ...
      }:
      {
        x = foo;
      }
    )
  ];
  # Order and priority may be wrapped either way round.
  orderOfPriority = ev [
    { options.x = o (types.listOf types.int); }
    { x = mkBefore (mkForce [ 1 ]); }
    { x = [ 2 ]; }
  ];
  checked = lib.checked (evalModules {
    modules = [
      lib.assertionsModule
      {
        assertions = [
          {
            assertion = true;
            message = "fine";
          }
        ];
      }
    ];
  }) 3;
  docs =
    map
      (
        it:
        removeAttrs it [
          "declarations"
          "value"
          "definitions"
        ]
      )
      (
        lib.optionDocs
          (evalModules {
            modules = [
              {
                options.b = mkOption {
                  type = types.listOf (types.submodule { options.c = od types.int 1; });
                  description = "B.";
                  example = [ ];
                };
                options.a = mkOption { visible = false; };
              }
            ];
          }).options
      );
}
