#!/usr/bin/env python3
"""forge.py FOLDER: in a machine, as the user patchd, sends every forged order of FOLDER (tests/fixtures/forged-orders) to
the worker, and exits with 1 when one of them was not refused. For which words, the unit tests know."""

import json
import pathlib
import socket
import sys
import time

WORKER = "/run/patchd-worker.sock"


def events(text):
    """What the worker answers on a connection of its own; one that is not gone yet is waited for."""
    told = []
    for _ in range(50):
        with socket.socket(socket.AF_UNIX) as worker:
            worker.settimeout(60)
            worker.connect(WORKER)
            try:
                worker.sendall(text.encode())
                worker.shutdown(socket.SHUT_WR)
            except (BrokenPipeError, OSError):
                pass  # It has heard enough.
            heard = b""
            try:
                while chunk := worker.recv(65536):
                    heard += chunk
            except ConnectionResetError:
                pass
        told = [json.loads(line) for line in heard.splitlines()]
        if told and told[-1].get("refusal", {}).get("why") != "busy":
            break
        time.sleep(0.2)
    return told


def main(folder):
    bad = 0
    files = sorted(pathlib.Path(folder).glob("*.json"))
    for path in files:
        forged = json.loads(path.read_text())
        for sound in forged["given"]:
            if events(sound)[-1]["event"] != "done":
                raise SystemExit(f"{path.name}: a sound order failed")
        end = events(forged["send"].replace("{pad}", " " * forged.get("pad", 0)))[-1]
        if end["event"] != "refused":
            bad += 1
            print(f"{path.name}: {forged['claim']}: not refused: {json.dumps(end)}")
        for sound in forged["after"]:
            events(sound)
    print(f"{len(files)} forged orders, {bad} not refused")
    raise SystemExit(1 if bad or len(files) < 15 else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
