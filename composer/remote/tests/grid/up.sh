#!/usr/bin/env bash
# A Remote Execution cluster on loopback: BuildGrid with PostgreSQL and two buildbox workers, in a Debian sid root made by
# the first run. run.sh sources it. Needs root, mmdebstrap, FUSE and the network, for the first run only.
# Invariant: everything that runs is a child of this process in a PID namespace of its own, and ends with it.

# grid_root DIR: makes DIR/root unless it is there.
grid_root() {
    local root=$1/root
    [[ -e $root/ready ]] && return
    command -v mmdebstrap >/dev/null || { echo "grid: mmdebstrap is not installed" >&2; return 1; }
    rm -rf "$root"
    mkdir -p "$1"
    # An old snapshot of the archive will do.
    mmdebstrap --mode=root --variant=minbase --quiet --aptopt='Acquire::Check-Valid-Until "false"' \
        --include=buildbox,python3,python3-venv,python3-pip,postgresql,bubblewrap,fuse3,ca-certificates sid "$root"
    # What this machine trusts, as a proxy's own authority.
    cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
    cp /etc/resolv.conf "$root/etc/"
    chroot "$root" python3 -m venv /grid
    chroot "$root" /grid/bin/pip install --quiet 'buildgrid==0.9.1' 'psycopg[binary]'
    touch "$root/ready"
}

declare -A worker_pid

# grid_up DIR PORT: starts everything; logs are DIR/log/*.
grid_up() {
    grid=$1 port=$2
    local root=$grid/root here
    here=$(dirname "${BASH_SOURCE[0]}")
    mount --bind "$root" "$root"
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs -o mode=1777 tmp "$root/tmp"
    mount -t tmpfs run "$root/run"
    mkdir -p "$root/var/lib/grid"
    mount -t tmpfs grid "$root/var/lib/grid"
    rm -rf "$grid/log"
    mkdir -p "$root/.host" "$grid/log" "$root/run/grid" "$root/var/lib/grid"/{cas,pg,w1,w2}
    chroot "$root" chown postgres /run/grid /var/lib/grid/pg
    # Not by chroot: in a chroot the kernel allows no user namespaces, and the workers' sandbox needs them. One process
    # holds the mounts, for what one casd mounts is another process's input.
    unshare --mount sh -c 'cd "$0" && pivot_root . .host && umount -l /.host && exec /usr/bin/sleep infinity' "$root" &
    local holder=$!
    # An array, so that the process behind `&` is the command itself.
    in_grid=(nsenter --target "$holder" --mount --root --wd
        /usr/bin/env -i PATH=/usr/bin:/usr/sbin:/grid/bin HOME=/root LC_ALL=C.UTF-8)
    wait_until 10 "${in_grid[@]}" test -e /var/lib/grid/pg -a ! -e /.host/proc
    sed "s/@PORT@/$port/" "$here/grid.yml" >"$root/var/lib/grid/grid.yml"
    local pg
    pg=$(echo "$root"/usr/lib/postgresql/*/bin)
    pg=${pg#"$root"}
    "${in_grid[@]}" setpriv --reuid=postgres --regid=postgres --clear-groups "$pg/initdb" -D /var/lib/grid/pg -A trust >"$grid/log/initdb" 2>&1
    "${in_grid[@]}" setpriv --reuid=postgres --regid=postgres --clear-groups "$pg/postgres" -D /var/lib/grid/pg -k /run/grid \
        -c listen_addresses= -c fsync=off >"$grid/log/postgres" 2>&1 &
    wait_until 30 "${in_grid[@]}" "$pg/pg_isready" -q -U postgres -h /run/grid
    "${in_grid[@]}" bgd migrate apply 'postgresql+psycopg://postgres@/postgres?host=/run/grid' >"$grid/log/migrate" 2>&1
    "${in_grid[@]}" bgd server start /var/lib/grid/grid.yml >"$grid/log/server" 2>&1 &
    wait_until 60 port_open "$port"
    worker_up 1
    worker_up 2
}

# worker_up N: a casd in front of the grid's CAS, and the worker that uses it. Sets worker_pid[N].
worker_up() {
    local socket=/run/grid/casd$1
    "${in_grid[@]}" buildbox-casd --cas-remote="http://127.0.0.1:$port" --bind="unix:$socket" --quota-high=4G "/var/lib/grid/w$1" \
        >"$grid/log/casd$1" 2>&1 &
    wait_until 30 test -S "$grid/root$socket"
    "${in_grid[@]}" buildbox-worker --bots-remote="http://127.0.0.1:$port" --cas-remote="unix:$socket" --buildbox-run=/usr/bin/buildbox-run-bubblewrap \
        --platform=OSFamily=linux --platform=ISA=x86-64 --log-level=info "worker$1" >"$grid/log/worker$1" 2>&1 &
    worker_pid[$1]=$!
}

port_open() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# wait_until SECONDS COMMAND...
wait_until() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < end)) || { echo "grid: waited in vain for: $*" >&2; tail -n 5 "$grid"/log/* >&2; return 1; }
        sleep 0.2
    done
}
