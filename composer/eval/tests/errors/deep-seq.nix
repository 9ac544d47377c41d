builtins.deepSeq {
  a.b = [
    1
    (throw "found")
  ];
} true
