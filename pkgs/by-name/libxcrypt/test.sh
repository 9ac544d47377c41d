# A password is hashed in each way that accounts use.
set -eu
mkdir -p root/etc
printf 'tester:x:1234:1234::/:/bin/sh\n' >root/etc/passwd
printf 'tester:x:1234:\n' >root/etc/group
printf 'tester:!:20000:0:99999:7:::\n' >root/etc/shadow
for method in 'SHA512 $6$' 'YESCRYPT $y$' 'BCRYPT $2'; do
	echo 'tester:secret' | chpasswd -P "$PWD/root" -c "${method% *}"
	grep -qF "tester:${method#* }" root/etc/shadow
done
