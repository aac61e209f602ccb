# shellcheck shell=bash disable=SC2154 # what journey.sh and the journey give
# Cuts at moments that a seed chooses. Sourced by journeys, behind journey.sh, which say in the arrays `before` and `after`
# what is installed then: PACKAGE=VERSION..., and a name alone where it is not.
#   cut_short COUNT SEED
# In turns a run and the rollback of it are cut short: a worker, the daemon or dpkg is killed, or the machine loses its
# power, somewhere in a phase. What was begun then ends by itself; behind it the machine is as after the run or as before
# it, the package database is sound, and the history tells just what became of it. PATCHD_SEED repeats a series.

victims=(worker daemon machine dpkg)
forward=(repair refresh download rehearse restore-point apply restart verify)
backward=(repair roll-back restart verify quarantine)
# A phase lasts about so long, ms.
declare -A lasts=([repair]=60 [refresh]=400 [download]=400 [rehearse]=1500 [restore-point]=150 [apply]=1500
    [restart]=80 [verify]=700 [roll-back]=1500 [quarantine]=80)

# Whoever knows the seed knows the series: bash's own generator.
pick() { # pick VARIABLE WORD...
    local variable=$1
    shift
    printf -v "$variable" %s "${*:RANDOM % $# + 1:1}"
}

# state: `before`, `after`, or what is neither.
state() {
    local pair word='' found
    for pair in "${before[@]}" '|' "${after[@]}"; do
        if [ "$pair" = '|' ]; then
            [ -n "$word" ] || { echo before; return; }
            word=''
            continue
        fi
        found=$(version_of "${pair%%=*}")
        case $pair in
        *=*) [ "$found" = "ii ${pair#*=}" ] || word="$word $pair is '$found'" ;;
        *) [[ $found != i* ]] || word="$word $pair is '$found'" ;;
        esac
    done
    echo "${word:-after}"
}

newest_run() { in_machine sh -c 'ls /var/lib/patchd-worker/runs | tail -n 1'; }

# up_again: the machine has its power back, and its daemon is ready.
up_again() {
    power_cut
    wait_for 120 "the daemon is up again" in_machine patchd status --json
}

# at_rest SINCE: whatever was begun has ended, in the record and in the ledger.
at_rest() {
    no_run_open && last_run "run.get('outcome') is not None" && ! in_machine pgrep -fx '/usr/bin/patchd worker'
}

# told: the history of the runs since says what has changed, and nothing else.
told() { # told SINCE STATE-BEFORE
    package_state >"$work/packages.now"
    in_machine patchd history --json >"$work/history.json"
    python3 "$lab_source/told.py" "$work/history.json" "$1" "$2" "$work/packages.now"
}

# one_cut COMMAND WANTED PHASE...: once; then until the wanted state is there.
one_cut() {
    local command=$1 wanted=$2 since phase victim delay hit found tries
    shift 2
    pick phase "$@"
    pick victim "${victims[@]}"
    [[ $victim != dpkg || $phase == apply || $phase == roll-back ]] || victim=worker
    delay=$((RANDOM % lasts[$phase]))
    since=$(newest_run)
    package_state >"$work/packages.before"
    in_machine sh -c 'exec cut.py "$@" >/run/lab/cut' cut "$phase" "$delay" "$victim" "$since" &
    local cutter=$!
    # Whoever asked may be told nothing more: what was begun goes on all the same.
    in_machine patchd "$command" ${now:+"$now"} >"$work/cut.out" 2>&1 </dev/null || true &
    local asker=$!
    wait $cutter
    hit=$(in_machine cat /run/lab/cut)
    [ -n "$hit" ] || fail "nobody says who was killed"
    [ "$hit" != machine ] || up_again
    wait $asker || true
    wait_for 600 "all is at rest again" at_rest
    found=$(state)
    step "$command, $victim $delay ms into $phase: $hit; $found"
    [[ $found == before || $found == after ]] || fail "the machine is between: $found"
    sound
    told "$since" "$work/packages.before" >"$work/told" 2>&1 || fail "the history: $(tail -n 1 "$work/told")"
    for tries in 1 2 3; do
        [ "$(state)" != "$wanted" ] || return 0
        in_machine patchd "$command" ${now:+"$now"} >"$work/again-$tries.out" 2>&1 </dev/null || true
        wait_for 600 "all is at rest" at_rest
    done
    [ "$(state)" = "$wanted" ] || fail "$command does not get there: $(tail -n 1 "$work/again-3.out")"
}

cut_short() {
    local count=$1 cuts now
    RANDOM=${PATCHD_SEED:=$2}
    step "seed $PATCHD_SEED"
    bring "$lab_source/cut.py" /usr/local/bin/cut.py
    for ((cuts = 0; cuts < count; cuts += 2)); do
        now=--now one_cut run after "${forward[@]}"
        now='' one_cut rollback before "${backward[@]}"
        # Nothing is to be kept away from the next round.
        in_machine rm -f /etc/apt/preferences.d/00patchd-quarantine.pref
    done
}
