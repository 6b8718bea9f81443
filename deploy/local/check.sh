# shellcheck shell=bash disable=SC2034 # results for those who source it
# What ./dev test, bench and lint do.

# --- test -------------------------------------------------------------------------------------------------

SUITE_ORDER=(unit contract tenant flow fault) # quick and narrow first; what else there is comes after
SUITE_MAX_SECONDS=900
# Their tests wait more than they compute. The others run as many at once as there are processors, or one (fault).
declare -A SUITE_JOBS=([unit]=8 [flow]=4 [payments]=4)

# The suites that were built, in order.
built_suites() {
    local bin=$ROOT/build/dev/bin name path
    for name in "${SUITE_ORDER[@]}"; do
        [[ ! -x $bin/test-$name ]] || echo "$name"
    done
    for path in "$bin"/test-*; do
        name=${path##*/test-}
        [[ ! -x $path || " ${SUITE_ORDER[*]} " == *" $name "* ]] || echo "$name"
    done
}

# The programs under ThreadSanitizer, driven by flow tests that are not: Criterion does not work under it.
TSAN_TESTS='@(api|idempotency|subscription_create|payments|billing_run)/*'

command_test_tsan() {
    local start_ms
    start_ms=$(now_ms)
    need_packages build servers
    instance_lock tsan 20 || die "another ./dev test tsan runs"
    build dev
    build tsan
    instance_begin tsan
    trap test_end EXIT
    trap 'exit 130' INT TERM
    PASSED=0 FAILED=0 BROKEN=()
    instance_up tsan
    run_suite flow --filter "${1:-$TSAN_TESTS}"
    instance_stop || BROKEN+=("a process did not end when it was asked to")
    sanitizers_are_silent || BROKEN+=("ThreadSanitizer had something to say")
    trap - EXIT INT TERM
    instance_wipe
    for name in "${BROKEN[@]}"; do warn "$name"; done
    say "tsan: $PASSED passed, $FAILED failed ($(since_s "$start_ms") s)"
    ((FAILED == 0 && ${#BROKEN[@]} == 0))
}

command_test() {
    local only=${1:-} suites name start_ms
    (($# == 0)) || shift
    if [[ $only == tsan ]]; then
        command_test_tsan "$@"
        return
    fi
    start_ms=$(now_ms)
    need_packages build
    [[ $only == unit ]] || need_packages servers
    instance_lock test 20 || die "another ./dev test runs"
    build dev
    mapfile -t suites < <(built_suites)
    if [[ -n $only ]]; then
        [[ " ${suites[*]} " == *" $only "* ]] || die "no suite is called $only (${suites[*]:-none is built})"
        suites=("$only")
    fi
    ((${#suites[@]} > 0)) || die "no tests were built"

    instance_begin test
    trap test_end EXIT
    trap 'exit 130' INT TERM

    PASSED=0 FAILED=0 BROKEN=()
    for name in "${suites[@]}"; do
        if [[ $name == unit ]]; then
            sanitizer_settings dev
        elif [[ ! -r $RUN_DIR/env ]]; then
            note "the instance: $RUN_DIR"
            instance_up dev
        else
            process_main start "${SERVERS[@]}" "${PROGRAMS[@]}" # as a suite that kills things found them
        fi
        run_suite "$name" "$@"
    done
    if [[ -r $RUN_DIR/env ]]; then
        instance_stop || BROKEN+=("a process did not end when it was asked to")
    fi
    sanitizers_are_silent || BROKEN+=("a sanitizer had something to say")
    trap - EXIT INT TERM
    instance_wipe

    for name in "${BROKEN[@]}"; do warn "$name"; done
    say "$PASSED passed, $FAILED failed ($(since_s "$start_ms") s)"
    ((FAILED == 0 && ${#BROKEN[@]} == 0))
}

# However a run ends, its servers end with it. Logs stay.
test_end() {
    trap - EXIT INT TERM
    end_suite
    if [[ -r $RUN_DIR/env ]]; then
        instance_stop || true
        sanitizers_are_silent || true
        note "logs: $LOG_DIR"
    fi
}

# Criterion's exit status says too little (library-notes: no matching test, a crash at the end), so its closing
# line is read: "[====] Synthesis: Tested: 12 | Passing: 12 | Failing: 0 | Crashing: 0".
run_suite() {
    local name=$1 log=$LOG_DIR/test-$1.log rc=0 start_ms line tested passing failing crashing
    shift
    start_ms=$(now_ms)
    say "test $name"
    # in the background, because a trap waits for what is in the foreground
    { run_suite_alone "$name" "$@" </dev/null 2>&1 | (drop_lock && exec tee "$log"); } &
    wait $! || rc=$?
    rm -f "$PIDFILE_DIR/suite.pid"
    line=$(sed 's/\x1b\[[0-9;]*m//g' "$log" | grep -a '^\[====\] Synthesis: ' | tail -n 1) || line=''
    if [[ $line =~ Tested:\ ([0-9]+)\ \|\ Passing:\ ([0-9]+)\ \|\ Failing:\ ([0-9]+)\ \|\ Crashing:\ ([0-9]+) ]]; then
        tested=${BASH_REMATCH[1]} passing=${BASH_REMATCH[2]}
        failing=${BASH_REMATCH[3]} crashing=${BASH_REMATCH[4]}
        PASSED=$((PASSED + passing)) FAILED=$((FAILED + failing + crashing))
        ((tested > 0)) || BROKEN+=("test-$name ran no test")
        ((rc == 0 || failing + crashing > 0)) || criterion_leaked || BROKEN+=("test-$name ended with status $rc")
    else
        BROKEN+=("test-$name ended with status $rc and without its closing line")
    fi
    note "$name took $(since_s "$start_ms") s"
}

# A suite is a session of its own, with a pid file, so that all of it can be ended.
run_suite_alone() {
    local name=$1 pid=$BASHPID
    shift
    drop_lock
    cd "$ROOT" || exit
    echo "$pid $(birth_of "$pid")" >"$PIDFILE_DIR/suite.pid"
    [[ -z ${SUITE_JOBS[$name]:-} ]] || export CRITERION_JOBS=${SUITE_JOBS[$name]}
    exec setsid timeout --kill-after=10 "$SUITE_MAX_SECONDS" "build/dev/bin/test-$name" "$@"
}

end_suite() {
    local pid
    mark=build/dev/bin/test-
    if pid=$(process_pid suite); then kill -KILL -- "-$pid" 2>/dev/null || true; fi
    rm -f "$PIDFILE_DIR/suite.pid"
}

# --- sanitizers -------------------------------------------------------------------------------------------

# Every process of a sanitizer build, and every test, writes its reports into files in one directory.
sanitizer_settings() {
    local preset=$1 directory=$RUN_DIR/sanitizer
    case $preset in
        dev)
            export ASAN_OPTIONS="log_path=$directory/asan:detect_stack_use_after_return=1:strict_string_checks=1"
            export UBSAN_OPTIONS="log_path=$directory/ubsan:print_stacktrace=1"
            export LSAN_OPTIONS="suppressions=$LOCAL/lsan.supp:print_suppressions=0"
            ;;
        tsan) export TSAN_OPTIONS="log_path=$directory/tsan:second_deadlock_stack=1:suppressions=$LOCAL/tsan.supp" ;;
    esac
}

sanitizers_are_silent() {
    local file silent=yes
    for file in "$RUN_DIR"/sanitizer/*; do
        [[ -s $file ]] || continue
        if is_criterions_leak "$file"; then continue; fi
        silent=''
        cp "$file" "$LOG_DIR/"
        printf '%s%s%s\n' "$RED" "$LOG_DIR/${file##*/}" "$PLAIN" >&2
        head -n 40 "$file" >&2
    done
    [[ -n $silent ]]
}

# Criterion's runner leaks a little of its own. It cannot be suppressed by the library's name: that stands in the
# stack of every leak of every test, too. So: leaks only, and each allocated by the library itself.
is_criterions_leak() {
    grep -q '^SUMMARY: .* leaked in ' "$1" && ! grep '^ *#1 ' "$1" | grep -qv '/libcriterion'
}

# Then its status is 1 although every test passed.
criterion_leaked() {
    local file
    for file in "$RUN_DIR"/sanitizer/*; do
        if [[ -s $file ]] && is_criterions_leak "$file"; then return 0; fi
    done
    return 1
}

# --- bench ------------------------------------------------------------------------------------------------

benchmarks() {
    local path
    for path in "$ROOT"/bench/*/main.py; do basename "$(dirname "$path")"; done
    for path in "$ROOT"/build/release/bin/bench-*; do
        [[ ! -x $path ]] || basename "$path" | sed 's/^bench-//'
    done
}

command_bench() {
    local only=${1:-} names name
    (($# == 0)) || shift
    need_packages build servers
    instance_lock bench 20 || die "another ./dev bench runs"
    build release
    mapfile -t names < <(benchmarks)
    if [[ -n $only ]]; then
        [[ " ${names[*]} " == *" $only "* ]] || die "no benchmark is called $only (${names[*]:-there is none})"
        names=("$only")
    fi
    ((${#names[@]} > 0)) || die "there is no benchmark"
    instance_begin bench
    trap test_end EXIT
    trap 'exit 130' INT TERM
    WANTED_LOG_LEVEL=${WANTED_LOG_LEVEL:-warn}
    instance_up release
    for name in "${names[@]}"; do
        say "bench $name"
        (
            drop_lock
            cd "$ROOT" || exit
            if [[ -x bench/$name/main.py ]]; then exec "$PYTHON" "bench/$name/main.py" "$@"; fi
            exec "build/release/bin/bench-$name" "$@"
        )
    done
    trap - EXIT INT TERM
    instance_stop
    instance_wipe
}

# --- lint -------------------------------------------------------------------------------------------------

# Every check runs and says what it found; the first lines to read are the cheap ones. clang-tidy looks at
# each file once: one that was clean is looked at again when it, a header, the settings or the tool changed.
# Its analyzer follows 20,000 states of a function, not 225,000: that takes a seventh of the time.
command_lint() {
    local start_ms jobs shell_files c_files python_files
    start_ms=$(now_ms)
    jobs=$(nproc)
    need_packages build lint
    cd "$ROOT" || exit
    mapfile -t shell_files < <(tracked '*.sh' dev .ci/run)
    mapfile -t c_files < <(tracked '*.c' '*.h' '*.cc')
    mapfile -t python_files < <(tracked '*.py')
    mkdir -p build/lint
    LINT_FAILED=()

    check shellcheck shellcheck -x "${shell_files[@]}"
    check python python_compiles "${python_files[@]}"
    if ((${#c_files[@]} > 0)); then
        check clang-format clang-format --dry-run -Werror "${c_files[@]}"
        build dev
        check cppcheck run_cppcheck "$jobs"
        check clang-tidy run_clang_tidy "$jobs"
    fi
    ((${#LINT_FAILED[@]} == 0)) || die "lint: ${LINT_FAILED[*]} ($(since_s "$start_ms") s)"
    say "lint is clean ($(since_s "$start_ms") s)"
}

tracked() { git ls-files --cached --others --exclude-standard -- "$@"; }

check() {
    local name=$1 start_ms
    shift
    start_ms=$(now_ms)
    if "$@"; then
        note "$name: clean ($(since_s "$start_ms") s)"
    else
        note "${RED}$name: see above${PLAIN} ($(since_s "$start_ms") s)"
        LINT_FAILED+=("$name")
    fi
}

python_compiles() {
    "$PYTHON" -c 'import sys
for path in sys.argv[1:]:
    compile(open(path, encoding="utf-8").read(), path, "exec")' "$@"
}

run_cppcheck() {
    mkdir -p build/lint/cppcheck
    cppcheck --project=build/dev/compile_commands.json --cppcheck-build-dir=build/lint/cppcheck -j "$1" --quiet \
        --enable=warning,performance,portability --library=posix --library="$LOCAL/cppcheck.cfg" \
        --inline-suppr --error-exitcode=1 --suppress='*:*/build/*' --suppress=missingIncludeSystem \
        --suppress=readdirCalled `# glibc's is safe on a stream of one's own; readdir_r is deprecated` \
        --suppress=internalAstError `# cppcheck's own: it stumbles over compound literals after "?"`
}

run_clang_tidy() {
    local jobs=$1 common file stamp headers todo=()
    mapfile -t headers < <(tracked '*.h' .clang-tidy)
    common=$(cat build/dev/compile_commands.json "${headers[@]}" <(clang-tidy --version) | sha256sum)
    mkdir -p build/lint/tidy
    while read -r file; do
        grep -qF "\"file\": \"$ROOT/$file\"" build/dev/compile_commands.json || continue
        stamp=build/lint/tidy/$(printf '%s' "$common" | cat - "$file" | sha256sum | cut -c 1-32)
        [[ -e $stamp ]] || todo+=("$stamp" "$file")
    done < <(tracked '*.c')
    ((${#todo[@]} > 0)) || return 0
    # shellcheck disable=SC2016 # the inner shell expands
    printf '%s\0' "${todo[@]}" | xargs -0 -n 2 -P "$jobs" bash -c '
        if output=$(clang-tidy -p build/dev --quiet --warnings-as-errors="*" \
            --extra-arg=-Wno-unknown-warning-option --extra-arg=-Xclang --extra-arg=-analyzer-config \
            --extra-arg=-Xclang --extra-arg=max-nodes=20000 "$1" 2>&1); then
            : >"$0"
        else
            grep -vE "^[0-9]+ warnings? generated" <<<"$output"
            exit 1
        fi'
}
