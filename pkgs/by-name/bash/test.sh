# Forks, pipes, job control, signals and arithmetic of the shell.
set -eu
[ "$(bash -c 'for i in $(seq 1000); do :; done; echo $i')" = 1000 ]
[ "$(bash -c 'printf "%s\n" c a b | sort | tr -d "\n"')" = abc ]
[ "$(bash -c 'trap "echo caught" USR1; kill -USR1 $$; wait')" = caught ]
[ "$(bash -c 'set -m; sleep 30 & kill %1; wait %1; echo $?' 2>/dev/null)" = 143 ]
[ "$(bash -c 'coproc cat; echo hello >&${COPROC[1]}; read -r x <&${COPROC[0]}; echo $x')" = hello ]
[ "$(bash -c 'x=(1 2 3); echo $((x[0] + x[2] ** 2))')" = 10 ]
[ "$(bash -c 'cat < <(echo fd)')" = fd ]
bash -c 'exit 3' && exit 1 || :
