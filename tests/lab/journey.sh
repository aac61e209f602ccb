# shellcheck shell=bash
# The words a journey is written in. A journey is a script that proves one claim on one release:
#   source "$(dirname "$0")/../journey.sh" "$@"
# gives it $release, a place of its own ($work), and takes the machine down again however the journey ends.
set -euo pipefail
# shellcheck source=lab.sh
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

release=${1:?which release: bookworm or trixie}
journey=$(basename "$0")
machine=$journey-$release-$$
work=$lab_dir/logs/$release-$journey
calls=0
mirror_pid=''

rm -rf "$work"
mkdir -p "$work"/{debs,own/{old,updates,security}}
trap finish EXIT
trap 'exit 143' TERM INT

# --- telling -----------------------------------------------------------------------------------------------------

step() { printf '  %4d s  %s\n' $SECONDS "$*"; }
fail() {
    printf 'FAILED: %s\n' "$*"
    exit 1
}

finish() {
    local code=$?
    trap - EXIT TERM INT
    [ $code = 0 ] || evidence || true
    [ -z "$mirror_pid" ] || kill "$mirror_pid" 2>/dev/null || true
    if [ $code != 0 ] && [ -n "${PATCHD_LAB_KEEP:-}" ]; then
        say "kept: $lab_source/machine sh $machine bash"
    else
        take_down || true
    fi
    exit $code
}
take_down() { "$lab_source/machine" down "$machine"; }

# What a person needs to understand a failure: what patchd said, its logs, its record, the state of the machine.
evidence() {
    local file root=$lab_dir/machines/$machine/root
    for file in "$work"/*.out "$work"/*.err; do show "$file" 40; done
    for file in "$root"/var/log/patchd/*; do show "$file" 60; done
    for file in "$root"/var/lib/patchd-worker/runs/*/*; do show "$file" 20; done
    if [ -n "$("$lab_source/machine" leader "$machine")" ]; then
        echo '----- dpkg --audit, processes, journal'
        in_machine dpkg --audit || true
        in_machine ps axfo pid,ppid,stat,etime,args || true
        in_machine journalctl --no-pager -t patchd -n 60 -o short-precise || true
    else
        show "$lab_dir/machines/$machine/console.log" 40
    fi
}
show() {
    [ -s "$1" ] || return 0
    echo "----- ${1##*/"$machine"/root} (last $2 lines)"
    tail -n "$2" "$1" | cut -c1-600
}

# --- the machine -------------------------------------------------------------------------------------------------

# real_machine [OPTION...]: a server with the real pending updates of its release.
# made_machine [OPTION...]: one with the made packages; on offer is what `offer` said.
# daemon_machine [OPTION...]: the same with the package installed by apt, and its daemon ready.
# The first two have the program alone, as a machine without a daemon has it.
real_machine() {
    boot_machine "$@"
    bring_program
}
made_machine() {
    boot_made_machine "$@"
    bring_program
}
daemon_machine() {
    boot_made_machine --bind "$work/debs:/srv/debs" "$@"
    cp "$(package_under_test)" "$work/debs/patchd.deb"
    in_machine apt-get -qq update
    install_package patchd
    in_machine systemctl is-active --quiet patchd.service || fail "the daemon is not active after the installation"
}
boot_made_machine() { boot_machine --made --bind "$work/made:/srv/made" --bind "$(pool_dir):/srv/pool" "$@"; }
boot_machine() {
    "$lab_source/machine" up "$machine" "$release" "$@"
    in_machine mkdir -p /run/lab
    step "machine is up"
}
bring_program() {
    "$lab_source/machine" cp "$machine" "$(under_test)" /usr/bin/patchd
    in_machine mkdir -p /etc/patchd
}

# install_package NAME: with apt, as an administrator would, from a file of $work/debs.
install_package() {
    in_machine env DEBIAN_FRONTEND=noninteractive apt-get -q -y install "/srv/debs/$1.deb" >"$work/install-$1.out" 2>&1 ||
        fail "$1.deb does not install: $(tail -n 5 "$work/install-$1.out")"
    step "$1.deb is installed"
}

# repack VERSION OUT [SCRIPT]: our package under another version; SCRIPT may change its unpacked tree.
repack() {
    local tree=$work/repack
    rm -rf "$tree"
    dpkg-deb -R "$(package_under_test)" "$tree"
    sed -i "s/^Version: .*/Version: $1/" "$tree/DEBIAN/control"
    (cd "$tree" && sh -euc "${3:-:}")
    dpkg-deb -Zgzip --root-owner-group --build "$tree" "$2" >/dev/null
}

