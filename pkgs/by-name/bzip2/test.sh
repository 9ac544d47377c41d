# A round trip, and damage is noticed.
set -eu
seq 20000 >f
bzip2 -k f
[ "$(bzip2 -dc f.bz2 | md5sum)" = "$(md5sum <f)" ]
head -c 5000 f.bz2 >short.bz2
bzip2 -t short.bz2 2>/dev/null && exit 1 || :
