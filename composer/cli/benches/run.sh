#!/usr/bin/env bash
# Times what the composer adds to a build: a run with nothing to do, and many trivial sandboxed derivations.
# Called by `just bench`, or as is with XSC_COMPOSE naming the program. Invariant: only a temporary
# directory is written, and the minimal profile is never built here. Prints medians; judges nothing.
set -euo pipefail

repo=$(cd "$(dirname "$0")/../../.." && pwd)
compose=$(realpath "${XSC_COMPOSE:-${CARGO_TARGET_DIR:-$repo/target}/release/xsc-compose}")
count=${XSC_BENCH_COUNT:-400}
runs=20

temp=$(mktemp -d "${TMPDIR:-/tmp}/xsc-bench-XXXXXX")
trap 'chmod -R u+w "$temp" && rm -rf "$temp"' EXIT
chmod 755 "$temp"

# Milliseconds that a command takes.
millis() {
    local begin end
    begin=$(date +%s%N)
    "$@" >"$temp/out" 2>"$temp/err" || { cat "$temp/err" >&2; exit 1; }
    end=$(date +%s%N)
    echo $(((end - begin) / 1000000))
}

# The median time of a command over `runs` runs.
median() {
    for _ in $(seq "$runs"); do millis "$@"; done | sort -n | sed -n "$(((runs + 1) / 2))p"
}

say() { printf '%-52s %s\n' "$1" "$2"; }

minimal=(build "$repo/profiles/minimal.toml" --no-link --offline --quiet)
missing=$("$compose" "${minimal[@]}" --dry-run | wc -l)
if [ "$missing" -eq 0 ]; then
    say "minimal, nothing to do (median of $runs)" "$(median "$compose" "${minimal[@]}") ms"
else
    say "minimal, nothing to do" "skipped: $missing derivations are not in the store"
fi

# A repository with the host's bash and its libraries as the root tree.
mkdir -p "$temp"/repo/{root/usr/bin,profiles,images}
for file in /usr/bin/bash /usr/bin/mkdir $(ldd /usr/bin/bash /usr/bin/mkdir | grep -o '/[^ :]* (' | tr -d ' ('); do
    mkdir -p "$temp/repo/root$(dirname "$file")"
    cp -L "$file" "$temp/repo/root$file"
done
printf '[inputs]\n' >"$temp/repo/flake-like.toml"
printf 'version = 1\n' >"$temp/repo/flake-like.lock"
cat >"$temp/repo/profiles/t.toml" <<END
[profile]
name = "t"
description = "Many trivial derivations"
system = "$(uname -m)-linux"
variant = "base"
modules = []
images = []
END
cat >"$temp/repo/images/default.nix" <<END
{ profile, inputs }:
let
  root = { at = "/"; from = ../root; };
  step = n: derivation {
    name = "step-\${toString n}";
    inherit (profile) system;
    builder = "/usr/bin/bash";
    args = [ "-c" "/usr/bin/mkdir \$out && echo \${toString n} > \$out/n" ];
    inputs = [ root ];
  };
in
{
  result = derivation {
    name = "all";
    inherit (profile) system;
    builder = "builtin:merge";
    inputs = builtins.genList (n: { at = "/\${toString n}"; from = step n; }) $count;
  };
}
END
many=("$compose" build "$temp/repo/profiles/t.toml" --store "$temp/store" --no-link -j2 --quiet)
took=$(millis "${many[@]}")
say "$count trivial derivations, -j2" "$took ms, $((took / count)) ms each"
say "the same again, nothing to do (median of $runs)" "$(median "${many[@]}") ms"

if ! command -v nix-build >/dev/null; then
    say "the same with nix-build" "skipped: there is no nix-build"
    exit 0
fi
cat >"$temp/many.nix" <<END
builtins.genList (n: derivation {
  name = "xsc-bench-\${toString n}";
  system = "$(uname -m)-linux";
  builder = "/bin/sh";
  args = [ "-c" "echo \${toString n}-$$ > \$out" ];
}) $count
END
nix=$(millis nix-build --no-out-link -j2 "$temp/many.nix")
say "the same with nix-build -j2" "$nix ms; ours takes $((took * 100 / nix)) %"
