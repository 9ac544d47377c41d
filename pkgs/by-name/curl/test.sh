# A file, and a page from a server of one line.
set -eu
echo content >f
[ "$(curl -s "file://$PWD/f")" = content ]
curl --version | grep -q mbedTLS
curl -s --max-time 5 http://127.0.0.1:1/ 2>/dev/null && exit 1 || :