in_machine() { "$lab_source/machine" sh "$machine" "$@"; }

# bring FILE PATH: an executable file into the machine.
bring() { "$lab_source/machine" cp "$machine" "$@"; }

# power_cut: and the machine boots again.
power_cut() {
    "$lab_source/machine" kill9 "$machine"
    "$lab_source/machine" start "$machine"
    in_machine mkdir -p /run/lab
    step "the power was cut, and the machine has booted again"
}

# write PATH: stdin to a file of the machine.
write() { in_machine sh -c "mkdir -p \"\$(dirname '$1')\"; cat >'$1'"; }

# offer PACKAGE...: the repository of made packages has these, in every version that packages/ says, or that lies in
# $work/own (old: the installed one, updates, security).
offer() {
    local pool repo=$work/made suite where package architecture
    pool=$(pool_dir)
    mkdir -p "$repo/pool"
    find "$pool/old" "$work/own/old" -name '*.deb' -exec cp -n {} "$repo/pool/" \;
    for where in '' updates security; do
        suite=$release${where:+-$where}
        mkdir -p "$work/index/$suite"
        if [ -z "$where" ]; then
            cp -l "$repo"/pool/*.deb "$work/index/$suite/" 2>/dev/null || true
        else
            for package; do
                find "$pool/$where" "$work/own/$where" -name "${package}_*.deb" -exec cp {} "$repo/pool/" \; -exec cp {} "$work/index/$suite/" \;
            done
        fi
        for architecture in amd64 i386; do
            mkdir -p "$repo/dists/$suite/main/binary-$architecture"
            (cd "$work/index/$suite" && apt-ftparchive --arch "$architecture" packages . | sed 's,^Filename: \./,Filename: pool/,') \
                >"$repo/dists/$suite/main/binary-$architecture/Packages"
        done
        publish "$repo" "$suite" Origin=Debian "Label=Debian$([ "$where" != security ] || echo -Security)" \
            "$(sed -n 's/^Suite: /Suite=/p' "$(base_dir "$release")/repo/dists/$suite/Release")" "Codename=$suite" 'Architectures=amd64 i386' Components=main
    done
}

# own_package NAME VERSION WHERE [FIELD...]: a package of this journey alone, in $work/own/WHERE; its postinst is on stdin,
# and what lies in $work/files goes into it.
own_package() {
    local name=$1 version=$2 where=$3 tree=$work/tree
    shift 3
    rm -rf "$tree"
    mkdir -p "$work/files"
    mv "$work/files" "$tree"
    mkdir -p "$tree/DEBIAN" "$tree/usr/share/$name"
    printf '%s\n' "Package: $name" "Version: $version" 'Architecture: all' 'Maintainer: patchd lab <lab@example.invalid>' \
        "Description: made package of this journey" "$@" >"$tree/DEBIAN/control"
    echo "$version" >"$tree/usr/share/$name/version"
    { printf '#!/bin/sh\nset -e\n' && cat; } >"$tree/DEBIAN/postinst"
    chmod 755 "$tree/DEBIAN/postinst"
    dpkg-deb -Zgzip --build --root-owner-group "$tree" "$work/own/$where/${name}_${version}_all.deb" >/dev/null
}

# The failing mirror serves those packages at http://ADDRESS:8080/FAULT, on the machine's own loopback. One address a
# repository: apt gives up on all of an address once a connection to it failed, whatever the port.
start_mirror() {
    nsenter -t "$("$lab_source/machine" leader "$machine")" -n python3 "$lab_source/mirror.py" "$work/made" 8080 &
    mirror_pid=$!
    wait_for 20 "the mirror answers" in_machine curl -sf -o /dev/null "http://127.0.0.1:8080/ok/dists/$release/InRelease"
}
repository() { # repository NAME URI SUITE...
    local name=$1 uri=$2
    shift 2
    printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: /usr/share/keyrings/lab.gpg\n' "$uri" "$*" |
        write "/etc/apt/sources.list.d/$name.sources"
}

# The default policy takes security updates only; this one takes everything, and at once: journeys that are about
# rehearsals say so themselves.
policy_everything() {
    write /etc/patchd/patchd.toml <<-'TOML'
	[policy.default]
	rehearse = false
	[[policy.default.rule]]
	when = { package = ["*"] }
	then = "install"
	TOML
}

# fake_clock TIME: the daemon starts anew at that time (UTC) by a clock of its own, which runs on; true_clock: by ours again.
fake_clock() {
    local library=/srv/debs/libfaketime.so.1
    [ -e "$work/debs/${library##*/}" ] || bring_faketime
    write /run/systemd/system/patchd.service.d/clock.conf <<-UNIT
	[Service]
	Environment="LD_PRELOAD=$library" "FAKETIME=@$1" FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_NO_CACHE=1 TZ=UTC
	UNIT
    in_machine systemctl daemon-reload
    in_machine systemctl restart patchd.service || fail "the daemon does not start at $1"
    step "the daemon's clock says $1"
}
true_clock() {
    in_machine rm -f /run/systemd/system/patchd.service.d/clock.conf
    in_machine systemctl daemon-reload
    in_machine systemctl restart patchd.service
}
bring_faketime() (
    cd "$(mktemp -d "$work/faketime.XXXX")"
    apt-get -qq download libfaketime && dpkg-deb -x libfaketime_*.deb .
    cp usr/lib/*/faketime/libfaketime.so.1 "$work/debs/"
)

# open_gate [PACKAGE...]: those that wait there may go on, now and later; by default all that ever do.
open_gate() {
    [ $# -gt 0 ] || set -- lab-slow lab-unpack
    in_machine sh -c 'mkdir -p /var/lib/lab-gate && cd /var/lib/lab-gate && touch "$@"' open "$@"
}
waits_at_gate() { in_machine test -e "/run/lab/$1.waits"; }

# --- waiting and asserting ---------------------------------------------------------------------------------------

# wait_for SECONDS CLAIM COMMAND...: until the command succeeds; a journey never sleeps for a fixed time instead.
wait_for() {
    local seconds=$1 claim=$2 end=$((SECONDS + $1))
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || fail "waited $seconds s in vain: $claim"
        sleep 0.1
    done
}

# patchd ARGUMENT...: run it as root in the machine, at most 10 minutes; then $code, $out and $err are its own.
# patchd_as USER ARGUMENT...: the same as somebody else.
patchd() { call "$*" /usr/bin/patchd "$@"; }
patchd_as() { call "${*:2} as $1" runuser -u "$1" -- env HOME="/home/$1" /usr/bin/patchd "${@:2}"; }
call() {
    local began=$SECONDS
    last="patchd $1"
    calls=$((calls + 1))
    out=$work/$(printf '%02d-%s' $calls "${1//[ \/]/-}").out
    err=${out%.out}.err code=0
    timeout 600 "$lab_source/machine" sh "$machine" "${@:2}" >"$out" 2>"$err" </dev/null || code=$?
    [ $code != 124 ] || fail "$last did not end within 600 s"
    step "$last: exit $code after $((SECONDS - began)) s"
}

# expect_exit "CODES" COMMAND...: the command's exit code is one of these.
expect_exit() {
    local codes=$1
    shift
    "$@"
    [[ " $codes " == *" $code "* ]] || fail "$last: exit $code, expected ${codes// / or }"
}

# still [SERVICE...]: whatever writes files by itself, which would be blamed on somebody else, has ended.
still() {
    in_machine systemctl stop '*.timer' 'postgresql*' named syslog.socket rsyslog "$@" || true
    # systemd removes their control groups later.
    wait_for 20 "the stopped services have left their control groups" no_groups 'postgresql*' named rsyslog "$@"
}
no_groups() {
    local name
    for name; do [ -z "$(in_machine find /sys/fs/cgroup -name "$name.service")" ] || return 1; done
}

# begin NAME ARGUMENT...: patchd in the background; its pid in the machine is then in /run/lab/NAME.pid.
# ended NAME "CODES": waits for its end; sets $code, $out and $err.
begin() {
    local name=$1
    shift
    (
        code=0
        in_machine sh -c 'echo $$ >"/run/lab/$0.pid"; exec /usr/bin/patchd "$@"' "$name" "$@" \
            >"$work/$name.out" 2>"$work/$name.err" </dev/null || code=$?
        echo $code >"$work/$name.code"
    ) &
    wait_for 20 "patchd $* has begun" in_machine test -s "/run/lab/$name.pid"
    step "patchd $* begins ($name)"
}
ended() {
    wait_for 300 "the $1 run ends" test -s "$work/$1.code"
    code=$(cat "$work/$1.code") out=$work/$1.out err=$work/$1.err
    step "the $1 run: exit $code"
    [ -z "${2:-}" ] || [[ " $2 " == *" $code "* ]] || fail "the $1 run: exit $code, expected ${2// / or }"
}
# reaches NAME CLAIM COMMAND...: the run in the background gets to where the command succeeds.
reaches() {
    local name=$1 claim=$2 end=$((SECONDS + 120))
    shift 2
    until "$@" >/dev/null 2>&1; do
        still_runs "$name"
        [ $SECONDS -lt $end ] || fail "the $name run did not get there within 120 s: $claim"
        sleep 0.1
    done
}
still_runs() { [ ! -s "$work/$1.code" ] || fail "the $1 run ended with exit $(cat "$work/$1.code") before it should"; }
kill_hard() { in_machine sh -c "kill -9 \$(cat /run/lab/$1.pid)"; }

# said WORD...: the last call's output has each of these (extended regular expressions).
said() {
    local word
    for word; do
        grep -qiE -- "$word" "$out" "$err" || fail "nothing in the output of $(basename "${out%.out}") says: $word"
    done
}

# json CLAIM EXPRESSION: the expression is true of the last call's JSON (see facts.py for its words).
json() { python3 "$lab_source/facts.py" "$out" "$2" || fail "$1: not so in ${out##*/}: $2"; }
# value EXPRESSION [FILE]: what it gives of the last call's JSON, which is d.
value() { python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "${2:-$out}" "$1"; }

