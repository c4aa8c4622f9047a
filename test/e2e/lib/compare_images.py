#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""compare_images.py CASE IMAGE PEER DIFFERENCES USED: two images of one Dockerfile, file by file.

IMAGE is LAYOUT@CONFIG-DIGEST, an image of hew's store (an OCI layout); PEER a folder of skopeo's transport
dir:. The layers are put together here, by the specification of layers, with neither program's help; then
type, mode, owner, size, content, link target, device, extended attributes and hard links of every path are
compared, and what the configs say. Times are not.

A difference is one line, e.g. "etc/motd: mode 0644, peer 0600", "run: peer's only" or "config User: none,
peer 5". Status 0 if DIFFERENCES (case | difference | reason; the first two are shell patterns) has a
reason for every one. Which of its lines were needed is appended to USED.
"""
import fnmatch
import hashlib
import json
import os
import stat
import sys
import tarfile

TYPES = {
    tarfile.REGTYPE: "file", tarfile.AREGTYPE: "file", tarfile.DIRTYPE: "folder", tarfile.SYMTYPE: "link",
    tarfile.CHRTYPE: "character device", tarfile.BLKTYPE: "block device", tarfile.FIFOTYPE: "fifo",
}
# What the engine that runs a container fills in, and what says nothing of the image.
NOT_COMPARED = {"Hostname", "Image"}


class Inode:
    """What the names that are hard links of each other have in common."""

    def __init__(self, member, content):
        self.type = TYPES[member.type]
        self.mode = stat.S_IMODE(member.mode)
        self.owner = f"{member.uid}:{member.gid}"
        self.size = member.size if self.type == "file" else 0
        self.content = hashlib.sha256(content).hexdigest() if self.type == "file" else ""
        self.link = member.linkname if self.type == "link" else ""
        self.device = f"{member.devmajor}:{member.devminor}" if "device" in self.type else ""
        self.xattrs = {
            k[len("SCHILY.xattr."):]: v for k, v in member.pax_headers.items() if k.startswith("SCHILY.xattr.")
        }
        self.names = ()
        self.mtime = int(member.mtime)
        self.start = content[:100]


class Tree:
    """A root filesystem: path -> inode."""

    def __init__(self):
        self.at = {}

    def remove(self, path, itself=True):
        below = path + "/" if path else ""
        for p in [p for p in self.at if p.startswith(below)]:
            del self.at[p]
        if itself:
            self.at.pop(path, None)

    def whiteouts(self, names):
        for name in names:
            folder, _, base = name.rpartition("/")
            if base == ".wh..wh..opq":
                self.remove(folder, itself=False)
            elif base.startswith(".wh."):
                self.remove((folder + "/" if folder else "") + base[4:])

    def add(self, path, inode):
        old = self.at.get(path)
        if old and (old.type == "folder") != (inode.type == "folder"):
            self.remove(path)
        folder = path.rpartition("/")[0]
        if folder and folder not in self.at:
            raise ValueError(f"{path} has no folder to lie in")
        self.at[path] = inode

    def apply(self, file):
        with tarfile.open(**{"fileobj" if hasattr(file, "read") else "name": file}, mode="r:*", errorlevel=2) as t:
            members = [(m.name.strip("/").removeprefix("./"), m) for m in t]
            members = [(name, m) for name, m in members if name not in ("", ".")]
            # A layer's whiteouts are about the layers below, wherever in it they stand.
            self.whiteouts(name for name, _ in members)
            for name, m in members:
                if name.rpartition("/")[2].startswith(".wh."):
                    continue
                if m.islnk():
                    self.add(name, self.at[m.linkname.strip("/").removeprefix("./")])
                else:
                    self.add(name, Inode(m, t.extractfile(m).read() if m.isreg() else b""))

    def settle(self):
        names = {}
        for path, inode in sorted(self.at.items()):
            names.setdefault(id(inode), []).append(path)
        for inode in self.at.values():
            inode.names = tuple(names[id(inode)])


def image_of_layout(place):
    layout, _, wanted = place.partition("@")

    def blob(digest):
        return os.path.join(layout, "blobs", *digest.split(":"))

    with open(os.path.join(layout, "index.json")) as f:
        manifests = json.load(f)["manifests"]
    for d in manifests:
        with open(blob(d["digest"])) as f:
            m = json.load(f)
        if m.get("config", {}).get("digest") == wanted:
            return blob(wanted), [blob(layer["digest"]) for layer in m["layers"]]
    raise SystemExit(f"{layout} names no image {wanted}")


def image_of_dir(folder):
    with open(os.path.join(folder, "manifest.json")) as f:
        m = json.load(f)
    digests = [m["config"]["digest"], *(layer["digest"] for layer in m["layers"])]
    files = [os.path.join(folder, d.partition(":")[2]) for d in digests]
    return files[0], files[1:]


def read_image(config_file, layers):
    tree = Tree()
    for layer in layers:
        tree.apply(layer)
    tree.settle()
    with open(config_file) as f:
        return tree.at, json.load(f)


def shown(value):
    return "none" if value in (None, "", [], {}) else value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def differences_of_entry(ours, theirs):
    if ours.type != theirs.type:
        yield f"a {ours.type}, peer a {theirs.type}"
        return
    if ours.mode != theirs.mode and ours.type != "link":
        yield f"mode {ours.mode:04o}, peer {theirs.mode:04o}"
    for what in ("owner", "size", "link", "device"):
        a, b = getattr(ours, what), getattr(theirs, what)
        if a != b:
            yield f"{what} {a}, peer {b}"
    if ours.size == theirs.size and ours.content != theirs.content:
        yield "other content"
    if ours.xattrs != theirs.xattrs:
        yield f"xattrs {shown(ours.xattrs)}, peer {shown(theirs.xattrs)}"
    if ours.names != theirs.names and ours.type == "file":
        yield f"one file with {' '.join(ours.names)}, peer {' '.join(theirs.names)}"


def differences(ours, theirs):
    (a, ours), (b, theirs) = ours, theirs
    for path in sorted(a.keys() | b.keys()):
        name = path.encode("unicode_escape").decode()
        if path not in b:
            yield f"{name}: hew's only"
        elif path not in a:
            yield f"{name}: peer's only"
        else:
            yield from (f"{name}: {d}" for d in differences_of_entry(a[path], b[path]))
    for key in ("architecture", "os", "variant", "author"):
        if ours.get(key) != theirs.get(key):
            yield f"config {key}: {shown(ours.get(key))}, peer {shown(theirs.get(key))}"
    a, b = ours.get("config") or {}, theirs.get("config") or {}
    for key in sorted((a.keys() | b.keys()) - NOT_COMPARED):
        if shown(a.get(key) or None) != shown(b.get(key) or None):
            yield f"config {key}: {shown(a.get(key))}, peer {shown(b.get(key))}"


def read_reasons(file):
    with open(file) as f:
        for n, line in enumerate(f, 1):
            if line.strip() and not line.startswith("#"):
                case, difference, reason = (part.strip() for part in line.split("|"))
                if not reason:
                    raise SystemExit(f"{file}:{n}: a difference without a reason")
                yield n, case, difference


def main():
    case, image, peer, reasons_file, used_file = sys.argv[1:]
    reasons = list(read_reasons(reasons_file))
    used, unexplained = set(), []
    for d in differences(read_image(*image_of_layout(image)), read_image(*image_of_dir(peer))):
        for n, cases, pattern in reasons:
            if fnmatch.fnmatchcase(case, cases) and fnmatch.fnmatchcase(d, pattern):
                used.add(n)
                break
        else:
            unexplained.append(d)
    with open(used_file, "a") as f:
        f.writelines(f"{n}\n" for n in sorted(used))
    for d in unexplained:
        print(f"{case}: {d}")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
