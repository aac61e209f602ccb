#!/usr/bin/env python3
"""compare.py REBUILT ARCHIVE: are the rebuilt packages those of the archive?

Control fields, control files, and each entry of the data tar in its order: type, mode, owner, size, content, target.
What may differ is in ALLOWED, each with its reason; anything else is a failure."""
import hashlib
import io
import subprocess
import sys
import tarfile
from pathlib import Path

# Fields that the archive overrides in its index, which is what dpkg then remembers.
FIELDS = {"Priority", "Section"}

# Files whose owner or mode a postinst or dpkg-statoverride changes; folders may have changed theirs anywhere.
FILES = {
    "./usr/bin/crontab", "./usr/lib/dbus-1.0/dbus-daemon-launch-helper", "./usr/bin/ssh-agent", "./etc/sudoers",
    "./etc/bind/named.conf", "./etc/bind/named.conf.default-zones", "./etc/bind/named.conf.local",
    "./etc/bind/named.conf.options", "./etc/bind/zones.rfc1918",
}

# Folders in the package, links on disk since ever.
LINKS = {"./var/run/", "./var/lock/", "./var/run", "./var/lock"}


def tar_of(deb, member):
    flag = {"control": "--ctrl-tarfile", "data": "--fsys-tarfile"}[member]
    return subprocess.run(["dpkg-deb", flag, deb], check=True, capture_output=True).stdout


def fields(text):
    found, name = {}, None
    for line in text.decode().splitlines():
        if line[:1] in " \t":
            found[name] += "\n" + line
        elif ":" in line:
            name, value = line.split(":", 1)
            found[name] = value.strip()
    return found


def control(deb):
    files = {}
    with tarfile.open(fileobj=io.BytesIO(tar_of(deb, "control"))) as tar:
        for entry in tar:
            if entry.isfile():
                files[entry.name.removeprefix("./")] = (entry.mode & 0o111, tar.extractfile(entry).read())
    return files


def entries(deb):
    listed = []
    with tarfile.open(fileobj=io.BytesIO(tar_of(deb, "data"))) as tar:
        for entry in tar:
            name = "./" + entry.name.removeprefix("./").rstrip("/")
            content = hashlib.sha256(tar.extractfile(entry).read()).hexdigest() if entry.isreg() else ""
            mode = 0 if entry.issym() else entry.mode & 0o7777
            owner = (entry.uid, entry.gid, entry.uname or "root", entry.gname or "root")
            listed.append((name, entry.type, mode, owner, entry.size, entry.linkname.removeprefix("./"), content))
    return listed


def differences(ours, theirs):
    one, other = control(ours), control(theirs)
    for name in sorted(one.keys() | other.keys()):
        if name == "control":
            mine, its = fields(one[name][1]), fields(other[name][1])
            for field in sorted(mine.keys() | its.keys()):
                if mine.get(field) != its.get(field):
                    yield "allowed" if field in FIELDS else "WRONG", f"field {field}: {mine.get(field)!r}, {its.get(field)!r}"
        elif one.get(name) != other.get(name):
            yield "WRONG", f"control file {name}"
    mine, its = entries(ours), entries(theirs)
    if [it[0] for it in mine] != [it[0] for it in its]:
        yield "WRONG", f"list of paths: {sorted({i[0] for i in mine} ^ {i[0] for i in its})[:5]} or their order"
        return
    for ours_, theirs_ in zip(mine, its):
        if ours_ == theirs_:
            continue
        name, kind = theirs_[0], theirs_[1]
        dressed = ours_[:2] + ours_[4:] == theirs_[:2] + theirs_[4:]
        may = name in LINKS or (dressed and (kind == tarfile.DIRTYPE or name in FILES))
        yield "allowed" if may else "WRONG", f"{name}: {ours_[1:]} is {theirs_[1:]}"


def main():
    rebuilt, archive = map(Path, sys.argv[1:3])
    same = allowed = wrong = absent = 0
    for ours in sorted(rebuilt.glob("*.deb")):
        says = subprocess.run(["dpkg-deb", "-f", ours, "Package", "Version", "Architecture"], check=True, capture_output=True, text=True)
        name, version, architecture = (line.split(": ", 1)[1] for line in says.stdout.splitlines())
        theirs = archive / f"{name}_{version.replace(':', '%3a')}_{architecture}.deb"
        if not theirs.exists():
            absent += 1
            continue
        found = list(differences(ours, theirs))
        for verdict, sentence in found:
            print(f"{verdict:8}{name}: {sentence}")
        if any(verdict == "WRONG" for verdict, _ in found):
            wrong += 1
        elif found:
            allowed += 1
        else:
            same += 1
    print(f"{same} identical, {allowed} with an allowed difference, {wrong} wrong; {absent} that the archive does not have any more")
    sys.exit(wrong > 0 or same + allowed < 200)


main()