# is CLAIM EXPECTED COMMAND...: what the command prints in the machine is just that.
is() {
    local found
    found=$(in_machine "${@:3}" 2>&1) || true
    [ "$found" = "$2" ] || fail "$1: '$found', expected '$2'"
}
# refused CLAIM COMMAND...: the command fails in the machine.
refused() {
    ! in_machine "${@:2}" >"$work/refused" 2>&1 </dev/null || fail "$1: it was not refused: $(tail -n 3 "$work/refused")"
}

# daemon_pid: of the daemon that is up; ready_again PID: another one than that is.
daemon_pid() { in_machine systemctl show --value -p MainPID patchd.service; }
ready_again() {
    in_machine systemctl is-active --quiet patchd.service && [ "$(daemon_pid)" != "$1" ]
}

# no_run_open: everything that was begun has ended. last_run EXPRESSION: the newest run's entry in the history is so.
no_run_open() { ! in_machine sh -c 'cd /var/lib/patchd-worker/runs && grep -L "\"line\":\"end\"" */record.jsonl | grep -q .'; }
last_run() {
    in_machine /usr/bin/patchd history --json >"$work/last-run.json" 2>"$work/last-run.err" &&
        python3 "$lab_source/facts.py" "$work/last-run.json" "(lambda run: $1)(d['runs'][0])"
}
# ends_well: what was begun ends, and the daemon tells it so.
ends_well() {
    wait_for 180 "the run ends" no_run_open
    wait_for 60 "it is told as one that ended well" last_run "run['outcome'] in ('succeeded', 'reboot-owed')"
}

