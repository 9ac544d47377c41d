1 |> builtins.add 2
