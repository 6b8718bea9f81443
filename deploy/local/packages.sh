# shellcheck shell=bash
# Which packages of the distribution each part of ./dev needs, and how the missing ones get in.

PACKAGES_BUILD=(
    cmake ninja-build gcc g++ pkg-config libcriterion-dev
    librdkafka-dev libpq-dev libjansson-dev libjwt-dev libcivetweb-dev libhiredis-dev libcurl4-openssl-dev
    libvalijson-dev nlohmann-json3-dev json-schema-test-suite libcrypt-dev libssl-dev tzdata
)
PACKAGES_SERVERS=(postgresql-15 redis-server python3-aiosmtpd)
PACKAGES_LINT=(git clang-format clang-tidy cppcheck shellcheck)

# need_packages build|servers|lint...: installs what is missing; when nothing is, costs one dpkg-query.
need_packages() {
    local group wanted=() missing=()
    for group in "$@"; do
        case $group in
            build) wanted+=("${PACKAGES_BUILD[@]}") ;;
            servers)
                wanted+=("${PACKAGES_SERVERS[@]}")
                command -v java >/dev/null || wanted+=(default-jre-headless)
                [[ -n $(find_kafka_jars) ]] || command -v mvn >/dev/null || wanted+=(maven)
                ;;
            lint) wanted+=("${PACKAGES_LINT[@]}") ;;
        esac
    done
    command -v dpkg-query >/dev/null || die "this is not Debian: install the likes of ${wanted[*]} yourself"
    mapfile -t missing < <(
        comm -23 <(printf '%s\n' "${wanted[@]}" | sort -u) \
            <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null |
                sed -n 's/^installed //p' | sort -u)
    )
    if ((${#missing[@]} > 0)); then install_packages "${missing[@]}"; fi
}

install_packages() {
    say "installing ${#missing[@]} packages: $*"
    ((EUID == 0)) || command -v sudo >/dev/null || die "installing packages needs root or sudo"
    mkdir -p "$VAR"
    local log=$VAR/packages.log
    hold_services
    if ! { as_root apt-get -q -o DPkg::Lock::Timeout=600 update &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 \
            install --no-install-recommends "$@"; } </dev/null >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        die "apt-get failed; all of it is in $log"
    fi
    release_services
}

# Debian's packages of PostgreSQL and Redis make and start a server of the whole machine, which nobody here asked
# for. Two files forbid it while apt works; those that a killed ./dev left are known by their text.
# Afterwards the services are switched off, if we brought them, so that they do not come with the next boot.
POLICY=/usr/sbin/policy-rc.d
CLUSTER_POLICY=/etc/postgresql-common/createcluster.d/cloudbill-dev.conf
POLICY_MARK='# written by ./dev of cloudbill while it installs packages'

hold_services() {
    SERVICES_BEFORE=$(list_services)
    trap release_services EXIT
    if [[ ! -e $POLICY ]]; then
        printf '#!/bin/sh\n%s\nexit 101\n' "$POLICY_MARK" | as_root tee "$POLICY" >/dev/null
        as_root chmod 755 "$POLICY"
    fi
    as_root mkdir -p "$(dirname "$CLUSTER_POLICY")"
    printf '%s\ncreate_main_cluster = false\n' "$POLICY_MARK" | as_root tee "$CLUSTER_POLICY" >/dev/null
}

release_services() {
    local service
    trap - EXIT
    if grep -qsxF "$POLICY_MARK" "$POLICY"; then as_root rm -f "$POLICY"; fi
    as_root rm -f "$CLUSTER_POLICY"
    as_root rmdir --ignore-fail-on-non-empty "$(dirname "$CLUSTER_POLICY")"
    for service in $(comm -13 <(echo "$SERVICES_BEFORE") <(list_services)); do
        as_root systemctl disable --quiet "$service" 2>/dev/null || true
    done
}

list_services() {
    local service
    for service in postgresql redis-server; do
        [[ ! -e /lib/systemd/system/$service.service ]] || echo "$service.service"
    done
}
