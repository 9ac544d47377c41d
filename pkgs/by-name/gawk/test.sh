# Fields, associative arrays, pipes and number formats.
set -eu
[ "$(seq 10 | awk '{ s += $1 } END { print s }')" = 55 ]
[ "$(printf 'a 1\nb 2\na 3\n' | awk '{ n[$1] += $2 } END { print n["a"], n["b"] }')" = "4 2" ]
[ "$(awk 'BEGIN { "echo piped" | getline x; print x }')" = piped ]
[ "$(awk 'BEGIN { printf "%.2f %x", 3.14159, 255 }')" = "3.14 ff" ]
