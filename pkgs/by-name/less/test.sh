# Without a terminal it copies, with one it starts and ends.
set -eu
seq 100 >f
[ "$(less f | md5sum)" = "$(md5sum <f)" ]
less --version | grep -q '^less 6'
