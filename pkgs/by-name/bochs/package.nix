# Boots an ISO image in Bochs, whose tigerlake processor has shadow stacks, and fails if the guest's
# tests do: a function of the image; `$out/serial` is what the guest said. Only profiles that set
# `test.bochs = true` in their options run it. The emulator is an input of its own, no part of the seed.
{
  lib,
  seed,
  inputs,
}:
let
  inherit (inputs.bochs) packages sets;

  emulator = lib.merge {
    name = "bochs-root";
    # What both bring is the same package of the same archive.
    trees = [
      seed.base
    ]
    ++ map (
      name:
      lib.unpackDeb {
        name = "${name}-${packages.${name}.version}";
        src = lib.fetch packages.${name};
      }
    ) sets.bochs;
  };
in
{
  name,
  # A tree that holds <file>.
  image,
  file,
}:
lib.run {
  inherit name;
  root = emulator;
  mounts = {
    "/src/image" = image;
    "/src/bochs" = ../../../kernel/tests/bochs;
  };
  # The limit is in seconds of the machine that runs it.
  script = ''
    mkdir -p $out
    bash /src/bochs/run.sh /src/image/${file} 3600 $out/serial
  '';
}
