#!/usr/bin/env python3
"""facts.py FILE EXPRESSION: exit 0 when the expression is true of the JSON document in FILE.

Words: d is the document; every(d) all objects in it, at any depth; update("name") the entry of `updates` for a package
(with "name:architecture" for one of several); has(**fields) whether some object anywhere has these fields.
"""

import json
import re
import sys


def every(value):
    if isinstance(value, dict):
        yield value
    if isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from every(inner)


def main(path, expression):
    with open(path, encoding="utf-8") as text:
        document = json.load(text)

    def update(name):
        package, _, architecture = name.partition(":")
        for entry in document["updates"]:
            if entry["package"] == package and architecture in ("", entry["architecture"]):
                return entry
        raise SystemExit(f"no update of {name} among {[entry['package'] for entry in document['updates']]}")

    def has(**fields):
        return any(all(entry.get(key) == value for key, value in fields.items()) for entry in every(document))

    words = {"d": document, "every": every, "update": update, "has": has, "re": re, "json": json, "text": json.dumps(document)}
    if not eval(expression, words):  # noqa: S307, the journeys are ours
        raise SystemExit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
