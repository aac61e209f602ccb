#!/usr/bin/env python3
"""cut.py PHASE MILLISECONDS worker|daemon|dpkg|machine SINCE: waits, inside a machine, until the worker is asked for a
phase by a run that is newer than SINCE, and kills somebody so long after it. Prints who was killed, `machine` when that
is left to the host, or `over` when the run has ended before. Never longer than a quarter of an hour."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

RECORDS = pathlib.Path("/var/lib/patchd-worker/runs")


def lines(since):
    """What the worker has recorded of runs that are newer."""
    for folder in sorted(RECORDS.glob("*")):
        if folder.name > since:
            try:
                record = (folder / "record.jsonl").read_bytes()
            except FileNotFoundError:
                continue  # the folder comes first
            for line in record.splitlines():
                try:
                    yield json.loads(line)
                except ValueError:
                    pass  # it is being written


def pids(victim):
    """The processes of that kind, with their children of the same kind."""
    if victim == "daemon":
        shown = subprocess.run(["systemctl", "show", "--value", "-p", "MainPID", "patchd.service"], capture_output=True, text=True)
        return [int(shown.stdout)]
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        name = os.path.basename(words[0])
        if name == b"dpkg" if victim == "dpkg" else name == b"patchd" and words[1:2] == [b"worker"]:
            found.append(int(pid))
    return found


def killed(victim):
    """Ends them; false where there are none."""
    those = [pid for pid in pids(victim) if pid > 1]
    for pid in those:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return bool(those)


def main(phase, milliseconds, victim, since):
    end = time.monotonic() + 900  # a machine that is emulated takes its time
    while not any(line["line"] == "order" and line["order"]["phase"] == phase for line in lines(since)):
        over = any(line["line"] == "end" for line in lines(since))
        if over or time.monotonic() > end:
            print("over")
            return
        time.sleep(0.005)
    time.sleep(int(milliseconds) / 1000)
    if victim == "machine":
        print("machine")
        return
    # Whoever is not there yet comes soon, or the run ends without him.
    while not killed(victim):
        if any(line["line"] == "end" for line in lines(since)) or time.monotonic() > end:
            print("over")
            return
        time.sleep(0.005)
    print(victim)


main(*sys.argv[1:])
