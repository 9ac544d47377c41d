let
  closure = start: operator: map (item: item.key) (builtins.genericClosure { startSet = map (key: { inherit key; }) start; inherit operator; });
  none = _: [ ];
in
[
  (closure [ "b" "a" "b" "" ] none)
  (closure [ 3 1 3 2 1 ] none)
  (closure [ 1 1.0 2.5 2 ] none)
  (closure [ [ 1 ] [ 1 2 ] [ 1 ] ] none)
  (closure [ "a" ] (item: if builtins.stringLength item.key > 3 then [ ] else [ { key = item.key + "x"; } { key = "a"; } ]))
]
