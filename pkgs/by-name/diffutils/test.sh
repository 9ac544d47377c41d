# Equal and different files, and the form of a difference.
set -eu
seq 5 >a
seq 5 >b
cmp a b
diff a b
echo 6 >>b
diff -u a b >d && exit 1
grep -qx '+6' d
cmp -s a b && exit 1 || :
