# The libraries load, each of their symbols is found, and curl makes ready for TLS with them.
set -eu
for library in libmbedcrypto libmbedx509 libmbedtls; do
	file=$(ls /usr/lib64/$library.so.* | head -n 1)
	LD_BIND_NOW=1 LD_PRELOAD=$file true 2>said
	cat said >&2
	[ ! -s said ]
done
status=0
curl -s --max-time 5 https://127.0.0.1:1/ || status=$?
# Refused, rather than without TLS.
[ "$status" -eq 7 ]
