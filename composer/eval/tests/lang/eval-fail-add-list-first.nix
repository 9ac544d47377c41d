# The left operand can't be added to, so the right one is not asked: this is no error that `tryEval` catches.
builtins.tryEval ([ ] + throw "right")
