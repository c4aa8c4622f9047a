#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""goproxy.py OUT MODULE TARBALL: one version of a Go module as GOPROXY=file://OUT wants it.

The tarball is the release as upstream tagged it, so the zip has the files that
proxy.golang.org serves and go.sum's h1 hash (printed) is the one known to the world.
Format: https://go.dev/ref/mod#zip-files
"""
import base64
import hashlib
import json
import os
import re
import sys
import tarfile
import zipfile

EPOCH = (1980, 1, 1, 0, 0, 0)


def read_release(path):
    """The regular files of a release, by name below its top folder."""
    files = {}
    with tarfile.open(path) as tar:
        for info in tar:
            name = info.name.split("/", 1)[1] if "/" in info.name else ""
            if info.isfile() and name:
                files[name] = tar.extractfile(info).read()
    return files


def in_module(name, nested):
    """Vendored packages and modules of their own below this one are not part of its zip."""
    return "/vendor/" not in "/" + name and not any(name.startswith(n) for n in nested)


def dirhash(files):
    lines = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n"
                    for name, data in sorted(files.items()))
    return "h1:" + base64.b64encode(hashlib.sha256(lines.encode()).digest()).decode()


def escape(module):
    return re.sub("[A-Z]", lambda m: "!" + m.group().lower(), module)


def main():
    out, module, tarball = sys.argv[1:]
    version = "v" + re.search(r"_([0-9.]+)\.orig\.", os.path.basename(tarball)).group(1)
    release = read_release(tarball)
    nested = [n[:-6] for n in release if n.endswith("/go.mod")]
    files = {f"{module}@{version}/{n}": d for n, d in release.items() if in_module(n, nested)}

    folder = os.path.join(out, escape(module), "@v")
    os.makedirs(folder)
    with zipfile.ZipFile(os.path.join(folder, version + ".zip"), "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in sorted(files.items()):
            z.writestr(zipfile.ZipInfo(name, EPOCH), data, zipfile.ZIP_DEFLATED)
    for name, data in ((version + ".mod", release["go.mod"]),
                       (version + ".info", json.dumps({"Version": version}).encode()),
                       ("list", (version + "\n").encode())):
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data)
    print(f"{module} {version} {dirhash(files)}")
    print(f"{module} {version}/go.mod {dirhash({'go.mod': release['go.mod']})}")


if __name__ == "__main__":
    main()