version_of() { in_machine dpkg-query -W -f '${db:Status-Abbrev}${Version}' "$1" 2>/dev/null || true; }
# installed PACKAGE=VERSION...: fully installed at just that version.
installed() {
    local pair found
    for pair; do
        found=$(version_of "${pair%%=*}")
        case $found in
        'ii '"${pair#*=}" | 'hi '"${pair#*=}") ;;
        *) fail "${pair%%=*} is '$found', expected installed at ${pair#*=}" ;;
        esac
    done
}

installed_now() { [ "$(version_of "${1%%=*}")" = "ii ${1#*=}" ]; }

# sound: the package database is whole, and nobody works on it.
sound() {
    in_machine dpkg --audit >"$work/audit"
    [ ! -s "$work/audit" ] || fail "dpkg --audit is not empty: $(head -n 3 "$work/audit" | tr '\n' ' ')"
    in_machine apt-get -q check >"$work/apt-check" 2>&1 || fail "apt-get check: $(tail -n 3 "$work/apt-check" | tr '\n' ' ')"
    [ -z "$(in_machine sh -c 'ls /var/lib/dpkg/updates; pgrep -x dpkg; pgrep -x apt-get' || true)" ] ||
        fail "a dpkg or apt-get still runs, or left something in /var/lib/dpkg/updates"
}

# The packages by name, and those marked automatic: to compare before with after.
package_state() { in_machine dpkg-query -W -f '${Package}:${Architecture} ${Version} ${Status}\n' | LC_ALL=C sort; }
auto_marks() { in_machine apt-mark showauto | LC_ALL=C sort; }
