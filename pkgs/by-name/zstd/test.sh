# A round trip with threads, and damage is noticed.
set -eu
seq 20000 >f
zstd -q -T2 -k f
[ "$(zstd -dc f.zst | md5sum)" = "$(md5sum <f)" ]
head -c 3000 f.zst >short.zst
zstd -q -t short.zst 2>/dev/null && exit 1 || :
