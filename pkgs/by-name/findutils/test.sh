# Names, types, sizes, -exec, and xargs in parallel.
set -eu
mkdir -p a/b/c
touch a/x a/b/y 'a/b/with space'
head -c 5000 /dev/zero >a/b/c/big
[ "$(find a -type f | wc -l)" = 4 ]
[ "$(find a -size +4k -printf '%f')" = big ]
[ "$(find a -name 'with*' -print0 | xargs -0 -n1 basename)" = "with space" ]
[ "$(seq 20 | xargs -P4 -n1 echo | sort -n | tr -d '\n')" = "$(seq 20 | tr -d '\n')" ]
find a -type f -exec rm {} +
[ -z "$(find a -type f)" ]
