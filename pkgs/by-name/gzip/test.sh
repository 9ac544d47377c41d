# A round trip, and damage is noticed.
set -eu
seq 20000 >f
gzip -9 -c f >f.gz
[ "$(gzip -dc f.gz | md5sum)" = "$(md5sum <f)" ]
[ "$(wc -c <f.gz)" -lt "$(wc -c <f)" ]
zcat f.gz | cmp - f 2>/dev/null || [ "$(zcat f.gz | md5sum)" = "$(md5sum <f)" ]
head -c 5000 f.gz >short.gz
gzip -t short.gz 2>/dev/null && exit 1 || :
