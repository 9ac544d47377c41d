# The tree of suites for one target. package.nix and ../suites-stock call it. Invariant: apart from the lines of
# expected/* that are about one of the two only, the trees differ by who compiled and with which C library.
{
  lib,
  # The packages of a target.
  packages,
  # "ours" or "stock": whose lines of expected/* hold.
  who,
}:
let
  suites = [
    "bash"
    "coreutils"
  ];

  programs = packages.system {
    name = "suites-programs-${who}";
    packages = map (name: packages.${name}) [
      "bash"
      "coreutils"
      "diffutils"
      "findutils"
      "gawk"
      "grep"
      "sed"
    ];
  };

  runner = suite: ''
    #!/usr/bin/sh
    # kernel/tests/init starts this.
    exec /usr/bin/sh /usr/libexec/xsc-suites/judge ${suite}
  '';
in
lib.merge {
  name = "suites-${who}";
  trees = [
    programs
    (lib.write {
      name = "suites-files-${who}";
      files = {
        "/etc/passwd" = ''
          root:x:0:0:root:/root:/bin/sh
          nobody:x:65534:65534:nobody:/:/bin/sh
        '';
        "/etc/group" = ''
          root:x:0:
          daemon:x:1:
          nogroup:x:65534:
        '';
        "/etc/hosts" = ''
          127.0.0.1 localhost
        '';
        "/usr/libexec/xsc-suites/who" = ''
          ${who}
        '';
      }
      // builtins.listToAttrs (
        map (suite: {
          name = "/tests/suites/${suite}";
          value = runner suite;
        }) suites
      );
      executable = map (suite: "/tests/suites/${suite}") suites;
      links = {
        "/bin" = "usr/bin";
        "/lib" = "usr/lib";
        "/lib64" = "usr/lib64";
      };
    })
  ]
  ++ map (suite: packages.${suite}.suite) suites;
  place = {
    "/usr/libexec/xsc-suites" = [ ./judge ];
    "/usr/libexec/xsc-suites/expected" = ./expected;
  };
}
