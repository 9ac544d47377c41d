# Root has capabilities, and dropping one is seen.
set -eu
capsh --print | grep -q cap_sys_admin
capsh --drop=cap_sys_admin -- -c 'grep CapBnd /proc/self/status' >less
[ "$(cat less)" = "$(grep CapBnd /proc/self/status)" ] && exit 1 || :
