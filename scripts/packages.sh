# shellcheck shell=bash
# Packages of the system, where apt has them and nobody has to be asked for a password. The other
# scripts source this file; it is no program of its own.

APT_UPDATED=no # whether `apt-get update` was run already

# Runs a command as root.
as_root() {
    if ((EUID == 0)); then
        "$@"
    else
        sudo -n -- "$@"
    fi
}

can_be_root() {
    ((EUID == 0)) || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }
}

# Whether packages can be installed here at all.
can_install() {
    command -v apt-get >/dev/null && can_be_root
}

# apt-get, waiting for other users of the package database.
apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -o DPkg::Lock::Timeout=300 -o APT::Color=0 "$@" >&2
}

# Brings the package lists up to date, once.
apt_update() {
    if [[ $APT_UPDATED == no ]]; then
        apt_get update && APT_UPDATED=yes
    fi
}

# Installs packages; never at the price of removing others.
apt_install() {
    apt_update || return
    printf '%s: installing %s by apt\n' "${0##*/}" "$*" >&2
    apt_get install -y --no-install-recommends --no-remove "$@"
}

# Installs the packages where a program is missing; fails when it is not there afterwards.
provide() {
    local program=$1
    shift
    if ! command -v "$program" >/dev/null && can_install; then
        apt_install "$@" || true
    fi
    command -v "$program" >/dev/null
}

# libdeflate and zstd are C, and the TLS provider (ring) has parts in C and assembler.
provide_c_compiler() {
    provide cc gcc libc6-dev || {
        printf '%s: there is no C compiler (cc); install gcc and the headers of the C library %s\n' \
            "${0##*/}" "(Debian: apt-get install gcc libc6-dev)" >&2
        return 1
    }
}
