# Installs glibc's headers and nothing else, for libgcc. Run by glibc/default.nix in the sandbox.
# Invariant: no target code is linked, so a compiler without libgcc is enough.
set -eu
mkdir -p /build/glibc
cd /build/glibc
. /src/scripts/configure.sh
make install_root="$out" install-bootstrap-headers=yes install-headers
# Made from the finished library otherwise.
mkdir -p "$out/usr/include/gnu"
touch "$out/usr/include/gnu/stubs.h"
cp -r /src/kernel-headers/usr/include/. "$out/usr/include/"
