# The front door: what people type every day. Each recipe is one thing of cargo's, of `x` or of xsc-compose;
# `./x` also works without just. Invariant: no logic here beyond the call.

profile := "profiles/minimal.toml"
compose := env("CARGO_TARGET_DIR", "target") / "release/xsc-compose"

_default:
    @just --list --unsorted

# Format, lint and test the Rust code, tidy included
[group('core')]
check: fmt-check lint test

# Rewrite the Rust code in house format
[group('core')]
fmt:
    cargo fmt --all

# Fail if the Rust code is not in house format
[group('core')]
fmt-check:
    cargo fmt --all --check

# Clippy, warnings are errors
[group('core')]
lint:
    cargo clippy --workspace --all-targets --locked -- -D warnings

# Unit and integration tests, or those of one crate: just test -p xsc-store
[group('test')]
test *args='--workspace':
    cargo test --locked {{ args }}

# Layering, file lengths, strays, ADR numbers (composer/tidy)
[group('test')]
tidy:
    cargo test --locked -p xsc-tidy -- --show-output

# Everything, the image and its boots included, with set-up
[group('test')]
test-all:
    ./x test

# Boot an image and judge it: just boot-test [PROFILE] [flags of xsc-compose test]
[group('test')]
boot-test profile=profile *flags: composer
    {{ compose }} test {{ profile }} {{ flags }}

# The hostile-ring fuzzer on the debug kernel: just fuzz [MINUTES [xsc.fuzz_seed=N]]
[group('test')]
fuzz minutes='20' *words:
    ./x fuzz {{ minutes }} {{ words }}

# Fuzz lowering and evaluation of the language: just fuzz-eval [EXECUTIONS]
[group('test')]
fuzz-eval executions='1000000':
    ./x fuzz-eval {{ executions }}

# Fuzz the readers of images: just fuzz-images [EXECUTIONS]
[group('test')]
fuzz-images executions='1000000':
    ./x fuzz-images {{ executions }}

# Operations by trap and by ring, in ns, in one guest; says TCG or KVM
[group('test')]
bench-ring:
    ./x bench-ring

# EROFS images against mkfs.erofs: 1 GiB in 50,000 files
[group('test')]
bench-erofs:
    cargo bench --locked -p xsc-image --bench against_mkfs_erofs

# The language against nix-instantiate, a table of ratios: just bench-eval [NAME...]
[group('test')]
bench-eval *names:
    ./x bench-eval {{ names }}

# Times of the composer itself: nothing to do, and many trivial derivations
[group('test')]
bench: composer
    XSC_COMPOSE={{ compose }} composer/cli/benches/run.sh

# Image writers against mke2fs, xorriso, umoci and tar|gzip, on 1 GiB in 50,000 files
[group('test')]
bench-image:
    cargo bench --locked -p xsc-image --bench ext4
    cargo bench --locked -p xsc-image --bench against_tools

# What writing a root of 8 GiB takes of memory (and 9 GiB of disk meanwhile)
[group('test')]
bench-memory:
    cargo bench --locked -p xsc-image --bench memory

# Kill a build with SIGKILL at random times, over and over, and verify the store: just kills [TIMES]
[group('test')]
kills times='1000':
    XSC_KILLS={{ times }} cargo test --locked --release -p xsc-compose --test cli -- --show-output killed_builds

# Rewrite the golden files; look at the diff before you commit it
[group('test')]
goldens:
    -XSC_ACCEPT=1 cargo test --locked --workspace --no-fail-fast
    git diff --stat

# Rewrite docs/options.md, the reference of all options
[group('test')]
options: composer
    {{ compose }} options --markdown >docs/options.md

# Builds on a real cluster (BuildGrid, PostgreSQL, two workers); as root: just grid [DIR for its root, 0.6 GB]
[group('test')]
grid *dir: composer
    XSC_COMPOSE={{ compose }} composer/remote/tests/grid/run.sh {{ dir }}

# Licences and advisories of the dependencies (needs cargo-deny)
[group('test')]
deny:
    cargo deny check licenses bans sources

# The composer, in release, and its runner
[group('image')]
composer:
    cargo build --release --locked --bins
    ./x runner

# Install the composer with manual and completions below PREFIX
[group('image')]
install prefix=(env("HOME") / ".local"): composer
    install -D -m 755 -t {{ prefix }}/bin {{ compose }} {{ parent_directory(compose) }}/xsc-runner.*-linux
    mkdir -p {{ prefix }}/share/man/man1 {{ prefix }}/share/bash-completion/completions {{ prefix }}/share/zsh/site-functions {{ prefix }}/share/fish/vendor_completions.d
    {{ compose }} manual {{ prefix }}/share/man/man1
    {{ compose }} completion bash >{{ prefix }}/share/bash-completion/completions/xsc-compose
    {{ compose }} completion zsh >{{ prefix }}/share/zsh/site-functions/_xsc-compose
    {{ compose }} completion fish >{{ prefix }}/share/fish/vendor_completions.d/xsc-compose.fish

# Compose an image: just build [PROFILE] [flags of xsc-compose build]
[group('image')]
build profile=profile *flags: composer
    {{ compose }} build {{ profile }} {{ flags }}

# Boot an image, its console in this terminal
[group('image')]
run profile=profile *flags: composer
    {{ compose }} run {{ profile }} {{ flags }}

# Set-up, composer, image and boot, with the time of each
[group('image')]
demo:
    ./x demo

# The API documentation of all crates
[group('doc')]
doc:
    cargo doc --workspace --no-deps --locked --document-private-items
