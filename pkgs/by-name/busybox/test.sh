# A service is started, seen as running, restarted after its death, and stopped.
set -eu
mkdir -p services/one
printf '#!/bin/sh\necho started >>%s/log\nexec sleep 60\n' "$PWD" >services/one/run
chmod 755 services/one/run
runsvdir services &
supervisor=$!
trap 'kill -HUP $supervisor' EXIT
sleep 2
SVDIR=$PWD/services sv status one | grep -q '^run:'
SVDIR=$PWD/services sv term one
sleep 3
[ "$(wc -l <log)" -eq 2 ]
SVDIR=$PWD/services sv down one
sleep 1
SVDIR=$PWD/services sv status one | grep -q '^down:'
[ "$(hostname)" = "$(uname -n)" ]
which which >/dev/null
