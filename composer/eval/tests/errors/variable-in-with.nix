let
  tools = {
    make = 1;
    cmake = 2;
  };
in
with tools;
[
  make
  cmak
]
