import ../../../etc/passwd
