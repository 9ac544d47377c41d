{
  evaluate =
    modules:
    let
      values = map (module: (module { config = { }; }).services.web.flags) modules;
    in
    builtins.concatLists values;
}
