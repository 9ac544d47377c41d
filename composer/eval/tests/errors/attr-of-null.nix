let
  machine = {
    owner = null;
  };
in
machine.owner.name
