# The libraries load, and each of their symbols is found.
set -eu
LD_BIND_NOW=1 LD_PRELOAD='/usr/lib64/libreadline.so.8 /usr/lib64/libhistory.so.8' true 2>said
cat said >&2
[ ! -s said ]
