#!/usr/bin/env python3
"""A jail from a command line, as the worker makes one: jail.py PATCHD [OPTION...] -- PROGRAM ARGUMENT...

--layer MIB  --disk FOLDER  --memory MIB  --tasks N  --seconds N  --no-user-namespace  --no-seccomp

Prints what the program says, then the report as JSON, without the list of changes but their number. Exits 0 when there is
a report."""
import json
import os
import socket
import subprocess
import sys
import threading


def main():
    patchd, *words = sys.argv[1:]
    at = words.index("--")
    options, payload = words[:at], words[at + 1:]
    jail = {
        "view": "Copy", "layer": {"Memory": {"bytes": 512 << 20}}, "bounds": {"memory": 1 << 30, "tasks": 512},
        "time_limit": {"secs": 600, "nanos": 0}, "network": "None", "walls": {"user_namespace": True, "seccomp": True},
    }
    values = iter(options)
    for option in values:
        if option == "--no-user-namespace":
            jail["walls"]["user_namespace"] = False
        elif option == "--no-seccomp":
            jail["walls"]["seccomp"] = False
        elif option == "--layer":
            jail["layer"] = {"Memory": {"bytes": int(next(values)) << 20}}
        elif option == "--disk":
            jail["layer"] = {"Disk": {"folder": next(values), "bytes": 512 << 20}}
        elif option == "--memory":
            jail["bounds"]["memory"] = int(next(values)) << 20
        elif option == "--tasks":
            jail["bounds"]["tasks"] = int(next(values))
        elif option == "--seconds":
            jail["time_limit"]["secs"] = int(next(values))
        else:
            sys.exit(f"jail.py: what is {option}?")
    wish = {"jail": jail, "payload": payload, "within": "/", "id": os.urandom(8).hex(), "files": [], "group": None}
    ours, theirs = socket.socketpair()
    reader, writer = os.pipe()
    supervisor = subprocess.Popen([patchd, "jail", "supervisor"], stdin=theirs, stdout=writer, stderr=writer)
    theirs.close()
    os.close(writer)
    ours.sendall(json.dumps(wish).encode() + b"\n")
    said = threading.Thread(target=pass_on, args=(reader,))
    said.start()
    report = b"".join(iter(lambda: ours.recv(1 << 16), b""))
    supervisor.wait()
    said.join()
    lines = [line for line in report.split(b"\n") if line]
    report = json.loads(lines[-1]) if lines else {}
    if "Ended" in report:
        report["Ended"]["changes"] = len(report["Ended"]["changes"])
    print(json.dumps(report))
    sys.exit(0 if "Ended" in report else 1)


def pass_on(descriptor):
    with os.fdopen(descriptor, errors="replace") as said:
        for line in said:
            print(line, end="", flush=True)


if __name__ == "__main__":
    main()
