# What recipes are written with: each step that the composer knows, as a function.
# pkgs/default.nix calls it once; every function returns a derivation. `system` is the machine that
# builds, whatever the packages are for.
# A derivation's outputs never name the store, so inputs are not interpolated into strings:
# they are placed at paths of the sandbox (`at`), and scripts use those paths.
{ system }:
let
  # 2025-01-01T00:00:00Z. What honours SOURCE_DATE_EPOCH stamps this; see docs/adr/0005.
  epoch = 1735689600;

  step =
    name: builder: params: inputs:
    derivation {
      inherit
        name
        system
        builder
        params
        inputs
        ;
    };

  # A list of trees as inputs below `at`.
  numbered =
    at: list:
    builtins.genList (i: {
      at = "${at}/${toString i}";
      from = builtins.elemAt list i;
    }) (builtins.length list);

  ownersOf = map (from: {
    at = "/owners";
    inherit from;
  });

  # What a root is made of, for those that write one.
  rootInputs =
    tree: owners: audits:
    [
      {
        at = "/tree";
        from = tree;
      }
    ]
    ++ ownersOf owners
    ++ numbered "/audits" audits;

  attrsToList = f: set: map (name: f name set.${name}) (builtins.attrNames set);
in
rec {
  inherit system epoch;

  # A file that the lock pins: { name, sha256, size, urls }.
  fetch =
    file:
    step file.name "builtin:fetch" {
      inherit (file)
        name
        sha256
        size
        urls
        ;
    } [ ];

  # The content of a tar archive, compressed or not, without its first `strip` directories and
  # without what an `exclude` pattern covers, unless `include` does too (paths after stripping).
  unpackTar =
    {
      name,
      src,
      strip ? 1,
      exclude ? [ ],
      include ? [ ],
    }:
    step name "builtin:unpack-tar" { inherit strip exclude include; } [
      {
        at = "/archive";
        from = src;
      }
    ];

  # The files of a Debian package, without documentation. Its maintainer scripts never run.
  unpackDeb =
    { name, src }:
    step name "builtin:unpack-deb"
      {
        exclude = [
          "usr/share/bash-completion"
          "usr/share/bug"
          "usr/share/doc"
          "usr/share/doc-base"
          "usr/share/info"
          "usr/share/lintian"
          "usr/share/locale"
          "usr/share/man"
          "usr/share/menu"
        ];
      }
      [
        {
          at = "/archive";
          from = src;
        }
      ];

  # Several trees as one. `trees` meet at the root; `place` puts a tree at a path; `links` adds
  # symbolic links (path = target). Two different files at one path are an error, unless the
  # recipe says that later trees win.
  merge =
    {
      name,
      trees ? [ ],
      place ? { },
      links ? { },
      lastWins ? false,
    }:
    step name "builtin:merge" { inherit links lastWins; } (
      map (from: {
        at = "/";
        inherit from;
      }) trees
      ++ attrsToList (at: from: { inherit at from; }) place
    );

  # A tree of texts and links that the recipe says: `files` (path = text), those of them that are
  # `executable`, `links` (path = target).
  write =
    {
      name,
      files ? { },
      executable ? [ ],
      links ? { },
    }:
    step name "builtin:write" { inherit files executable links; } [ ];

  # Runs a bash script in the sandbox. `root` becomes `/`, `mounts` and `writable` appear at
  # their paths (a writable one is a private copy), `$out` is the directory to fill.
  run =
    {
      name,
      root,
      script,
      mounts ? { },
      writable ? { },
      env ? { },
      outputs ? [ "out" ],
      # See every processor (XSC_CORES says how many) instead of one.
      parallel ? false,
      # The output may mention /build, as an object tree does that a later step goes on with.
      keepsBuildDir ? false,
      # What it needs of the machine: { memory = MIB; exclusive = BOOL; }. No part of its identity.
      requires ? { },
    }:
    derivation {
      inherit
        name
        system
        outputs
        parallel
        keepsBuildDir
        requires
        ;
      builder = "/usr/bin/bash";
      args = [
        "-euo"
        "pipefail"
        "-c"
        script
      ];
      env = {
        HOME = "/homeless";
        LC_ALL = "C";
        PATH = "/usr/bin:/usr/sbin";
        SOURCE_DATE_EPOCH = toString epoch;
        TMPDIR = "/tmp";
        TZ = "UTC";
      }
      // env;
      inputs = [
        {
          at = "/";
          from = root;
        }
      ]
      ++ attrsToList (at: from: { inherit at from; }) mounts
      ++ attrsToList (at: from: {
        inherit at from;
        writable = true;
      }) writable;
    };

  # An initramfs: `tree` as a compressed cpio archive at $out/initramfs. `nodes` adds what a
  # tree cannot carry, for example { "/dev/console" = { type = "char"; major = 5; minor = 1; mode = "0600"; }; }.
  initramfs =
    {
      name,
      tree,
      nodes ? { },
      # Files of modes and owners, as debRoot gives; `nodes` comes after them.
      owners ? [ ],
      # The audits that must have passed, as `audit` gives.
      audits ? [ ],
      # "gzip", or "zstd", which the kernel unpacks faster.
      compression ? "gzip",
    }:
    step name "builtin:cpio"
      ({ inherit nodes epoch; } // (if compression == "gzip" then { } else { inherit compression; }))
      (rootInputs tree owners audits);

  # A FAT file system image for an EFI system partition at $out/esp.img.
  fat =
    {
      name,
      tree,
      label,
    }:
    step name "builtin:fat" { inherit label epoch; } [
      {
        at = "/tree";
        from = tree;
      }
    ];

  # A hybrid ISO image at $out/<file>. `loader` holds eltorito.img and boot_hybrid.img.
  iso =
    {
      name,
      file,
      tree,
      loader,
      esp,
      volumeId,
    }:
    step name "builtin:iso" { inherit file volumeId epoch; } [
      {
        at = "/tree";
        from = tree;
      }
      {
        at = "/loader";
        from = loader;
      }
      {
        at = "/esp";
        from = esp;
      }
    ];

  # A disk at $out/<file>: an EFI system partition with what is in `esp` and `menu` as /grub/grub.cfg, and `tree` with
  # `nodes` as the root: `filesystem` is "ext4", or "erofs", which is only read. `loader` holds GRUB's boot.img and
  # core.img for BIOS. `menu` may hold @ROOT_UUID@, and with `verity` @VERITY@ and @VERITY_UUID@ (composer/image/src/disk).
  # `free` and `size` are MiB of an ext4 root.
  disk =
    {
      name,
      file,
      tree,
      esp,
      menu,
      loader ? null,
      nodes ? { },
      owners ? [ ],
      audits ? [ ],
      free ? 0,
      size ? null,
      filesystem ? "ext4",
      verity ? false,
      format ? "raw",
    }:
    step name "builtin:disk"
      (
        {
          inherit
            epoch
            file
            format
            free
            menu
            nodes
            verity
            ;
        }
        // (if size == null then { } else { inherit size; })
        // (if filesystem == "ext4" then { } else { inherit filesystem; })
      )
      (
        [
          {
            at = "/tree";
            from = tree;
          }
          {
            at = "/esp";
            from = esp;
          }
        ]
        ++ (
          if loader == null then
            [ ]
          else
            [
              {
                at = "/loader";
                from = loader;
              }
            ]
        )
        ++ ownersOf owners
        ++ numbered "/audits" audits
      );

  # What `tree`, `nodes` and `owners` come to, as text at $out/<file>: docs/formats/manifest.md.
  manifest =
    {
      name,
      file,
      tree,
      nodes ? { },
      owners ? [ ],
      # The trees that `tree` was made of, later ones win: who an entry is from.
      parts ? [ ],
    }:
    step name "builtin:manifest" { inherit file nodes; } (
      [
        {
          at = "/tree";
          from = tree;
        }
      ]
      ++ ownersOf owners
      ++ numbered "/parts" parts
    );

  # A root as an archive at $out/<file>; `compression` is "zstd", "gzip" or "none".
  tar =
    {
      name,
      file,
      tree,
      nodes ? { },
      owners ? [ ],
      audits ? [ ],
      compression ? "zstd",
    }:
    step name "builtin:tar"
      {
        inherit
          nodes
          file
          compression
          epoch
          ;
      }
      (rootInputs tree owners audits);

  # An OCI image layout; the output is the layout's directory. `architecture` is "amd64" or "arm64", what the programs
  # are for; null is the machine that builds.
  oci =
    {
      name,
      tree,
      reference,
      architecture ? null,
      nodes ? { },
      command ? [ ],
      labels ? { },
      env ? { },
      owners ? [ ],
      audits ? [ ],
    }:
    step name "builtin:oci"
      (
        {
          inherit
            nodes
            reference
            command
            labels
            env
            epoch
            ;
        }
        // (if architecture == null then { } else { inherit architecture; })
      )
      (rootInputs tree owners audits);

  # An OCI layout as an archive at $out/<file>, which `docker load` reads too; it gets the name `reference`.
  ociArchive =
    {
      name,
      file,
      layout,
      reference,
    }:
    step name "builtin:oci-archive" { inherit file reference epoch; } [
      {
        at = "/layout";
        from = layout;
      }
    ];

  # An OCI layout with an image for each processor behind one `reference`, of which engines take theirs. `layouts` are
  # layouts of one image each, as `oci` makes them, no two for one processor; one alone is an index of one.
  ociIndex =
    {
      name,
      reference,
      layouts,
    }:
    step name "builtin:oci-index" { inherit reference; } (numbered "/layouts" layouts);

  # A root file system that is only read, at $out/<file>: EROFS. `compression` is "lz4" or "none".
  erofs =
    {
      name,
      file,
      tree,
      nodes ? { },
      owners ? [ ],
      audits ? [ ],
      label ? "",
      compression ? "lz4",
    }:
    step name "builtin:erofs"
      {
        inherit
          file
          nodes
          label
          compression
          epoch
          ;
      }
      (rootInputs tree owners audits);

  # The packages of a tree as an SPDX document at $out/<file>, from dpkg's database in it.
  sbom =
    {
      name,
      title,
      file,
      tree,
    }:
    step name "builtin:sbom" { inherit title file epoch; } [
      {
        at = "/tree";
        from = tree;
      }
    ];

  # $out/SHA256SUMS of every file of a tree.
  sums =
    { name, tree }:
    step name "builtin:sums" { } [
      {
        at = "/tree";
        from = tree;
      }
    ];

  # A Debian package at $out/<name>_<version>_<architecture>.deb, and provenance.json beside it. Dependencies on
  # libraries are found from the ELF files of `tree` and of the packages in `needs`; `depends` adds others. `fields` are
  # further fields of the control paragraph, `scripts` maintainer scripts by name, `nodes` modes and owners.
  # Files below /etc are configuration files.
  deb =
    {
      name,
      version,
      tree,
      architecture,
      description,
      maintainer ? "XSC OS <packages@xsc.invalid>",
      needs ? [ ],
      depends ? [ ],
      fields ? { },
      scripts ? { },
      triggers ? [ ],
      conffiles ? [ ],
      nodes ? { },
    }:
    step "${name}-deb" "builtin:deb"
      {
        package = name;
        inherit
          version
          architecture
          description
          maintainer
          depends
          fields
          scripts
          triggers
          conffiles
          nodes
          epoch
          ;
      }
      (
        [
          {
            at = "/tree";
            from = tree;
          }
        ]
        ++ numbered "/needs" needs
      );

  # An rpm at $out/<name>-<version>-<release>.<architecture>.rpm. What it provides and requires of libraries is
  # read from its ELF files; `requires` adds others, such as "bash >= 5".
  rpm =
    {
      name,
      version,
      tree,
      architecture,
      license,
      summary,
      release ? "1",
      description ? summary,
      url ? "",
      requires ? [ ],
      conffiles ? [ ],
      nodes ? { },
    }:
    step "${name}-rpm" "builtin:rpm"
      {
        package = name;
        inherit
          version
          release
          architecture
          license
          summary
          description
          url
          requires
          conffiles
          nodes
          epoch
          ;
      }
      [
        {
          at = "/tree";
          from = tree;
        }
      ];

  # A distribution's .deb as one of XSC: every ELF file audited and given the ABI note, architecture, version and
  # dependencies rewritten. What holds a trap instruction is refused; `drop` leaves such files out. `minimal` says
  # which version dependents need of packages that are rebuilt, `substitute` replaces dependencies.
  rebase =
    {
      name,
      version,
      src,
      fromArchitecture,
      architecture,
      suffix,
      minimal ? { },
      substitute ? { },
      drop ? [ ],
    }:
    step "${name}-${version}${suffix}" "builtin:rebase"
      {
        inherit
          fromArchitecture
          architecture
          suffix
          minimal
          substitute
          drop
          epoch
          ;
      }
      [
        {
          at = "/archive";
          from = src;
        }
      ];

  # A root file system of packages, as if dpkg had installed them; scripts do not run. `tree` has the files and
  # dpkg's database; `owners` is for the image steps' `owners`: what a tree does not carry. `userland` is "any", or
  # "rebuilt" to refuse packages that are rebased. `exclude` leaves paths out, with what is below them.
  debRoot =
    {
      name,
      packages,
      architecture,
      exclude ? [ ],
      alternatives ? { },
      userland ? "any",
    }:
    let
      part =
        suffix: builder:
        step "${name}${suffix}" builder {
          inherit
            architecture
            exclude
            alternatives
            userland
            ;
        } (numbered "/packages" packages);
    in
    {
      tree = part "" "builtin:deb-root";
      owners = part "-owners" "builtin:deb-owners";
    };

  # Audits every ELF file of a tree, also in archives: trap instructions, notes, marks, layout. The
  # output holds report.txt, report.json and report.sarif; what fails fails the build. `require` is
  # "nothing", "base" or "cfi"; `machine` is "x86_64", "aarch64" or "" for either; `exempt` are files that
  # may fail, with the reason (path = text), and must.
  audit =
    {
      name,
      tree,
      require ? "base",
      machine ? "",
      exempt ? { },
    }:
    step name "builtin:audit" { inherit require machine exempt; } [
      {
        at = "/tree";
        from = tree;
      }
    ];

  # The tree itself, if no ELF file and no archive of objects in it is also in one of the `foreign` trees, and no program
  # needs a loader that it lacks. `roots` are its directories that are roots of their own when programs run.
  distinct =
    {
      name,
      tree,
      foreign,
      roots ? [ ],
    }:
    step name "builtin:distinct" { inherit roots; } (
      [
        {
          at = "/tree";
          from = tree;
        }
      ]
      ++ numbered "/foreign" foreign
    );
}
