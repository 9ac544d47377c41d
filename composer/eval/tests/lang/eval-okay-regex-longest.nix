let inherit (builtins) match split; in [
  (split "in|int" "integer in")
  (split "(a|ab)(c|bcd)(d*)" "-abcd-")
  (split "([0-9]+|[0-9]+[.][0-9]+)" "v1.25-rc2")
  (split ".$|(|b|ba[b-])" "b]]a")
  # Without alternatives a repetition takes what it can.
  (split "a?(ab)?" "ab")
  (match "(a|ab)(c|bcd)(d*)" "abcd")
]
