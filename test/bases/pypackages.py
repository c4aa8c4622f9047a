#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Python distributions out of Debian's packages, for pip's --find-links.

pypackages.py wheels OUT DEB...            each binary package becomes a py3-none-any wheel
                                           (python3-*-whl packages have wheels already)
pypackages.py sdist OUT NAME TARBALL       an upstream tarball becomes NAME-VERSION.tar.gz
"""
import base64
import email
import gzip
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


def info_folder(site):
    return next(os.path.join(site, d) for d in sorted(os.listdir(site))
                if d.endswith((".dist-info", ".egg-info")))


def write_wheel(out, site, needs):
    folder = info_folder(site)
    name, version, text = metadata(folder)
    head, _, body = text.partition("\n\n")
    head = head.rstrip("\n") + "".join(f"\nRequires-Dist: {n}" for n in needs)
    stem = f"{re.sub('[-.]', '_', name)}-{version}"
    info = stem + ".dist-info/"
    files = dict(package_files(site, folder))
    files[info + "METADATA"] = f"{head}\n\n{body}".encode()
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


def control_field(deb, field):
    return subprocess.run(["dpkg-deb", "-f", deb, field], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.strip()


def wheels(out, *debs):
    """Debian strips requirements that its own Depends state: the ones among debs are put back."""
    with tempfile.TemporaryDirectory() as top:
        trees, names = {}, {}
        for deb in debs:
            package = control_field(deb, "Package")
            trees[deb] = os.path.join(top, package)
            subprocess.run(["dpkg-deb", "-x", deb, trees[deb]], check=True)
            if os.path.isdir(os.path.join(trees[deb], SITE)):
                names[package] = metadata(info_folder(os.path.join(trees[deb], SITE)))[0]
        for deb, tree in trees.items():
            ready = os.path.join(tree, "usr/share/python-wheels")
            if os.path.isdir(ready):
                for name in os.listdir(ready):
                    shutil.copy(os.path.join(ready, name), out)
            else:
                depends = re.findall(r"[a-z0-9][a-z0-9.+-]+", control_field(deb, "Depends"))
                needs = sorted({names[d] for d in depends if d in names})
                write_wheel(out, os.path.join(tree, SITE), needs)


def sdist(out, name, tarball):
    """The same files below NAME-VERSION/, the one place where pip looks for setup.py."""
    version = re.search(r"_([0-9.]+)\.orig\.", os.path.basename(tarball)).group(1)
    stem = f"{name}-{version}"
    with tarfile.open(tarball) as old, open(os.path.join(out, stem + ".tar.gz"), "wb") as f, \
            gzip.GzipFile("", "wb", fileobj=f, mtime=0) as packed, \
            tarfile.open(fileobj=packed, mode="w") as new:
        for info in old:
            if "/" not in info.name:
                continue
            info.name = stem + "/" + info.name.split("/", 1)[1]
            new.addfile(info, old.extractfile(info) if info.isfile() else None)


if __name__ == "__main__":
    {"wheels": wheels, "sdist": sdist}[sys.argv[1]](*sys.argv[2:])
