# The kernel's headers for programs, ours among them, at $out/usr/include. Run by kernel/default.nix for one machine
# (XSC_ARCH, Linux's word). Invariant: nothing of the kernel's configuration is in them.
set -eu
cp -r /src/overlay/. /src/linux/
make -s -C /src/linux O=/build/headers ARCH="$XSC_ARCH" -j"${XSC_CORES:-1}" headers
mkdir -p "$out/usr"
cp -r /build/headers/usr/include "$out/usr/"
find "$out" -type f ! -name '*.h' -delete
test -f "$out/usr/include/linux/xsc.h"
