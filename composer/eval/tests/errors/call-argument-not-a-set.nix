let
  make = { name }: name;
in
make "zlib"
