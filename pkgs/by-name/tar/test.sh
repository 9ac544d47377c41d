# What goes in comes out: names, modes, links, and through compression where there is one.
set -eu
mkdir -p in/sub out
echo hello >in/sub/file
chmod 750 in/sub/file
ln -s sub/file in/link
ln in/sub/file in/hard
tar cf a.tar in
tar xf a.tar -C out
[ "$(stat -c %a out/in/sub/file)" = 750 ]
[ "$(readlink out/in/link)" = sub/file ]
[ "$(stat -c %h out/in/hard)" = 2 ]
if command -v gzip >/dev/null; then
	tar czf a.tar.gz in
	[ "$(tar tzf a.tar.gz | sort)" = "$(tar tf a.tar | sort)" ]
fi
