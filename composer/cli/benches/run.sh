#!/usr/bin/env bash
# Times what the composer adds to a build: nothing to do, many trivial sandboxed derivations (cold and in a row with
# nix-build, sandbox on), a large root staged for each build, and planning a graph of 10,000 derivations.
# Called by `just bench`, or as is with XSC_COMPOSE naming the program. Invariant: only a temporary
# directory is written, and the minimal profile is never built here. Prints figures; judges nothing.
set -euo pipefail

repo=$(cd "$(dirname "$0")/../../.." && pwd)
compose=$(realpath "${XSC_COMPOSE:-${CARGO_TARGET_DIR:-$repo/target}/release/xsc-compose}")
count=${XSC_BENCH_COUNT:-400}
nodes=${XSC_BENCH_NODES:-10000}
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

# Time and peak memory of a command.
peak() {
    if [ -x /usr/bin/time ]; then
        /usr/bin/time -f '%e s, %M KiB at most' -o "$temp/time" "$@" >/dev/null 2>"$temp/err" || { cat "$temp/err" >&2; exit 1; }
        cat "$temp/time"
    else
        echo "$(millis "$@") ms (memory: skipped, there is no /usr/bin/time)"
    fi
}

say() { printf '%-58s %s\n' "$1" "$2"; }

minimal=(build "$repo/profiles/minimal.toml" --no-link --offline --quiet)
missing=$("$compose" "${minimal[@]}" --dry-run 2>/dev/null | wc -l)
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
mkdir -p "$temp/repo/trivial/usr/bin"
if command -v cc >/dev/null && [[ $(uname -m) == x86_64 ]]; then
    cc -O2 -static -nostdlib -fno-stack-protector -fno-builtin -o "$temp/repo/trivial/usr/bin/trivial" "$(dirname "$0")/trivial.c"
