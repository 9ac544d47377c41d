# What the stages of a toolchain must know of each architecture. toolchain/default.nix hands one of
# these to every stage as `machine`; nothing here depends on the variant.
{
  x86_64 = {
    name = "x86_64";
    triplet = "x86_64-xsc-linux-gnu";
    # What the names of the seed's binutils for this machine begin with.
    seedTools = "x86_64-linux-gnu-";
    kernelArch = "x86_64";
    # What a program names as its interpreter.
    loader = "/lib64/ld-linux-x86-64.so.2";
    compilerFlags = [ ];
  };

  aarch64 = {
    name = "aarch64";
    triplet = "aarch64-xsc-linux-gnu";
    seedTools = "aarch64-linux-gnu-";
    kernelArch = "arm64";
    loader = "/lib/ld-linux-aarch64.so.1";
    compilerFlags = [ ];
  };
}
