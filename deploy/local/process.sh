#!/usr/bin/env bash
# The processes of an instance: how each is started, asked whether it is ready, and ended.
#
#   deploy/local/process.sh start|stop|kill|restart|pause|resume|wait PROCESS...
#   deploy/local/process.sh pid|status [PROCESS...]
#
# PROCESS is postgres redis kafka mail gateway api billing-cycle invoicing payments notifications; a second one
# of a program is NAME@2 (its own pid file, log and internal port). The instance is the one whose directory is
# in RUN_DIR: $RUN_DIR/env says its ports and secrets. "start" and "restart" come back when it is ready, "stop"
# (SIGTERM) and "kill" (SIGKILL; of postgres, the whole server with its backends) when it is gone. ./dev
# sources this file; the fault tests call it.
#
# A process is known by pid, time of birth and boot: a pid file that a crash left
# never points at a stranger. A worker is two (lib/runtime/supervisor.h), of which the pid file knows the parent.

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
    set -euo pipefail
fi
# shellcheck source=deploy/local/base.sh
source "$(dirname "${BASH_SOURCE[0]}")/base.sh"

SERVERS=(postgres redis kafka mail)
PROGRAMS=(gateway api billing-cycle invoicing payments notifications)
START_SECONDS=${START_SECONDS:-60}

# --- the table --------------------------------------------------------------------------------------------

# Sets what one process is: command, settings (its environment), mark (what its command line holds), its
# address, and how it is ended.
process_define() {
    local name=$1 program=${1%@*}
    command=() settings=() mark='' address='' stop_signal=TERM stop_seconds=15 nice=0
    case $program in
        postgres)
            command=("$POSTGRES_BIN/postgres" -D "$RUN_DIR/postgres/data" -p "$POSTGRES_PORT" -h 127.0.0.1
                -k "$RUN_DIR/postgres")
            if [[ -n $POSTGRES_USER ]]; then
                command=(setpriv "--reuid=$POSTGRES_USER" "--regid=$POSTGRES_USER" --init-groups "${command[@]}")
            fi
            mark=$RUN_DIR/postgres/data address=127.0.0.1:$POSTGRES_PORT
            stop_signal=INT # "fast": ends sessions, writes a checkpoint
            stop_seconds=60
            ;;
        redis)
            # --set-proc-title no: the command line stays what it was
            command=(redis-server --bind 127.0.0.1 --port "${REDIS_ADDRESS##*:}" --save '' --appendonly no
                --dir "$RUN_DIR/redis" --daemonize no --set-proc-title no)
            mark=redis-server address=$REDIS_ADDRESS
            ;;
        kafka)
            command=(java -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 "-Dlog4j2.configurationFile=$LOCAL/kafka/log4j2.xml"
                -cp "$KAFKA_JARS/*" kafka.Kafka "$RUN_DIR/kafka/server.properties")
            mark=$RUN_DIR/kafka/server.properties address=$KAFKA_BROKERS stop_seconds=60
            ;;
        mail)
            command=("$PYTHON" "$LOCAL/mail/sink.py") settings=("SMTP_PORT=${SMTP_URL##*:}" "MAIL_DIR=$MAIL_DIR")
            mark=$LOCAL/mail/sink.py address=127.0.0.1:${SMTP_URL##*:}
            [[ $INSTANCE_NAME != bench ]] || nice=19 # it stands for somebody else's machine; tests wait for its mails
            ;;
        gateway)
            command=("$BIN_DIR/sandbox-gateway")
            settings=("GATEWAY_PORT=${GATEWAY_URL##*:}" "GATEWAY_STATE_DIR=$RUN_DIR/gateway")
            mark=$BIN_DIR/sandbox-gateway address=127.0.0.1:${GATEWAY_URL##*:}
            ;;
        api)
            command=("$BIN_DIR/cloudbill-api") settings=("DATABASE_URL=$API_DATABASE_URL")
            mark=$BIN_DIR/cloudbill-api
            program_address "$name"
            ;;
        billing-cycle | invoicing | payments | notifications)
            command=("$BIN_DIR/cloudbill-$program") settings=("DATABASE_URL=$WORKER_DATABASE_URL")
            if [[ -n ${WORKER_PRELOAD:-} ]]; then # a test's shim: before the sanitizer's runtime, which minds
                settings+=("LD_PRELOAD=$WORKER_PRELOAD" "ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0")
            fi
            mark=$BIN_DIR/cloudbill-$program
            program_address "$name"
            ;;
        *) die "no process is called $name (${SERVERS[*]} ${PROGRAMS[*]})" ;;
    esac
}

