# Basic and extended patterns, recursion, counts, and the exit status.
set -eu
mkdir d
printf 'one\ntwo\nthree\n' >d/f
[ "$(grep -c t d/f)" = 2 ]
[ "$(grep -E '^(one|three)$' d/f | tr '\n' ,)" = one,three, ]
[ "$(grep -rl two d)" = d/f ]
grep -q four d/f && exit 1
[ $? -eq 1 ]
[ "$(egrep -o 'th.' d/f 2>/dev/null)" = thr ]
