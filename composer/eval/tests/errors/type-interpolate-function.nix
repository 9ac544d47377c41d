let
  describe = name: "the ${name}";
in
"${describe}"
