# The library loads, each of its symbols is found, and a program that is linked with it names its version.
set -eu
LD_BIND_NOW=1 LD_PRELOAD=/usr/lib64/libz.so.1 true 2>said
cat said >&2
[ ! -s said ]
curl --version | grep -q 'zlib/1\.3'
