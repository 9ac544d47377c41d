# Substitution with groups, in-place editing, and addresses.
set -eu
[ "$(echo hello world | sed -E 's/(\w+) (\w+)/\2 \1/')" = "world hello" ]
seq 5 >f
sed -i '2,4d' f
[ "$(tr -d '\n' <f)" = 15 ]
[ "$(printf 'a\nb\n' | sed -n '$=')" = 2 ]
