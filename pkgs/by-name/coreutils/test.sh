# Files, links, sums, sorting in a pipe, and time.
set -eu
seq 1 10000 >numbers
[ "$(sort -R numbers | sort -n | md5sum)" = "$(md5sum <numbers)" ]
[ "$(sha256sum numbers | cut -c1-8)" = "$(cat numbers | sha256sum | cut -c1-8)" ]
mkdir -p a/b
cp -a numbers a/b/copy
ln -s b/copy a/link
[ "$(cksum <numbers)" = "$(cksum <a/link)" ]
[ "$(stat -c %s numbers)" = "$(wc -c <numbers)" ]
mv a c
rm -r c
[ -e a ] && exit 1 || :
[ "$(date -u -d @86400 +%F)" = 1970-01-02 ]
timeout 1 sleep 20 && exit 1
[ $? -eq 124 ]
dd if=/dev/zero of=zeros bs=4k count=64 2>/dev/null
[ "$(od -An -tx1 zeros | sort -u | wc -l)" -le 2 ]
[ "$(id -u)" = 0 ]
