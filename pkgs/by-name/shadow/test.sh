# An account is made, gets a password, is used and goes, in a root of its own.
set -eu
mkdir -p root/etc
printf 'root:x:0:0:root:/root:/bin/sh\n' >root/etc/passwd
printf 'root:x:0:\n' >root/etc/group
printf 'root:*:20000:0:99999:7:::\n' >root/etc/shadow
printf 'root:*::\n' >root/etc/gshadow
cp /etc/login.defs root/etc/ 2>/dev/null || :
useradd -P "$PWD/root" -u 1234 -M -s /bin/sh tester
grep -q '^tester:x:1234:' root/etc/passwd
echo 'tester:secret' | chpasswd -P "$PWD/root" -c SHA512
grep -q '^tester:\$6\$' root/etc/shadow
userdel -P "$PWD/root" tester
grep -q '^tester:' root/etc/passwd && exit 1 || :
