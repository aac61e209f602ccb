#!/usr/bin/env python3
"""told.py HISTORY SINCE BEFORE NOW: whether the runs after SINCE, in the document of `patchd history --json`, tell just what
differs between two lists of packages (journey.sh's package_state)."""

import json
import sys


def versions(path):
    """What is installed, by name and architecture."""
    with open(path) as file:
        lines = [line.split() for line in file]
    return {words[0]: words[1] for words in lines if words[-1] == "installed"}


def told(path, since):
    """The first `from` and the last `to` of what those runs say."""
    with open(path) as file:
        runs = sorted(json.load(file)["runs"], key=lambda run: run["run"])
    changes = {}
    for run in runs:
        for change in run["packages"] if run["run"] > since else []:
            name = change["package"] + ":" + change["architecture"]
            first = changes.get(name, (change.get("from"),))[0]
            changes[name] = (first, change.get("to"))
    return {name: change for name, change in changes.items() if change[0] != change[1]}


def main(history, since, before, now):
    before, now = versions(before), versions(now)
    names = [name for name in before.keys() | now.keys() if before.get(name) != now.get(name)]
    did = {name: (before.get(name), now.get(name)) for name in names}
    if did != told(history, since):
        sys.exit(f"it did {sorted(did.items())}, and told {sorted(told(history, since).items())}")


main(*sys.argv[1:])
