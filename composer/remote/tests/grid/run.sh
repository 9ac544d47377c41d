#!/usr/bin/env bash
# Builds on a real cluster: two workers run commands side by side; one is killed in the middle of a build and nothing is
# lost; what the cluster made is what this machine makes. Run on demand, as root: `just grid [DIR]`; DIR keeps the root
# (0.6 GB) for the next time. XSC_COMPOSE names the program. Prints TAP.
# Invariant: it listens on loopback only, and everything that it started ends with it.
set -euo pipefail

repo=$(cd "$(dirname "$0")/../../../.." && pwd)
compose=$(realpath "${XSC_COMPOSE:-${CARGO_TARGET_DIR:-$repo/target}/release/xsc-compose}")
dir=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/xsc-compose-grid}
# A free one.
port=$(python3 -c "import socket; s = socket.socket(); s.bind((\"127.0.0.1\", 0)); print(s.getsockname()[1])")

if [[ ${XSC_GRID_INSIDE:-} != 1 ]]; then
    ((EUID == 0)) || { echo "1..0 # skipped: making and entering the root needs root"; exit 0; }
    # shellcheck source-path=SCRIPTDIR
    . "$repo/composer/remote/tests/grid/up.sh"
    grid_root "$dir"
    XSC_GRID_INSIDE=1 exec unshare --mount --pid --fork --kill-child --mount-proc "$0" "$dir"
fi

# shellcheck source-path=SCRIPTDIR
. "$repo/composer/remote/tests/grid/up.sh"
temp=$(mktemp -d "${TMPDIR:-/tmp}/xsc-grid.XXXXXXXX")
trap 'rm -rf "$temp"' EXIT
chmod 755 "$temp"
grid_up "$dir" "$port"

# A repository with the host's bash and its libraries as the root tree.
mkdir -p "$temp"/repo/{root/usr/bin,profiles,images} "$temp"/home/.config/xsc-compose
for file in /usr/bin/{bash,mkdir,sleep} $(ldd /usr/bin/{bash,mkdir,sleep} | grep -o '/[^ :]* (' | tr -d ' (' | sort -u); do
    mkdir -p "$temp/repo/root$(dirname "$file")"
    cp -L "$file" "$temp/repo/root$file"
done
printf 'version = 1\n' >"$temp/repo/flake-like.lock"
printf '[inputs]\n' >"$temp/repo/flake-like.toml"
cat >"$temp/home/.config/xsc-compose/config.toml" <<END
[remote.grid]
url = "grpc://127.0.0.1:$port"
profile = "buildbox"
execute = true
jobs = 4
queue-timeout = 120
END
cat >"$temp/repo/profiles/t.toml" <<END
[profile]
name = "t"
description = "Steps for a cluster"
system = "$(uname -m)-linux"
variant = "base"
modules = []
images = []
END
cat >"$temp/repo/images/default.nix" <<'END'
{ profile, inputs }:
let
  step = name: script: derivation {
    inherit name;
    inherit (profile.profile) system;
    builder = "/usr/bin/bash";
    args = [ "-c" "export PATH=/usr/bin; ${script}; mkdir $out; echo ${name} > $out/name" ];
    inputs = [ { at = "/"; from = ../root; } ];
  };
in
rec {
  many = derivation {
    name = "many";
    inherit (profile.profile) system;
    builder = "builtin:merge";
    inputs = builtins.genList (n: { at = "/${toString n}"; from = step "many-${toString n}" "sleep 4"; }) 6;
  };
  long = step "long" "sleep 25";
  result = many;
}
END

count=0 failed=0
verdict() {
    count=$((count + 1))
    if [[ $1 == 0 ]]; then echo "ok $count - $2"; else echo "not ok $count - $2"; failed=$((failed + 1)); fi
}
build() { (cd "$temp/repo" && env -i PATH="$PATH" HOME="$temp/home" "$compose" build profiles/t.toml --no-link --store "$temp/$1" "${@:2}"); }
# Commands that a worker has run.
ran() { grep -c "Runner exited with code" "$dir/log/worker$1" || true; }

begin=$SECONDS
remote=$(build store -A many -j6 --require-remote 2>"$temp/many.log") && status=0 || status=$?
took=$((SECONDS - begin))
[[ $status == 0 ]] || sed 's/^/# /' "$temp/many.log"
verdict "$status" "six steps of 4 s on two workers, in $took s"
(($(ran 1) > 0 && $(ran 2) > 0)) && status=0 || status=1
verdict "$status" "both workers ran some: $(ran 1) and $(ran 2)"
local_=$(build local -A many --no-substitutes 2>"$temp/local.log") && status=0 || status=$?
[[ $status == 0 && ${remote##*/} == "${local_##*/}" ]] && status=0 || status=1
verdict "$status" "what they made is what this machine makes"

begin=$SECONDS
build store -A long --require-remote >"$temp/long.out" 2>"$temp/long.log" &
long=$!
busy=0
# A worker has a child while it runs something.
busy_worker() { for n in 1 2; do pgrep -P "${worker_pid[$n]}" >/dev/null && busy=$n; done; ((busy > 0)); }
wait_until 60 busy_worker
sleep 3
kill -9 "${worker_pid[$busy]}"
echo "# worker $busy is killed in the middle of the step, after $((SECONDS - begin)) s"
wait "$long" && status=0 || status=$?
[[ $status == 0 ]] || sed 's/^/# /' "$temp/long.log"
verdict "$status" "the other worker finishes it, $((SECONDS - begin)) s after the beginning"
echo "1..$count"
exit $((failed > 0))
