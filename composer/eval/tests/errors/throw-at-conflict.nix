let
  a = {
    port = 1;
  };
  b = {
    port = 2;
  };
in
builtins.throwAt {
  message = "the option `port` has two values";
  at = [
    {
      pos = builtins.unsafeGetAttrPos "port" a;
      label = "1 here";
    }
    {
      pos = builtins.unsafeGetAttrPos "port" b;
      label = "2 here";
    }
  ];
}
