# A server with a fresh key lets a client with a fresh key in, which runs a command.
set -eu
ip link set lo up 2>/dev/null || :
# The server trusts no keys below a folder that others can write, as /tmp.
keys=$(mktemp -d /root/keys.XXXXXX)
dropbearkey -t ed25519 -f host >/dev/null 2>&1
dropbearkey -t ed25519 -f me 2>/dev/null | grep '^ssh-ed25519' >"$keys/authorized_keys"
chmod 600 "$keys/authorized_keys"
dropbear -F -E -r host -p 127.0.0.1:2222 -P pid -D "$keys" 2>server.log &
server=$!
trap 'kill $server; rm -r "$keys"; cat server.log' EXIT
sleep 2
[ "$(dbclient -y -y -i me -p 2222 root@127.0.0.1 'echo over $((40 + 2))')" = "over 42" ]
