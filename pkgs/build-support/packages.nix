# Packages for XSC as files of package managers: each value of `build` has `deb` and `rpm`, a library `devDeb` and
# `devRpm` besides. default.nix and runtime.nix call this file. Invariant: what a package depends on is what its ELF
# files need, and the programs that its recipe says it runs; a library that no package has is an error.
{ lib, machine }:
let
  # Which build of one upstream version this is.
  revision = "1";

  variant = if machine.variant == "cfi" then "-cfi" else "";

  architectures = {
    deb =
      {
        x86_64 = "xsc-amd64";
        aarch64 = "xsc-arm64";
      }
      .${machine.arch}
      + variant;
    rpm = "${machine.arch}-xsc${variant}";
  };

  nodes = builtins.mapAttrs (_: mode: { inherit mode; });

  # What is compiled with a library is compiled with those that it is compiled with, too.
  libraries = package: builtins.filter (other: other.library) package.buildInputs;

  names = suffix: map (package: "${package.pname}${suffix}");
in
{
  inherit architectures;

  # `runtime` are the packages that everything needs: the C library and the compiler's.
  packaged =
    {
      package,
      runtime,
    }:
    let
      inherit (package) pname version meta;

      deb =
        section: it:
        lib.deb (
          {
            version = "${version}-${revision}";
            architecture = architectures.deb;
            needs = map (other: other.deb) (runtime ++ package.closure);
            fields = {
              Homepage = meta.homepage;
              Priority = "optional";
              Section = section;
            };
          }
          // it
        );

      rpm =
        it:
        lib.rpm (
          {
            inherit version;
            inherit (meta) license;
            release = revision;
            architecture = architectures.rpm;
            url = meta.homepage;
          }
          // it
        );
    in
    {
      deb = deb (package.section or (if package.library then "libs" else "utils")) {
        name = pname;
        inherit (meta) description;
        tree = package.out;
        depends = names "" package.runtimeInputs;
        nodes = nodes package.modes;
      };

      rpm = rpm {
        name = pname;
        summary = meta.description;
        tree = package.out;
        requires = names "" package.runtimeInputs;
        nodes = nodes package.modes;
      };
    }
    // (
      if package.library then
        {
          devDeb = deb "libdevel" {
            name = "${pname}-dev";
            description = "${meta.description} (to compile with)";
            tree = package.dev;
            depends = [ "${pname} (= ${version}-${revision})" ] ++ names "-dev" (libraries package);
          };

          devRpm = rpm {
            name = "${pname}-devel";
            summary = "${meta.description} (to compile with)";
            tree = package.dev;
            requires = [ "${pname} = ${version}-${revision}" ] ++ names "-devel" (libraries package);
          };
        }
      else
        { }
    );

  # All files of some packages, one folder a format.
  pool =
    { name, packages }:
    lib.merge {
      inherit name;
      place = builtins.listToAttrs (
        builtins.concatMap (
          package:
          map
            (format: {
              name = "/${package.target}/${format}/${package.pname}";
              value = package.${format};
            })
            (
              builtins.filter (format: package ? ${format}) [
                "deb"
                "devDeb"
                "rpm"
                "devRpm"
              ]
            )
        ) packages
      );
    };
}