# The internal port of one of our programs; of a second one ("payments@2"), a port that is free, kept for later.
program_address() {
    local name=$1 variable file port
    if [[ $name == *@* ]]; then
        file=$RUN_DIR/pid/$name.port
        if [[ ! -s $file ]]; then
            port=$((20000 + RANDOM % 10000))
            until port_is_free "$port"; do port=$((port + 1)); done
            echo "$port" >"$file"
        fi
        address=127.0.0.1:$(<"$file")
    else
        variable=${name//-/_}
        variable=${variable^^}_INTERNAL_ADDRESS
        address=${!variable}
    fi
    settings+=("INTERNAL_ADDRESS=$address" "INSTANCE=${name//@/-}")
}

process_is_ready() {
    case ${1%@*} in
        postgres) "$POSTGRES_BIN/pg_isready" -q -U postgres -d postgres -h "$RUN_DIR/postgres" -p "$POSTGRES_PORT" ;;
        redis) [[ $(ask "$address" 'PING\r\n') == +PONG* ]] ;;
        kafka) kafka_answers "$address" ;;
        mail) [[ $(ask "$address" '') == 220* ]] ;;
        *) [[ $(http_status "$address" /readyz) == 200 ]] ;;
    esac
}

# ApiVersions (key 18, version 0, correlation id 7, no client id): a broker answers it when it serves.
kafka_answers() {
    local answer
    # shellcheck disable=SC2016 # the inner shell expands
    answer=$(timeout 2 bash -c 'exec 3<>"/dev/tcp/${1%:*}/${1##*:}" &&
        printf "\0\0\0\012\0\022\0\0\0\0\0\007\377\377" >&3 && head -c 10 <&3 | od -An -tx1' ask "$1" 2>/dev/null) ||
        return 1
    [[ $answer == *'00 00 00 07 00 00' ]]
}

# What must be true before a server starts; most need nothing.
process_prepare() {
    local config
    case ${1%@*} in
        postgres) postgres_clear_dead ;;
        kafka)
            config=$(<"$LOCAL/kafka/server.properties")
            config=${config//@KAFKA_PORT@/"${KAFKA_BROKERS##*:}"}
            config=${config//@CONTROLLER_PORT@/"$KAFKA_CONTROLLER_PORT"}
            config=${config//@DATA_DIR@/"$RUN_DIR/kafka/data"}
            printf '%s\n' "$config" >"$RUN_DIR/kafka/server.properties"
            ;;
        redis) mkdir -p "$RUN_DIR/redis" ;;
        gateway) mkdir -p "$RUN_DIR/gateway" ;;
    esac
}

# A postmaster that was killed leaves backends, which end in a moment, and two files with its pid, which may be
# another process by now. No postmaster of ours runs when this is called.
postgres_clear_dead() {
    local data=$RUN_DIR/postgres/data link
    for link in /proc/[0-9]*/cwd; do
        if [[ $(readlink "$link" 2>/dev/null) == "$data" ]]; then
            kill -KILL "$(basename "$(dirname "$link")")" 2>/dev/null || true
        fi
    done
    rm -f "$data/postmaster.pid" "$RUN_DIR"/postgres/.s.PGSQL.*
}

# --- who is it --------------------------------------------------------------------------------------------

