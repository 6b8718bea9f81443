# shellcheck shell=bash disable=SC2034 # constants and results for those who source it
# What every part of ./dev uses: where things are, how to speak, how to ask a port.
# Sourced by ./dev and by process.sh; defines functions and a few constants, does nothing.

umask 022
shopt -s inherit_errexit

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
LOCAL=$ROOT/deploy/local
PYTHON=/usr/bin/python3 # Debian's, for which Debian's python3-aiosmtpd is; another may stand first in PATH

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
    BOLD=$'\e[1m' DIM=$'\e[2m' RED=$'\e[31m' GREEN=$'\e[32m' PLAIN=$'\e[0m'
else
    BOLD='' DIM='' RED='' GREEN='' PLAIN=''
fi

say() { printf '%s==>%s %s\n' "$BOLD" "$PLAIN" "$*"; }
note() { printf '    %s\n' "$*"; }
warn() { printf '%swarning:%s %s\n' "$RED" "$PLAIN" "$*" >&2; }
die() {
    printf '%serror:%s %s\n' "$RED" "$PLAIN" "$*" >&2
    exit 1
}

as_root() {
    if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}

random_hex() { od -An -v -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }

# Milliseconds on a clock that nobody sets.
now_ms() {
    local seconds
    read -r seconds _ </proc/uptime
    echo $((10#${seconds/./} * 10))
}

# The stopwatch of a message: "took $(since_s "$start_ms") s".
since_s() {
    local ms=$(($(now_ms) - $1))
    printf '%d.%d' $((ms / 1000)) $((ms % 1000 / 100))
}

# --- places -----------------------------------------------------------------------------------------------

# PostgreSQL refuses to run as root, so under root it runs as the user postgres.
POSTGRES_USER=''
((EUID == 0)) && POSTGRES_USER=postgres

# Can somebody else walk into this directory? Every folder on the way must let others through.
others_may_enter() {
    local path=$1
    while :; do
        [[ $((0$(stat -c %a "$path") & 1)) == 1 ]] || return 1
        [[ $path == / ]] && return 0
        path=$(dirname "$path")
    done
}

# Everything that runs keeps its files in var/ of the clone. Where that cannot be (the user postgres cannot
# walk into the clone, or a socket's path would not fit into the kernel's 108 bytes), it is a directory
# in /var/tmp that is named for the clone.
var_directory() {
    local socket=$ROOT/var/bench/postgres/.s.PGSQL.65535
    if ((${#socket} < 100)) && { [[ -z $POSTGRES_USER ]] || others_may_enter "$ROOT"; }; then
        echo "$ROOT/var"
    else
        echo "/var/tmp/cloudbill-$(printf '%s' "$ROOT:$EUID" | sha256sum | cut -c 1-10)"
    fi
}

# Makes a directory, or accepts one that is ours: a name in /var/tmp can be guessed and taken by others.
own_directory() {
    local path=$1 mode=$2
    mkdir -p "$path"
    [[ -O $path && ! -L $path ]] || die "$path belongs to somebody else"
    chmod "$mode" "$path"
}

# --- ports ------------------------------------------------------------------------------------------------

port_is_free() {
    local hex
    printf -v hex '%04X' "$1"
    ! grep -qs "^ *[0-9]*: [0-9A-F]*:$hex [0-9A-F]*:[0-9A-F]* 0A " /proc/net/tcp /proc/net/tcp6
}

# The first line that a server answers to what we say to it; fails when nobody answers within 2 s.
ask() {
    local address=$1 words=$2
    # shellcheck disable=SC2016 # the inner shell expands
    timeout 2 bash -c 'exec 3<>"/dev/tcp/${1%:*}/${1##*:}" && printf "%b" "$2" >&3 &&
        IFS= read -r line <&3 && printf "%s\n" "$line"' ask "$address" "$words" 2>/dev/null
}

# The status of a GET.
http_status() {
    local line
    line=$(ask "$1" "GET $2 HTTP/1.1\r\nHost: $1\r\nConnection: close\r\n\r\n") || return 1
    line=${line#HTTP/1.? }
    echo "${line:0:3}"
}
