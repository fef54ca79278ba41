# shellcheck shell=bash
# What do the scripts need of this machine? Sourced by packaging/demo, tests/run, .ci/run, benches/compare/run and
# benches/counted/run from the top of the checkout. Everything built or downloaded goes into one cache folder outside
# the checkout.

cache=${GATEPASS_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/gatepass}
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
# Where `unpack` puts programs that are not to run as a service of the system.
unpacked=$cache/debian
export PATH=$PATH:$unpacked/usr/bin

say() { printf '%s\n' "$*" >&2; }
die() {
    say "error: $*"
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "this needs root and there is no sudo; run as root: $*"
    fi
}

# apt_update: refreshes the package lists, once.
apt_updated=
apt_update() {
    [ -z "$apt_updated" ] || return 0
    command -v apt-get >/dev/null || die "no apt-get here; please install by other means: $*"
    as_root apt-get update -q </dev/null >&2
    apt_updated=yes
}

# wants COMMAND PACKAGE: notes the Debian package if the command is not there.
needed=()
wants() { command -v "$1" >/dev/null || needed+=("$2"); }

# install_needed: installs what `wants` noted.
install_needed() {
    [ ${#needed[@]} -gt 0 ] || return 0
    say "installing: ${needed[*]}"
    apt_update "${needed[@]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${needed[@]}" \
        </dev/null >&2
    needed=()
}

# unpack COMMAND PACKAGE…: unpacks packages into the cache when the command is missing. Installed, Debian would start
# them as services of the system (Prometheus on 9090, Redis on 6379), which nobody asked for.
unpack() {
    local command=$1 folder
    shift
    command -v "$command" >/dev/null && return 0
    say "unpacking: $*"
    apt_update "$@"
    mkdir -p "$unpacked"
    folder=$(mktemp -d)
    (cd "$folder" && apt-get download -q "$@" </dev/null >&2)
    for package in "$folder"/*.deb; do dpkg-deb -x "$package" "$unpacked"; done
    rm -r "$folder"
    command -v "$command" >/dev/null || die "$command is still missing after unpacking $*"
}

# need_rust: a compiler, new enough.
need_rust() {
    local least have
    # shellcheck disable=SC1091  # written by rustup, where it is
    if ! command -v cargo >/dev/null && [ -f "${HOME:-/root}/.cargo/env" ]; then . "${HOME:-/root}/.cargo/env"; fi
    least=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
    if ! { command -v cargo && command -v rustc; } >/dev/null; then
        die "there is no Rust here. Get it with:
  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y && . \"\$HOME/.cargo/env\"
then run this again. (Debian's own rustc may be older than the $least that is needed.)"
    fi
    have=$(rustc --version | cut -d' ' -f2)
    [ "$(printf '%s\n%s\n' "$least" "$have" | sort -V | head -n1)" = "$least" ] ||
        die "rustc $have is too old, $least is needed. Get it with: rustup update stable"
}

# wants_build: what compiling needs beside Rust.
wants_build() {
    wants cc build-essential
    wants make build-essential
    wants cmake cmake
}

# wants_counting: what counting instructions needs beside a build.
wants_counting() {
    wants python3 python3
    wants valgrind valgrind
    wants vgdb valgrind
    wants openssl openssl
    wants taskset util-linux
}

# python_venv REQUIREMENTS: sets `venv` to a virtual environment with those packages, made on first use.
python_venv() {
    local stamp
    stamp=$( (cat "$1" && python3 --version) | sha256sum | cut -c1-12)
    venv=$cache/venv-$stamp
    (
        flock 9
        if [ ! -f "$venv/complete" ]; then
            say "installing the Python packages of $1"
            rm -rf "$venv"
            python3 -m venv "$venv"
            "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$1" </dev/null >&2
            touch "$venv/complete"
        fi
    ) 9>"$cache/lock"
}
