let
  makeUser = name: { inherit name; };
in
makeUser.name
