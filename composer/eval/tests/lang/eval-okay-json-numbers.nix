# Digits and exponents as in Nix; what is no number is null; the negative of zero has no sign.
map builtins.toJSON [
  (-0.0)
  (0.0 * -1)
  0.0001
  0.00001
  2.5e-7
  100000000000000.0
  1.0e15
  1.5e100
  (1.0e308 * 10)
]
