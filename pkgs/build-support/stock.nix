# The seed's compiler and C library in the form of a toolchain, for the target `x86_64-stock`: the same recipes make
# ordinary programs of the same sources, with which the suites of packages are compared (pkgs/by-name/suites).
# pkgs/default.nix calls this file. Invariant: nothing of it is in an image but that of pkgs.suites-stock.
{
  lib,
  seed,
  inputs,
}:
let
  # A name that configure scripts take for another machine than the one that builds, as they do with ours.
  triplet = "x86_64-stock-linux-gnu";

  sysroot = "/usr/${triplet}/sysroot";

  wrapper = name: ''
    #!/bin/sh
    exec /usr/bin/x86_64-linux-gnu-${name} --sysroot=${sysroot} "$@"
  '';

  programs = [
    "gcc"
    "g++"
    "cpp"
  ];

  named =
    f: names:
    builtins.listToAttrs (
      map (name: {
        name = "/usr/bin/${triplet}-${name}";
        value = f name;
      }) names
    );

  compiler = lib.write {
    name = "stock-compiler";
    files = named wrapper programs;
    executable = builtins.attrNames (named wrapper programs);
    links = named (name: "x86_64-linux-gnu-${name}") [
      "ar"
      "as"
      "ld"
      "nm"
      "objcopy"
      "objdump"
      "ranlib"
      "readelf"
      "strip"
    ];
  };

  package =
    name:
    lib.unpackDeb {
      name = "${name}-${inputs.seed.packages.${name}.version}";
      src = lib.fetch inputs.seed.packages.${name};
    };

  # Debian's libraries in the layout of our sysroots.
  libc = lib.run {
    name = "stock-sysroot";
    root = seed.base;
    mounts = builtins.listToAttrs (
      map
        (name: {
          name = "/src/${name}";
          value = package name;
        })
        [
          "libc6"
          "libc6-dev"
          "libgcc-s1"
          "linux-libc-dev"
        ]
    );
    script = ''
      mkdir -p $out/usr/lib64 $out/usr/lib $out/usr/include
      for from in /src/*; do
        [ ! -d $from/usr/lib/x86_64-linux-gnu ] || cp -a $from/usr/lib/x86_64-linux-gnu/. $out/usr/lib64/
        [ ! -d $from/usr/include ] || cp -rL $from/usr/include/. $out/usr/include/
        chmod -R u+w $out
      done
      cp -a $out/usr/include/x86_64-linux-gnu/. $out/usr/include/
      rm -r $out/usr/include/x86_64-linux-gnu
      # Where Debian's compiler and loader look.
      ln -s ../lib64 $out/usr/lib/x86_64-linux-gnu
      sed -i 's|\(/usr\)\?/lib/x86_64-linux-gnu/|/usr/lib64/|g' $out/usr/lib64/libc.so $out/usr/lib64/libm.so
      [ -f $out/usr/lib64/ld-linux-x86-64.so.2 ]
    '';
  };

  nothing = lib.merge { name = "nothing"; };
in
lib.merge {
  name = "stock-toolchain";
  trees = [ compiler ];
  place.${sysroot} = libc;
}
// {
  inherit triplet compiler sysroot;
  specs = nothing;
  binutils = nothing;
  libgcc = nothing;
  headers = nothing;
  glibc = { inherit libc; };
}
