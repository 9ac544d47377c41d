builtins.fromTOML ''
  title = "x"
  [owner]
  age = 3
  ratio = 0.5
  tags = ["a", "b"]
  [[item]]
  n = 1
  [[item]]
  n = 2
''
