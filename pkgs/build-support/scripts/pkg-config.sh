#!/bin/sh
# pkg-config for the target: build.sh installs it under every name that configure scripts try.
# Invariant: it knows the packages of the sysroot, no others.
unset PKG_CONFIG_PATH
export PKG_CONFIG_LIBDIR="$XSC_SYSROOT/usr/lib64/pkgconfig:$XSC_SYSROOT/usr/share/pkgconfig"
export PKG_CONFIG_SYSROOT_DIR="$XSC_SYSROOT"
export PKG_CONFIG_SYSTEM_INCLUDE_PATH=/usr/include:$XSC_SYSROOT/usr/include
export PKG_CONFIG_SYSTEM_LIBRARY_PATH=/usr/lib64:$XSC_SYSROOT/usr/lib64
exec /usr/bin/pkgconf "$@"