# When a pid was born, in ticks since boot, and which boot: never the same for two processes.
birth_of() {
    local stat fields
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    read -ra fields <<<"${stat##*) }"
    echo "${fields[19]} $(</proc/sys/kernel/random/boot_id)"
}

# Not by $(<…): where that cannot read, for the process has just gone, bash ends.
is_zombie() {
    local stat
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    [[ ${stat##*) } == [ZX]* ]]
}

# Its command line, which is empty for a moment while it becomes another program. Needs process_define.
is_itself() { grep -qaF -- "$mark" "/proc/$1/cmdline" 2>/dev/null; }

# Prints the pid of a process that runs; fails when it does not.
process_pid() {
    local pid birth
    { read -r pid birth <"$PIDFILE_DIR/$1.pid"; } 2>/dev/null || return 1
    [[ $pid =~ ^[0-9]+$ && $(birth_of "$pid") == "$birth" ]] && ! is_zombie "$pid" || return 1
    echo "$pid"
}

process_runs() { process_pid "$1" >/dev/null; }

# Does it run an older binary than the one that was built last?
process_is_stale() {
    local pid
    pid=$(process_pid "$1") && [[ $(readlink "/proc/$pid/exe") == *' (deleted)' ]]
}

# --- start ------------------------------------------------------------------------------------------------

# Starts it and does not wait. The child writes its own pid file before it becomes the process, so that
# nothing runs that has no pid file, whenever we are killed.
process_launch() {
    local name=$1 log=$LOG_DIR/$1.log pid tries=0
    process_define "$name"
    process_runs "$name" && return 0
    process_prepare "$name"
    if [[ -f $log && $(stat -c %s "$log") -gt 50000000 ]]; then mv "$log" "$log.1"; fi
    (
        pid=$BASHPID # read here: inside $( ) it is another
        echo "$pid $(birth_of "$pid")" >"$PIDFILE_DIR/$name.pid"
        cd "$RUN_DIR"
        drop_lock
        # Each process is a session of its own, and between sessions Linux weighs their groups and not the processes in them.
        ((nice == 0)) || settings+=("NICE=$nice")
        # shellcheck disable=SC2016 # for that shell to expand
        exec setsid env "${settings[@]}" sh -c '[ -z "${NICE:-}" ] || { renice -n "$NICE" $$ && echo "$NICE" >/proc/self/autogroup; } >/dev/null 2>&1; exec "$@"' \
            "$name" "${command[@]}"
    ) </dev/null >>"$log" 2>&1 &
    pid=$!
    while ((tries++ < 500)) && kill -0 "$pid" 2>/dev/null && ! is_itself "$pid"; do sleep 0.01; done
    disown "$pid" 2>/dev/null || true
}

# What outlives ./dev must not keep its locks.
drop_lock() {
    [[ -z ${LOCK_FD:-} ]] || exec {LOCK_FD}>&-
    [[ -z ${PORTS_FD:-} ]] || exec {PORTS_FD}>&-
}

process_wait() {
    local name=$1 deadline_ms
    process_define "$name"
    deadline_ms=$(($(now_ms) + START_SECONDS * 1000))
    until process_is_ready "$name"; do
        if ! process_runs "$name"; then
            show_log_end "$name"
            die "$name ended while it was starting"
        fi
        if (($(now_ms) > deadline_ms)); then
            show_log_end "$name"
            die "$name is not ready after $START_SECONDS s"
        fi
        sleep 0.05
    done
}

show_log_end() {
    printf '    last lines of %s:\n' "$LOG_DIR/$1.log" >&2
    tail -n 15 "$LOG_DIR/$1.log" 2>/dev/null | sed 's/^/    | /' >&2
}

# --- end --------------------------------------------------------------------------------------------------

# What stops or goes on, does so with its children: each process began as the leader of a group of its own.
process_signal() {
    local pid
    process_define "$1"
    pid=$(process_pid "$1") || return 0
    case $2 in STOP | CONT) pid=-$pid ;; esac
    kill "-$2" -- "$pid" 2>/dev/null || true
}

# Waits until it is gone. A process that does not go is killed, and that is a failure.
process_await_end() {
    local name=$1 asked_ms=$2
    process_define "$name"
    while process_runs "$name"; do
        if (($(now_ms) > asked_ms + stop_seconds * 1000)); then
            warn "$name did not end within $stop_seconds s of SIG$stop_signal: killed"
            process_kill "$name"
            return 1
        fi
        sleep 0.02
    done
    rm -f "$PIDFILE_DIR/$name.pid"
}

# Several are asked at once, so that they end side by side.
process_stop() {
    local name rc=0 asked_ms
    for name in "$@"; do
        process_define "$name"
        process_signal "$name" CONT # a paused process would never hear it
        process_signal "$name" "$stop_signal"
    done
    asked_ms=$(now_ms)
    for name in "$@"; do process_await_end "$name" "$asked_ms" || rc=1; done
    return "$rc"
}

# The first thread may have ended while others still hold the process's ports.
has_other_threads() {
    local tasks=("/proc/$1/task/"*)
    ((${#tasks[@]} > 1))
}

# Is the process that was born then not gone yet?
process_lingers() {
    [[ $(birth_of "$1") == "$2" ]] || return 1
    ! is_zombie "$1" || has_other_threads "$1"
}

process_kill() {
    local name=$1 pid member family=()
    local -A births=()
    process_define "$name"
    if pid=$(process_pid "$name"); then
        { read -ra family <"/proc/$pid/task/$pid/children"; } 2>/dev/null || true
        for member in "$pid" "${family[@]}"; do births[$member]=$(birth_of "$member") || true; done
    fi
    process_signal "$name" KILL # a worker's child dies with it
    for member in "${!births[@]}"; do
        while process_lingers "$member" "${births[$member]}"; do sleep 0.01; done
    done
    rm -f "$PIDFILE_DIR/$name.pid"
    [[ $name != postgres ]] || postgres_clear_dead
}

# --- several ----------------------------------------------------------------------------------------------

process_status_line() {
    local name=$1 pid state
    process_define "$name"
    if ! pid=$(process_pid "$name"); then
        pid=- state=stopped
    elif process_is_ready "$name"; then
        state=ready
    else
        state='not ready'
    fi
    [[ $name != api ]] || address+=", $API_URL"
    printf '    %-16s %-8s %-10s %s\n' "$name" "$pid" "$state" "$address"
}

# The processes of this instance that have a pid file: "payments@2" as well.
known_processes() {
    local file
    for file in "$PIDFILE_DIR"/*.pid; do
        [[ ! -e $file || $file == */suite.pid ]] || basename "$file" .pid
    done
}

process_main() {
    local verb=${1:-} name
    [[ $# -gt 0 ]] && shift
    [[ -n ${RUN_DIR:-} && -r $RUN_DIR/env ]] || die "RUN_DIR must name the directory of an instance (see ./dev status)"
    # shellcheck source=/dev/null
    source "$RUN_DIR/env"
    case $verb in
        start)
            for name in "$@"; do process_launch "$name"; done
            for name in "$@"; do process_wait "$name"; done
            ;;
        stop) process_stop "$@" ;;
        kill) for name in "$@"; do process_kill "$name"; done ;;
        restart)
            process_stop "$@"
            process_main start "$@"
            ;;
        pause) for name in "$@"; do process_signal "$name" STOP; done ;;
        resume) for name in "$@"; do process_signal "$name" CONT; done ;;
        wait) for name in "$@"; do process_wait "$name"; done ;;
        pid)
            for name in "$@"; do
                process_define "$name"
                process_pid "$name"
            done
            ;;
        status)
            [[ $# -gt 0 ]] || set -- "${SERVERS[@]}" "${PROGRAMS[@]}"
            for name in "$@"; do process_status_line "$name"; done
            ;;
        *)
            sed -n '2,13s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
            return 2
            ;;
    esac
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
    process_main "$@"
fi
