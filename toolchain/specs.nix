# GCC's specs of a variant: the text of `/usr/lib/gcc/<triplet>/<version>/specs`, which the driver reads by itself.
# toolchain/default.nix writes it. Invariant: what differs between base and cfi is here and in no compiler; every
# default gives way to an option of the command line.
{
  machine,
  variant,
  # Whether there is a libgcc_s to link against, as there is once the C library is.
  sharedLibgcc,
}:
let
  cfi = variant == "cfi";

  protection = {
    x86_64 = "%{!fcf-protection*:-fcf-protection=full}";
    aarch64 = "%{!mbranch-protection=*:-mbranch-protection=standard}";
  };

  # name -> words added to GCC's own spec of that name. `cc1` is read for C, C++ and assembler with cpp.
  added = {
    cc1 = [
      "%{!fno-stack-clash-protection:-fstack-clash-protection}"
    ]
    ++ (if cfi then [ protection.${machine.name} ] else [ ]);
    cpp_unique_options = [
      "%{!O0:%{O*:%{!ffreestanding:%{!D_FORTIFY_SOURCE*:%{!U_FORTIFY_SOURCE:-D_FORTIFY_SOURCE=3}}}}}"
    ];
    asm = [
      "%{msyscall:-msyscall}"
      "%{mno-syscall:-mno-syscall}"
      "-mxsc-abi=${variant}"
    ];
    link = [
      "%{!static|static-pie:--eh-frame-hdr}"
      "%{!r:--build-id}"
      "--hash-style=gnu"
      "%{!r:-z relro -z now -z xsc-abi=${variant}}"
    ]
    ++ (
      # Else what is read only lies among the code, and a word of it may spell a trap instruction.
      if machine.name == "aarch64" then [ "%{!r:-z separate-code}" ] else [ ]
    );
  };

  # A driver that finds a file of specs leaves out what it would add to its own by itself: these words, and the first
  # three of `link`.
  libgcc =
    "%{static|static-libgcc|static-pie:-lgcc -lgcc_eh}"
    + "%{!static:%{!static-libgcc:%{!static-pie:"
    + "%{!shared-libgcc:-lgcc --push-state --as-needed -lgcc_s --pop-state}"
    + "%{shared-libgcc:-lgcc_s%{!shared: -lgcc}}}}}";
in
builtins.concatStringsSep "\n" (
  map (name: "*${name}:\n+ ${builtins.concatStringsSep " " added.${name}}\n") (
    builtins.attrNames added
  )
  ++ (if sharedLibgcc then [ "*libgcc:\n${libgcc}\n" ] else [ ])
)
