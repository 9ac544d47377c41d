let
  check = value: builtins.addErrorContext "while checking the option `boot.timeout`" (value + 1);
in
check "5"
