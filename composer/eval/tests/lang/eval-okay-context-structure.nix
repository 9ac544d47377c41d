let
  source = "/store/11111111111111111111111111111111-source";
  drv = "/store/22222222222222222222222222222222-tool.drv";
  add = builtins.appendContext;
  whole = add "text" {
    ${source} = { path = true; };
    ${drv} = { outputs = [ "out" "dev" ]; allOutputs = true; };
  };
  deep = add "x" { ${drv} = { allOutputs = true; }; };
in
{
  context = builtins.getContext whole;
  kept = builtins.getContext (builtins.substring 0 0 whole) == builtins.getContext whole;
  joined = builtins.getContext "${add "a" { ${source}.path = true; }}${deep}";
  nothing = builtins.getContext (add "a" { ${source} = { path = false; }; });
  shallow = builtins.getContext (builtins.unsafeDiscardOutputDependency deep);
  deepAgain = builtins.getContext (builtins.addDrvOutputDependencies (builtins.unsafeDiscardOutputDependency deep));
  deepStill = builtins.getContext (builtins.addDrvOutputDependencies deep);
  equal = whole == "text";
  split = map builtins.hasContext (builtins.filter builtins.isString (builtins.split "x" whole));
  json = builtins.getContext (builtins.fromJSON (builtins.toJSON "plain")) // builtins.getContext (builtins.toJSON [ deep ]);
  xml = builtins.getContext (builtins.toXML [ deep ]) == builtins.getContext deep;
}
