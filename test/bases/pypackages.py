#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Python distributions out of Debian's packages, for pip's --find-links.

pypackages.py wheels OUT DEB...            each binary package becomes a py3-none-any wheel
                                           (python3-*-whl packages have wheels already)
pypackages.py sdist OUT NAME TARBALL       an upstream tarball becomes NAME-VERSION.tar.gz
"""
import base64
import email
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

SITE = "usr/lib/python3/dist-packages"
EPOCH = (1980, 1, 1, 0, 0, 0)


def read_text(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def requirements(text):
    """Requires-Dist lines out of an egg's requires.txt; extras are left out."""
    marker = ""
    for line in filter(None, map(str.strip, text.splitlines())):
        section = re.fullmatch(r"\[(.*?)(?::(.*))?\]", line)
        if section:
            marker = None if section.group(1) else f" ; {section.group(2)}"
        elif marker is not None:
            yield f"Requires-Dist: {line}{marker}"


def metadata(folder):
    """(name, version, text) of a distribution, as a wheel's METADATA."""
    wheel_style = folder.endswith(".dist-info")
    text = read_text(os.path.join(folder, "METADATA" if wheel_style else "PKG-INFO"))
    head = email.message_from_string(text)
    if wheel_style:
        return head["Name"], head["Version"], text
    lines = ["Metadata-Version: 2.1", f"Name: {head['Name']}", f"Version: {head['Version']}"]
    needs = os.path.join(folder, "requires.txt")
    if os.path.exists(needs):
        lines += requirements(read_text(needs))
    return head["Name"], head["Version"], "\n".join(lines) + "\n"


def package_files(site, skip):
    for top, folders, names in os.walk(site):
        folders[:] = sorted(f for f in folders if f != "__pycache__" and os.path.join(top, f) != skip)
        for name in sorted(names):
            path = os.path.join(top, name)
            with open(path, "rb") as f:
                yield os.path.relpath(path, site), f.read()


def record_line(name, data):
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(data)}\n"


def write_wheel(out, site):
    folder = next(os.path.join(site, d) for d in sorted(os.listdir(site))
                  if d.endswith((".dist-info", ".egg-info")))
    name, version, text = metadata(folder)
    stem = f"{re.sub('[-.]', '_', name)}-{version}"
    info = stem + ".dist-info/"
    files = dict(package_files(site, folder))
    files[info + "METADATA"] = text.encode()
    files[info + "WHEEL"] = (b"Wheel-Version: 1.0\nGenerator: debian\n"
                             b"Root-Is-Purelib: true\nTag: py3-none-any\n")
    scripts = os.path.join(folder, "entry_points.txt")
    if os.path.exists(scripts):
        files[info + "entry_points.txt"] = read_text(scripts).encode()
    record = "".join(record_line(n, d) for n, d in files.items()) + info + "RECORD,,\n"
    files[info + "RECORD"] = record.encode()
    with zipfile.ZipFile(os.path.join(out, stem + "-py3-none-any.whl"), "w") as z:
        for path, data in files.items():
            z.writestr(zipfile.ZipInfo(path, EPOCH), data, zipfile.ZIP_DEFLATED)


def wheels(out, *debs):
    for deb in debs:
        with tempfile.TemporaryDirectory() as tree:
            subprocess.run(["dpkg-deb", "-x", deb, tree], check=True)
            ready = os.path.join(tree, "usr/share/python-wheels")
            if os.path.isdir(ready):
                for name in os.listdir(ready):
                    shutil.copy(os.path.join(ready, name), out)
            else:
                write_wheel(out, os.path.join(tree, SITE))


def sdist(out, name, tarball):
    """The same files below NAME-VERSION/, the one place where pip looks for setup.py."""
    version = re.search(r"_([0-9.]+)\.orig\.", os.path.basename(tarball)).group(1)
    stem = f"{name}-{version}"
    with tarfile.open(tarball) as old, \
            tarfile.open(os.path.join(out, stem + ".tar.gz"), "w:gz") as new:
        for info in old:
            if "/" not in info.name:
                continue
            info.name = stem + "/" + info.name.split("/", 1)[1]
            new.addfile(info, old.extractfile(info) if info.isfile() else None)


if __name__ == "__main__":
    {"wheels": wheels, "sdist": sdist}[sys.argv[1]](*sys.argv[2:])
