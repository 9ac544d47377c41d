# Boots an ISO image in Bochs, whose tigerlake processor has shadow stacks, and fails if the guest's tests do, or a step
# of the profile's script: a function of the image; `$out/serial` is what the guest said. Only profiles that set
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
  # What is typed at its console, as profiles/README.md says; null if the guest tests itself.
  script ? null,
}:
lib.run {
  inherit name;
  root = emulator;
  mounts = {
    "/src/image" = image;
    "/src/bochs" = ../../../kernel/tests/bochs;
  }
  // (
    if script == null then
      { }
    else
      {
        "/src/talk" = [
          ./talk.sh
          script
        ];
      }
  );
  # The limit is in seconds of the machine that runs it.
  script = ''
    mkdir -p $out
  ''
  + (
    if script == null then
      "bash /src/bochs/run.sh /src/image/${file} 3600 $out/serial\n"
    else
      "bash /src/talk/talk.sh /src/talk/${baseNameOf script} /src/bochs/bochsrc /src/image/${file} $out/serial\n"
  );
}