fi
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
# The same step in every graph: an output of one small file. `large` is a root of 1.3 GB in 12,000 files.
cat >"$temp/repo/images/default.nix" <<END
{ profile, inputs }:
let
  inherit (profile.profile) system;
  small = { at = "/"; from = ../root; };
  run = name: root: script: inputs: derivation {
    inherit name system;
    builder = "/usr/bin/bash";
    args = [ "-euc" script ];
    inputs = [ root ] ++ inputs;
  };
  step = salt: root: n: run "step-\${salt}-\${toString n}" root
    "/usr/bin/mkdir \$out && echo \${toString n} \${salt} > \$out/n" [ ];
  trivial = n: derivation {
    inherit system;
    name = "trivial-\${toString n}";
    builder = "/usr/bin/trivial";
    args = [ (toString n) ];
    inputs = [ { at = "/"; from = ../trivial; } ];
  };
  merge = name: list: derivation {
    inherit name system;
    builder = "builtin:merge";
    inputs = list;
  };
  all = salt: root: count: merge "all-\${salt}"
    (builtins.genList (n: { at = "/\${toString n}"; from = step salt root n; }) count);
  files = run "files" small ''
    body=; while (( \${"$"}{#body} < 108000 )); do body="\$body 0123456789abcdefghijklmnopqrstuvwxyz"; done
    for (( d = 0; d < 600; d++ )); do
      /usr/bin/mkdir -p \$out/large/\$d
      for (( f = 0; f < 20; f++ )); do printf '%d %d%s' \$d \$f "\$body" > \$out/large/\$d/\$f; done
    done
  '' [ ];
  large = { at = "/"; from = merge "large" [ small { at = "/"; from = files; } ]; };
  # Each derivation needs two of those before it.
  nodes = builtins.genList (n: run "node-\${toString n}" small "echo \${toString n}" (
    if n < 2 then [ ] else [
      { at = "/a"; from = builtins.elemAt nodes (n / 2); }
      { at = "/b"; from = builtins.elemAt nodes (n / 3); }
    ])) $nodes;
in
{
  # Lists, as nix-build gets them.
  result = builtins.genList (step "a" small) $count;
  trivial = builtins.genList trivial $count;
  inherit files;
  first = step "first" large 0;
  beside-large = all "large" large 40;
  beside-small = all "small" small 40;
  graph = merge "graph"
    (builtins.genList (n: { at = "/\${toString n}"; from = builtins.elemAt nodes n; }) $nodes);
}
END
build=("$compose" build "$temp/repo/profiles/t.toml" --store "$temp/store" --no-link -j2 --quiet)

# The same derivations with nix-build: nix_cold NAME BUILDER PATHS ARGUMENT..., where `@` in an argument is the number. A store
# of its own, so that nothing is left behind; PATHS are what its sandbox shows. Sets `theirs`.
nix_cold() {
    local name=$1 builder=$2 paths=$3 arguments
    shift 3
    arguments=$(printf ' "%s"' "$@")
    cat >"$temp/$name.nix" <<END
builtins.genList (n: derivation {
  name = "xsc-bench-\${toString n}";
  system = "$(uname -m)-linux";
  builder = "$builder";
  args = map (builtins.replaceStrings [ "@" ] [ "\${toString n}-$name-$$" ]) [$arguments ];
}) $count
END
    nix=(nix-build --no-out-link -j2 --store "$temp/nix" --option sandbox true --option sandbox-fallback false
        --option build-users-group "" --option substitute false --option sandbox-paths "$paths")
    printf 'derivation { name = "warm"; system = "%s-linux"; builder = "%s"; args = map (builtins.replaceStrings [ "@" ] [ "warm" ]) [%s ]; }\n' \
        "$(uname -m)" "$builder" "$arguments" >"$temp/warm.nix"
    "${nix[@]}" "$temp/warm.nix" >/dev/null 2>"$temp/err" || { cat "$temp/err" >&2; exit 1; }
    nix+=("$temp/$name.nix")
    sync
    theirs=$(millis "${nix[@]}")
}

# pair NAME ATTRIBUTE BUILDER PATHS ARGUMENT...: cold, ours and theirs.
pair() {
    local name=$1 attribute=$2 took
    # What was written before is not for this run to flush.
    sync
    took=$(millis "${build[@]}" -A "$attribute")
    say "$count derivations, $name, cold, -j2" "$took ms, $((took / count)) ms each"
    if command -v nix-build >/dev/null; then
        nix_cold "$attribute" "${@:3}"
        say "the same with nix-build -j2, sandbox on" "$theirs ms; ours takes $((took * 100 / theirs)) %"
    else
        say "the same with nix-build" "skipped: there is no nix-build"
    fi
}

# A program without a C library first: what is measured is what each of the two adds. Then a shell that starts mkdir;
# the loader and the C library of the two ask for the processor's features, which a virtual machine answers slowly.
if [[ -x $temp/repo/trivial/usr/bin/trivial ]]; then
    pair "a program without a loader" trivial /bin/sh "/bin/sh=$temp/repo/trivial/usr/bin/trivial" @
else
    say "a program without a loader" "skipped: there is no cc for it, or this is no x86_64"
fi
libraries=$(ldd /usr/bin/bash /usr/bin/mkdir | grep -o '/[^ :]* (' | tr -d ' (' | sort -u | tr '\n' ' ')
# shellcheck disable=SC2016 # for the derivation's shell
pair "bash and mkdir" result /bin/sh "/bin/sh=/usr/bin/bash /usr/bin/mkdir $libraries" \
    -c '/usr/bin/mkdir \$out && echo @ > \$out/n'
again=$(median "${build[@]}")
say "the same again, nothing to do (median of $runs)" "$again ms"
if command -v nix-build >/dev/null; then
    theirs=$(median "${nix[@]}")
    say "nix-build, nothing to do (median of $runs)" "$theirs ms; ours takes $((again * 100 / theirs)) %"
fi

say "plan of $nodes derivations" "$(peak "$compose" plan "$temp/repo/profiles/t.toml" -A graph --store "$temp/store")"
say "build --dry-run of $nodes derivations" "$(peak "${build[@]}" -A graph --dry-run)"

if [ "${XSC_BENCH_STAGING:-1}" != 0 ]; then
    say "a root of 1.3 GB in 12,000 files, made" "$(millis "${build[@]}" -A files) ms"
    say "the first build on it" "$(millis "${build[@]}" -A first) ms"
    large=$(millis "${build[@]}" -A beside-large)
    small=$(millis "${build[@]}" -A beside-small)
    say "40 builds on it, 40 on a root of a few files" "$large ms, $small ms; $(((large - small) / 40)) ms more each"
fi
