let set = {
  first = 1;
    second = 2;
}; pos = builtins.unsafeGetAttrPos "second" set; in [ pos.line pos.column (baseNameOf pos.file) (builtins.unsafeGetAttrPos "none" set) ]
