# shellcheck shell=bash disable=SC2034,SC2154 # constants and results for those who source it
# An instance: one set of servers and processes with a directory of its own, so that a demo, a test run and
# a benchmark live side by side. $VAR/NAME holds
#   env         ports, addresses and secrets (0600); whoever talks to the instance sources it
#   pid/ log/   one file a process        mail/   the mails, as .eml
#   postgres/ redis/ kafka/ gateway/      what the servers keep
#   sanitizer/  what ASan, UBSan or LSan had to say: should stay empty
#   lock        held by the ./dev that works on it

# --- which ------------------------------------------------------------------------------------------------

# Makes NAME the instance that the following calls are about. Its directory need not exist yet.
instance_use() {
    INSTANCE_NAME=$1
    RUN_DIR=$VAR/$INSTANCE_NAME
    PIDFILE_DIR=$RUN_DIR/pid
    LOG_DIR=$RUN_DIR/log
    WANTED_LOG_LEVEL=${LOG_LEVEL:-}
    # shellcheck source=/dev/null
    if [[ -r $RUN_DIR/env ]]; then source "$RUN_DIR/env"; fi
}

instance_exists() { [[ -r $VAR/$1/env ]]; }

instances() {
    local file
    for file in "$VAR"/*/env; do
        [[ ! -e $file ]] || basename "$(dirname "$file")"
    done
}

# One ./dev at a time works on an instance. The lock is held by an open file, which what we start inherits: a
# ./dev that was killed holds it until the last of its helpers (initdb, Maven) is gone. Servers and tests,
# which live longer, do not get it.
instance_lock() {
    local name=$1 patience_seconds=${2:-600}
    own_directory "$VAR" 755
    own_directory "$VAR/$name" "$([[ -n $POSTGRES_USER ]] && echo 711 || echo 700)"
    exec {LOCK_FD}>>"$VAR/$name/lock"
    if ! flock -n "$LOCK_FD"; then
        note "another ./dev works on $name: waiting for it"
        flock -w "$patience_seconds" "$LOCK_FD" || return 1
    fi
}

instance_unlock() {
    exec {LOCK_FD}>&-
    unset LOCK_FD
}

# --- its settings -----------------------------------------------------------------------------------------

# Between a look at which ports are free and listening on them, another checkout on this machine must not look: it
# waits, a minute at the most. /tmp is what all of them, and all users, can open.
ports_lock() {
    exec {PORTS_FD}</tmp
    flock -w 60 "$PORTS_FD" || note "others have been starting for a minute: not waiting for them"
}

ports_unlock() {
    exec {PORTS_FD}>&-
    unset PORTS_FD
}

# Takes the wanted port, or the next one that nobody listens on and that we have not just given away.
take_port() {
    local -n ret_port=$1
    local port=$2
    while [[ " $PORTS_TAKEN " == *" $port "* ]] || ! port_is_free "$port"; do port=$((port + 1)); done
    PORTS_TAKEN+=" $port"
    ret_port=$port
}

# A demo likes the ports that people know; a test run or a benchmark takes any, from a place of its own,
# below the range from which the kernel takes ports for outgoing connections.
instance_settings() {
    local preset=$1 base gateway mail api postgres redis kafka controller internal=() i path
    PORTS_TAKEN=''
    if [[ $INSTANCE_NAME == demo ]]; then
        base=0
    else
        base=$((20000 + RANDOM % 500 * 20))
    fi
    take_port api $((base ? base : 8080))
    take_port postgres $((base ? base + 1 : 5433))
    take_port redis $((base ? base + 2 : 6380))
    take_port kafka $((base ? base + 3 : 9092))
    take_port controller $((base ? base + 4 : 9093))
    take_port mail $((base ? base + 5 : 2525))
    take_port gateway $((base ? base + 6 : 12111))
    for i in 0 1 2 3 4; do
        take_port "internal[$i]" $((base ? base + 7 + i : 9101 + i))
    done
    path=$(sed 's/%/%25/g; s/ /%20/g; s/&/%26/g; s/?/%3F/g; s/#/%23/g' <<<"$RUN_DIR/postgres")

    local secrets=$RUN_DIR/secrets
    if [[ ! -s $secrets ]]; then
        (
            umask 077
            printf 'JWT_SECRET=%s\nGATEWAY_SECRET_KEY=sk_test_%s\nGATEWAY_WEBHOOK_SECRET=whsec_%s\n' \
                "$(random_hex 32)" "$(random_hex 16)" "$(random_hex 16)" >"$secrets.tmp"
        )
        mv "$secrets.tmp" "$secrets"
    fi
    (
        umask 077
        echo "# Instance $INSTANCE_NAME of ${ROOT}: written by ./dev, sourced by bash."
        # shellcheck source=/dev/null
        source "$secrets"
        set_env \
            INSTANCE_NAME "$INSTANCE_NAME" \
            RUN_DIR "$RUN_DIR" PIDFILE_DIR "$RUN_DIR/pid" LOG_DIR "$RUN_DIR/log" MAIL_DIR "$RUN_DIR/mail" \
            SANITIZER_DIR "$RUN_DIR/sanitizer" PROCESS_HELPER "$LOCAL/process.sh" \
            BUILD_PRESET "$preset" BIN_DIR "$ROOT/build/$preset/bin" \
            POSTGRES_BIN "$POSTGRES_BIN" POSTGRES_PORT "$postgres" KAFKA_JARS "$KAFKA_JARS" \
            KAFKA_CONTROLLER_PORT "$controller" \
            DATABASE_ADMIN_URL "postgresql://postgres@/cloudbill?host=$path&port=$postgres" \
            API_DATABASE_URL "postgresql://cloudbill_api@/cloudbill?host=$path&port=$postgres" \
            WORKER_DATABASE_URL "postgresql://cloudbill_worker@/cloudbill?host=$path&port=$postgres" \
            KAFKA_BROKERS "127.0.0.1:$kafka" REDIS_ADDRESS "127.0.0.1:$redis" \
            HTTP_ADDRESS "127.0.0.1:$api" API_URL "http://127.0.0.1:$api" \
            API_INTERNAL_ADDRESS "127.0.0.1:${internal[0]}" \
            BILLING_CYCLE_INTERNAL_ADDRESS "127.0.0.1:${internal[1]}" \
            INVOICING_INTERNAL_ADDRESS "127.0.0.1:${internal[2]}" \
            PAYMENTS_INTERNAL_ADDRESS "127.0.0.1:${internal[3]}" \
            NOTIFICATIONS_INTERNAL_ADDRESS "127.0.0.1:${internal[4]}" \
            JWT_SECRET "$JWT_SECRET" RATE_LIMIT_PER_MINUTE "${RATE_LIMIT_PER_MINUTE:-1000000}" \
            GATEWAY_URL "http://127.0.0.1:$gateway" GATEWAY_SECRET_KEY "$GATEWAY_SECRET_KEY" \
            GATEWAY_WEBHOOK_SECRET "$GATEWAY_WEBHOOK_SECRET" \
            SMTP_URL "smtp://127.0.0.1:$mail" MAIL_FROM billing@cloudbill.example \
            LOG_LEVEL "${WANTED_LOG_LEVEL:-info}"
        sanitizer_settings "$preset"
        set_env ASAN_OPTIONS "${ASAN_OPTIONS:-}" UBSAN_OPTIONS "${UBSAN_OPTIONS:-}" LSAN_OPTIONS "${LSAN_OPTIONS:-}" \
            TSAN_OPTIONS "${TSAN_OPTIONS:-}"
    ) >"$RUN_DIR/env.tmp"
    mv "$RUN_DIR/env.tmp" "$RUN_DIR/env"
    # shellcheck source=/dev/null
    source "$RUN_DIR/env"
    ((base)) || ((api == 8080)) || note "port 8080 is taken: the API listens on $api"
}

set_env() {
    while (($# > 0)); do
        printf 'export %s=%q\n' "$1" "$2"
        shift 2
    done
}

# Keeps the settings of an instance that runs, or whose ports are still free; else makes new ones.
instance_prepare() {
    local preset=$1 name port fresh=''
    mkdir -p "$RUN_DIR"/{pid,log,mail,sanitizer,postgres,kafka,redis,gateway}
    find_tools
    ports_lock
    if [[ ! -r $RUN_DIR/env || ${BUILD_PRESET:-} != "$preset" || ! -d $KAFKA_JARS || ! -d $POSTGRES_BIN ]]; then
        fresh=yes
    else
        for name in "${SERVERS[@]}" "${PROGRAMS[@]}"; do
            process_define "$name"
            port=${address##*:}
            process_runs "$name" || port_is_free "$port" || fresh=yes
        done
        [[ -z $WANTED_LOG_LEVEL || $WANTED_LOG_LEVEL == "$LOG_LEVEL" ]] || fresh=yes
        process_define api
        process_runs api || port_is_free "${HTTP_ADDRESS##*:}" || fresh=yes
    fi
    if [[ -n $fresh ]]; then
        if [[ -n $(known_processes) ]]; then
            say "restarting $INSTANCE_NAME with other settings"
            instance_stop || true # it has said what had to be killed
        fi
        instance_settings "$preset"
    fi
}

# --- the servers' software and data -----------------------------------------------------------------------

find_tools() {
    local directory
    for directory in /usr/lib/postgresql/{18,17,16,15}/bin; do
        if [[ -x $directory/postgres ]]; then break; fi
    done
    [[ -x $directory/postgres ]] || die "no PostgreSQL 15 or later in /usr/lib/postgresql"
    POSTGRES_BIN=$directory
    KAFKA_JARS=$(find_kafka_jars)
    [[ -n $KAFKA_JARS ]] || fetch_kafka
}

# The broker's jars are kept under the checksum of the pom that names them.
kafka_jars_directory() { echo "$VAR/kafka-$(sha256sum <"$LOCAL/kafka/pom.xml" | cut -c 1-12)"; }

find_kafka_jars() {
    local directory
    directory=$(kafka_jars_directory)
    if [[ -d $directory ]]; then echo "$directory"; fi
}

fetch_kafka() {
    local directory lock
    directory=$(kafka_jars_directory)
    exec {lock}>>"$VAR/kafka.lock"
    flock "$lock"
    if [[ -d $directory ]]; then # another instance was quicker
        KAFKA_JARS=$directory
        return
    fi
    say "fetching Apache Kafka from Maven Central (54 MB, once)"
    rm -rf "$directory.tmp"
    mvn --batch-mode --quiet --strict-checksums -f "$LOCAL/kafka/pom.xml" dependency:copy-dependencies \
        -DincludeScope=runtime "-DoutputDirectory=$directory.tmp" </dev/null >"$VAR/kafka-fetch.log" 2>&1 ||
        { tail -n 20 "$VAR/kafka-fetch.log" >&2 && die "Maven failed"; }
    mv "$directory.tmp" "$directory"
    exec {lock}>&-
    KAFKA_JARS=$directory
}

as_postgres() {
    if [[ -n $POSTGRES_USER ]]; then
        setpriv "--reuid=$POSTGRES_USER" "--regid=$POSTGRES_USER" --init-groups "$@"
    else
        "$@"
    fi
}

# Data is made beside and renamed: what is there is whole.
postgres_initialise() {
    local home=$RUN_DIR/postgres
    [[ ! -d $home/data ]] || return 0
    rm -rf "$home/data.tmp"
    if [[ -n $POSTGRES_USER ]]; then chown "$POSTGRES_USER:" "$home"; fi
    chmod 700 "$home" # the socket is in it: whoever may enter is trusted
    (
        cd /
        as_postgres "$POSTGRES_BIN/initdb" -D "$home/data.tmp" -U postgres --encoding=UTF8 --locale=C.UTF-8 \
            --auth-local=trust --auth-host=reject
    ) >"$LOG_DIR/initdb.log" 2>&1 || { tail -n 20 "$LOG_DIR/initdb.log" >&2 && die "initdb failed"; }
    cat >>"$home/data.tmp/postgresql.conf" <<'CONF'

# --- ./dev ---
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %q%u %a '
max_connections = 200
shared_buffers = 256MB
max_wal_size = 4GB
checkpoint_timeout = 15min
CONF
    mv "$home/data.tmp" "$home/data"
}

kafka_initialise() {
    local home=$RUN_DIR/kafka id
    [[ ! -d $home/data ]] || return 0
    rm -rf "$home/data.tmp"
    id=$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | tr -d =)
    sed -e "s/@KAFKA_PORT@/${KAFKA_BROKERS##*:}/; s/@CONTROLLER_PORT@/$KAFKA_CONTROLLER_PORT/" \
        -e '/^log.dirs=/d' "$LOCAL/kafka/server.properties" >"$home/format.properties"
    echo "log.dirs=$home/data.tmp" >>"$home/format.properties"
    java -Xshare:auto -XX:TieredStopAtLevel=1 -cp "$KAFKA_JARS/*" kafka.tools.StorageTool format \
        --cluster-id="$id" -c "$home/format.properties" >"$LOG_DIR/kafka-format.log" 2>&1 ||
        { tail -n 20 "$LOG_DIR/kafka-format.log" >&2 && die "formatting Kafka's directory failed"; }
    mv "$home/data.tmp" "$home/data"
}

create_database() {
    local psql=(psql -X -q -At -v ON_ERROR_STOP=1 -h "$RUN_DIR/postgres" -p "$POSTGRES_PORT" -U postgres -d postgres)
    [[ $("${psql[@]}" -c "SELECT 1 FROM pg_database WHERE datname = 'cloudbill'") == 1 ]] ||
        "${psql[@]}" -c 'CREATE DATABASE cloudbill'
}

# --- up and down ------------------------------------------------------------------------------------------

servers_up() {
    local start_ms name
    start_ms=$(now_ms)
    kafka_initialise &
    postgres_initialise
    wait $! || exit 1
    for name in "${SERVERS[@]}"; do process_launch "$name"; done
    for name in "${SERVERS[@]}"; do process_wait "$name"; done
    create_database
    say "PostgreSQL :$POSTGRES_PORT, Redis :${REDIS_ADDRESS##*:}, Kafka :${KAFKA_BROKERS##*:}," \
        "mail :${SMTP_URL##*:} are up ($(since_s "$start_ms") s)"
}

programs_up() {
    local start_ms name
    start_ms=$(now_ms)
    for name in "${PROGRAMS[@]}"; do
        process_define "$name"
        if process_is_stale "$name"; then process_stop "$name"; fi
    done
    for name in "${PROGRAMS[@]}"; do process_launch "$name"; done
    for name in "${PROGRAMS[@]}"; do process_wait "$name"; done
    say "gateway :${GATEWAY_URL##*:}, API :${HTTP_ADDRESS##*:} and four workers are ready ($(since_s "$start_ms") s)"
}

# Ends what runs, in the order in which nothing loses its footing: workers, API, gateway, servers.
instance_stop() {
    local name rc=0 all workers=() rest=(api gateway mail kafka redis postgres)
    all=$(known_processes)
    for name in $all; do
        [[ " ${rest[*]} " == *" $name "* ]] || workers+=("$name")
    done
    if ((${#workers[@]} > 0)); then process_stop "${workers[@]}" || rc=1; fi
    for name in "${rest[@]}"; do
        case $name in
            kafka) process_stop kafka redis || rc=1 ;;
            redis) ;;
            *) process_stop "$name" || rc=1 ;;
        esac
    done
    return "$rc"
}

# What the instance holds, logs aside.
instance_wipe() {
    rm -rf "$RUN_DIR"/{postgres,kafka,redis,gateway,mail,sanitizer,pid,env,secrets}
}

# A new instance in place of what an earlier run left, without a trace of its settings.
instance_begin() {
    local name=$1
    (
        instance_use "$name"
        end_suite
        if [[ -n $(known_processes) ]]; then
            say "ending what a killed ./dev left"
            instance_stop || true
        fi
        instance_wipe
        rm -rf "$LOG_DIR"
    )
    instance_use "$name"
    mkdir -p "$LOG_DIR" "$PIDFILE_DIR" "$RUN_DIR/sanitizer"
}
