# A server with a fresh key lets a client with a fresh key in, which runs a command.
set -eu
ip link set lo up 2>/dev/null || :
dropbearkey -t ed25519 -f host >/dev/null
dropbearkey -t ed25519 -f me | grep '^ssh-ed25519' >me.pub
mkdir -p keys
cp me.pub keys/authorized_keys
chmod 700 . keys
chmod 600 keys/authorized_keys
dropbear -F -E -r host -p 127.0.0.1:2222 -P pid -D "$PWD/keys" 2>server.log &
server=$!
trap 'kill $server; cat server.log' EXIT
sleep 2
[ "$(dbclient -y -y -i me -p 2222 root@127.0.0.1 'echo over $((40 + 2))')" = "over 42" ]
