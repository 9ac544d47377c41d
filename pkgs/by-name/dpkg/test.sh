# Packages of this machine's architecture are its own: made, read, installed and removed in a root of their own.
set -eu
architecture=$(dpkg --print-architecture)
case $architecture in xsc-*) ;; *) echo "architecture $architecture" >&2; exit 1 ;; esac
mkdir -p tree/DEBIAN tree/opt root/var/lib/dpkg/info root/var/lib/dpkg/updates
: >root/var/lib/dpkg/status
echo content >tree/opt/file
printf 'Package: probe\nVersion: 1\nArchitecture: %s\nMaintainer: x <x@xsc.invalid>\nDescription: x\n' \
	"$architecture" >tree/DEBIAN/control
for compression in xz zstd gzip; do
	dpkg-deb -Z$compression --root-owner-group -b tree probe.deb >log
	[ "$(dpkg-deb -f probe.deb Architecture)" = "$architecture" ]
	dpkg-deb --fsys-tarfile probe.deb | grep -q content
done
dpkg --root="$PWD/root" --force-not-root,bad-path -i probe.deb >>log
[ "$(cat root/opt/file)" = content ]
dpkg --root="$PWD/root" --verify probe
dpkg --root="$PWD/root" --force-not-root,bad-path -P probe >>log
[ ! -e root/opt/file ]
# Debian's own are foreign.
sed -i 's/^Architecture: .*/Architecture: amd64/' tree/DEBIAN/control
dpkg-deb -b tree foreign.deb >>log
! dpkg --root="$PWD/root" --force-not-root,bad-path -i foreign.deb >>log 2>&1
