builtins.functionArgs { __functor = self: { q }: q; }
