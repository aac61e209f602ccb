#!/usr/bin/env python3
"""Packages indexes of the local repository, cut out of the archive's own.

index.py select PACKAGES WANTED    the stanzas whose "name version architecture" is a line of WANTED
index.py hidden PACKAGES STATUS HAVE
                                   name=version of what PACKAGES offers newer than dpkg's STATUS, and HAVE lacks
"""

import re
import subprocess
import sys


def stanzas(path):
    with open(path, encoding="utf-8") as lines:
        for text in lines.read().split("\n\n"):
            fields = dict(re.findall(r"^([A-Za-z-]+): *(.*)$", text, re.MULTILINE))
            if "Package" in fields:
                yield text.strip("\n"), fields


def identity(fields):
    return " ".join(fields[key] for key in ("Package", "Version", "Architecture"))


def lines_of(path):
    with open(path, encoding="utf-8") as lines:
        return {line.strip() for line in lines}


def select(packages, wanted):
    wanted = lines_of(wanted)
    for text, fields in stanzas(packages):
        if identity(fields) in wanted:
            name = fields["Filename"].rsplit("/", 1)[1]
            print(re.sub(r"^Filename: .*$", f"Filename: pool/{name}", text, flags=re.MULTILINE), end="\n\n")


def is_newer(version, than):
    return subprocess.run(["dpkg", "--compare-versions", version, "gt", than], check=False).returncode == 0


def hidden(packages, status, have):
    have = lines_of(have)
    installed = {
        fields["Package"]: fields["Version"]
        for _, fields in stanzas(status)
        if fields.get("Status") == "install ok installed"
    }
    for _, fields in stanzas(packages):
        old = installed.get(fields["Package"])
        if old and identity(fields) not in have and is_newer(fields["Version"], old):
            print(f"{fields['Package']}={fields['Version']}")


if __name__ == "__main__":
    {"select": select, "hidden": hidden}[sys.argv[1]](*sys.argv[2:])
