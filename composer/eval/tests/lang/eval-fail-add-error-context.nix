builtins.addErrorContext "while checking the option `a.b`" (throw "bad value")
