#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""size_oracle.py LAYOUT JSON: what `hew size --waste --files --top 0 --format json` says of an image, counted again.

LAYOUT is an OCI layout that holds the image alone. Its layers are read with tarfile and put on top of each other
here: every path of every layer gets the layer that hides it, if one does. The efficiency is computed as dive does,
with its trees stacked one on the other for every whiteout. Each difference is one line; status 1 if there is one.
"""
import hashlib
import io
import json
import sys
import tarfile

WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"
LEFTOVERS = ["var/lib/apt/lists", "var/cache/apt", "var/cache/apk", "etc/apk/cache", "root/.npm", "root/.cache", "tmp",
             "var/tmp"]


class File:
    """A member of a layer."""

    def __init__(self, member, content, inode):
        self.kind = "folder" if member.isdir() else "file" if member.isreg() or member.islnk() else "other"
        self.inode = inode  # path of the first name in the tar
        self.size = len(content) if self.kind == "file" else 0
        self.hash = hashlib.sha256(content).hexdigest() if self.kind == "file" else ""
        self.hidden_by = None
        self.same = False


class Layer:
    def __init__(self, blob):
        self.files, self.gone, self.opaque, self.order = {}, set(), set(), []
        with tarfile.open(fileobj=io.BytesIO(blob), mode="r:*") as tar:
            for member in tar:
                self.take(tar, member)

    def take(self, tar, member):
        path = member.name.strip("/").removeprefix("./")
        if path in ("", "."):
            return
        folder, _, name = path.rpartition("/")
        self.order.append(path)
        if name == OPAQUE:
            self.opaque.add(folder)
            self.order.pop()
        elif name.startswith(WHITEOUT):
            self.gone.add(f"{folder}/{name[4:]}".strip("/"))
        elif member.islnk():
            inode = self.files[member.linkname.strip("/")].inode
            first = self.files[inode]
            self.files[path] = File(member, b"", inode)
            self.files[path].size, self.files[path].hash = first.size, first.hash
        else:
            content = tar.extractfile(member).read() if member.isreg() else b""
            self.files[path] = File(member, content, path)

    def inodes(self):
        return {f.inode: f for f in self.files.values() if f.kind == "file"}


def above(path):
    while path:
        path = path.rpartition("/")[0]
        yield path


def hides(layer, path, file):
    """Does a layer hide what a lower one has at a path? Also: with the same bytes."""
    if path in layer.gone:
        return True, False
    here = layer.files.get(path)
    if here and not (here.kind == "folder" and file.kind == "folder"):
        return True, here.kind == file.kind == "file" and here.hash == file.hash
    for folder in above(path):
        at = layer.files.get(folder)
        if folder in layer.gone or folder in layer.opaque or (at and at.kind != "folder"):
            return True, False
    return False, False


def judge(layers):
    for n, layer in enumerate(layers):
        for path, file in layer.files.items():
            for k in range(n + 1, len(layers)):
                hidden, same = hides(layers[k], path, file)
                if hidden:
                    file.hidden_by, file.same = k, same
                    break


def seen_inodes(layer):
    return {f.inode for f in layer.files.values() if f.kind == "file" and f.hidden_by is None}


def layer_numbers(layer):
    files = [f for f in layer.files.values() if f.kind != "folder"]
    inodes, seen = layer.inodes(), seen_inodes(layer)
    return {
        "size": sum(f.size for f in inodes.values()),
        "files": len(files),
        "hidden_bytes": sum(f.size for i, f in inodes.items() if i not in seen),
        "hidden_files": sum(f.hidden_by is not None for f in files),
    }


# ---- waste


def all_seen(layers):
    """(layer, a path that is seen, file) of every inode that is."""
    for n, layer in enumerate(layers):
        done = set()
        for path, f in sorted(layer.files.items()):
            if f.kind == "file" and f.hidden_by is None and f.inode not in done:
                done.add(f.inode)
                yield n, path, f


def kind_of_place(path):
    parts = path.split("/")[:-1]
    if any(path.startswith(p + "/") for p in LEFTOVERS):
        return "leftover"
    for p in ("doc", "man", "info", "doc-base"):
        if path.startswith(f"usr/share/{p}/"):
            return "documentation"
    for p in ("usr/share/locale/", "usr/share/i18n/", "usr/lib/locale/"):
        if path.startswith(p):
            return "locale"
    if path.startswith("usr/lib/debug/") or ".debug" in parts:
        return "debug"
    return "history" if ".git" in parts else None


def waste(layers):
    sums = {}
    copies = {}
    for layer in layers:
        seen = seen_inodes(layer)
        hidden = [f for p, f in layer.files.items() if f.kind == "file" and f.inode == p and p not in seen]
        for f in hidden:
            sums["hidden"] = sums.get("hidden", 0) + f.size
    for _, path, f in all_seen(layers):
        kind = kind_of_place(path)
        if kind:
            sums[kind] = sums.get(kind, 0) + f.size
        else:
            copies.setdefault(f.hash, []).append(f.size)
    sums["duplicate"] = sum(sum(v[1:]) for v in copies.values())
    return {k: v for k, v in sums.items() if v}


# ---- dive


class Node:
    def __init__(self):
        self.children, self.size, self.folder = {}, 0, False

    def add(self, path):
        node = self
        for part in path.split("/"):
            node = node.children.setdefault(part, Node())
        return node

    def find(self, path):
        node = self
        for part in path.split("/"):
            node = node.children.get(part) if node else None
        return node

    def remove(self, path):
        folder, _, name = path.rpartition("/")
        up = self.find(folder) if folder else self
        if up:
            up.children.pop(name, None)

    def total(self):
        return self.size + sum(c.total() for c in self.children.values())


def stack(layers):
    root = Node()
    for layer in layers:
        for path in layer.gone:
            root.remove(path)
        for path, f in layer.files.items():
            node = root.add(path)
            node.size = f.size if f.inode == path else 0
            node.folder = f.kind == "folder"
    return root


def dive(layers):
    tallies = {}
    for n, layer in enumerate(layers):
        parents = {a for p in list(layer.files) + list(layer.gone) for a in above(p)}
        for path, f in layer.files.items():
            if path not in parents:
                tallies.setdefault(path, []).append(f.size if f.inode == path else 0)
        for path in layer.gone:
            node = stack(layers[:n]).find(path)
            tallies.setdefault(path, []).append(node.total() if node and node.folder else 0)
    every = sum(map(sum, tallies.values()))
    return {
        "efficiency": sum(map(min, tallies.values())) / every if every else 1,
        "wasted_bytes": sum(sum(t) for t in tallies.values() if len(t) > 1),
        "user_bytes": sum(layer_numbers(layer)["size"] for layer in layers[1:]),
    }


# ---- the comparison


def read_layout(folder):
    def blob(digest):
        with open(f"{folder}/blobs/{digest.replace(':', '/')}", "rb") as f:
            return f.read()

    with open(f"{folder}/index.json", encoding="utf-8") as f:
        index = json.load(f)
    manifest = json.loads(blob(index["manifests"][0]["digest"]))
    return [Layer(blob(d["digest"])) for d in manifest["layers"]]


def expect(what, want, got, out):
    if want != got and not (isinstance(want, float) and abs(want - got) < 2e-6):
        out.append(f"{what}: {got}, not {want}")


def compare(layers, said):
    out = []
    numbers = [layer_numbers(layer) for layer in layers]
    expect("layers", len(layers), len(said["layers"]), out)
    for i, (want, got) in enumerate(zip(numbers, said["layers"])):
        for key, value in want.items():
            expect(f"layer {i + 1} {key}", value, got[key], out)
    expect("size", sum(n["size"] for n in numbers), said["size"], out)
    hidden = sum(n["hidden_bytes"] for n in numbers)
    expect("hidden", hidden, said["efficiency"]["hidden_bytes"], out)
    figures = dive(layers)
    for key, value in figures.items():
        expect(f"dive {key}", value, said["efficiency"]["dive"][key], out)
    if figures["user_bytes"]:
        expect("dive user_wasted_percent", figures["wasted_bytes"] / figures["user_bytes"],
               said["efficiency"]["dive"]["user_wasted_percent"], out)
    packed = [p["pull_size"] for p in said["layers"]]
    seen = sum(p * (1 - n["hidden_bytes"] / n["size"] if n["size"] else 1) for p, n in zip(packed, numbers))
    expect("pulled_and_seen", seen / sum(packed), said["efficiency"]["pulled_and_seen"], out)
    got = {}
    for f in said["waste"]:
        kind = "hidden" if f["kind"] in ("deleted", "overwritten", "repeated") else f["kind"]
        if kind != "development" and not (kind == "debug" and not f["folder"]):
            got[kind] = got.get(kind, 0) + f["size"]
    expect("waste", waste(layers), got, out)
    files = sorted(((f.size, n + 1) for n, _, f in all_seen(layers)), reverse=True)
    expect("files", files, sorted(((f["size"], f["layer"]) for f in said["files"]), reverse=True), out)
    return out


def main():
    with open(sys.argv[2], encoding="utf-8") as f:
        said = json.load(f)[0]
    layers = read_layout(sys.argv[1])
    judge(layers)
    differences = compare(layers, said)
    print("\n".join(differences))
    sys.exit(1 if differences else 0)


main()
