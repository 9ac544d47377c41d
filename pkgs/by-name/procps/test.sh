# Processes are seen, found by name, and killed; memory and settings are read.
set -eu
ps -e -o pid,comm | grep -q '^ *1 '
sleep 31 &
pid=$!
pgrep -x sleep | grep -qx "$pid"
kill -TERM "$pid"
wait "$pid" || [ $? -eq 143 ]
free | grep -q '^Mem:'
sysctl -n kernel.ostype | grep -qx Linux
top -bn1 | grep -q '^ *PID'
uptime | grep -q 'load average'
