#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""browse_rows.py want IMAGE UPPER LOWER: the rows that hew browse has to show of a docker archive, from its tars alone:
the files of the lowest UPPER layers, marked by what the lowest LOWER have otherwise.

browse_rows.py got: the rows that a screen on standard input shows. Both write "mark permissions ids size depth name".
"""
import hashlib
import json
import re
import sys
import tarfile
import unicodedata

KINDS = {tarfile.REGTYPE: "-", tarfile.DIRTYPE: "d", tarfile.SYMTYPE: "l", tarfile.CHRTYPE: "c",
         tarfile.BLKTYPE: "b", tarfile.FIFOTYPE: "p"}


class Node:
    def __init__(self, kind="d", mode=0o755, uid=0, gid=0, size=0, what=None, link=None):
        self.kind, self.mode, self.uid, self.gid = kind, mode, uid, gid
        self.size, self.what, self.link = size, what, link

    def same(self, other):
        mine, others = ((n.kind, n.mode, n.uid, n.gid, n.what) for n in (self, other))
        return mine == others

    def permissions(self):
        text = list(self.kind)
        for i in range(9):
            text.append("rwx"[i % 3] if self.mode & (0o400 >> i) else "-")
        for bit, at, letter in ((0o4000, 3, "s"), (0o2000, 6, "s"), (0o1000, 9, "t")):
            if self.mode & bit:
                text[at] = letter if text[at] == "x" else letter.upper()
        return "".join(text)


def drop(tree, path, itself=True):
    for p in [p for p in tree if p.startswith(path + "/") or (itself and p == path)]:
        del tree[p]


def apply(tree, tar):
    """As an unpacker would: whiteouts first, then the members in their order."""
    members = tar.getmembers()
    for m in members:
        folder, _, name = m.name.rpartition("/")
        if name == ".wh..wh..opq":
            drop(tree, folder, itself=False)
        elif name.startswith(".wh."):
            drop(tree, (folder + "/" if folder else "") + name[4:])
    for m in members:
        path = m.name.rstrip("/")
        for up in prefixes(path):
            if up not in tree or tree[up].kind != "d":
                tree[up] = Node()
        if path.rpartition("/")[2].startswith(".wh."):
            continue
        if m.type == tarfile.LNKTYPE:
            tree[path] = Node(**{**vars(tree[m.linkname]), "link": m.linkname})
            continue
        if not m.isdir():
            drop(tree, path)
        data = tar.extractfile(m).read() if m.isreg() else b""
        what = m.linkname if m.issym() else hashlib.sha256(data).digest() if m.isreg() else None
        tree[path] = Node(KINDS[m.type], m.mode & 0o7777, m.uid, m.gid, len(data), what)


def stack(image, n):
    tree = {}
    with tarfile.open(image) as outer:
        names = json.load(outer.extractfile("manifest.json"))[0]["Layers"]
        for name in names[:n]:
            with tarfile.open(fileobj=outer.extractfile(name)) as tar:
                apply(tree, tar)
    # of a file with several names the first in the order of paths has the bytes
    first = {}
    for path in sorted(tree, key=lambda p: p.split("/")):
        node = tree[path]
        linked = node.link or any(n.link == path for n in tree.values())
        if linked and node.what in first:
            node.size = 0
        elif linked:
            first[node.what] = path
    return tree


def size_text(n):
    units = ["B", "kB", "MB", "GB"]
    value, i = float(n), 0
    while value >= 999.5:
        value, i = value / 1000, i + 1
    return "%d%s" % (n, units[0]) if i == 0 else "%.3g%s" % (value, units[i])


def escaped(name):
    """What shows nothing, or changes how others show, is its bytes."""
    return "".join("".join("\\x%02x" % b for b in c.encode()) if unicodedata.category(c) in ("Cc", "Cf") else c
                   for c in name)


def want(image, n_upper, n_lower):
    upper, lower = stack(image, n_upper), stack(image, n_lower)
    marks, sizes = {}, {}
    for path in set(upper) | set(lower):
        above = path.rpartition("/")[0]
        if path not in upper and above in upper and upper[above].kind != "d":
            continue  # a file took the place of the folder
        if path not in upper and any(p in upper and upper[p].kind != "d"
                                     for p in prefixes(path)):
            continue
        marks[path] = ("-" if path not in upper else "+" if path not in lower
                       else "=" if upper[path].same(lower[path]) else "~")
    for path in sorted(marks, key=lambda p: -p.count("/")):
        for up in prefixes(path):
            if marks[path] != "=" and marks[up] == "=":
                marks[up] = "~"
    for path in marks:
        node = upper.get(path) or lower[path]
        for up in prefixes(path) + [path]:
            if marks[path] != "-" or marks[up] == "-":
                sizes[up] = sizes.get(up, 0) + (0 if node.kind == "d" else node.size)
    for path in sorted(marks, key=lambda p: p.split("/")):
        node = upper.get(path) or lower[path]
        print(marks[path], node.permissions(), "%d:%d" % (node.uid, node.gid), size_text(sizes[path]),
              path.count("/"), escaped(path.rpartition("/")[2]))


def prefixes(path):
    parts = path.split("/")
    return ["/".join(parts[:i]) for i in range(1, len(parts))]


def got():
    for line in sys.stdin.read().split("\n"):
        m = re.search(r"│[ >]([ +~-]) ([-dlcbp][-rwxsStT]{9}) +(\d+:\d+) +(\d[\d.]*[kMG]?B) ((?:│ |  )*)[├└] (.*)", line)
        if not m:
            continue
        mark, permissions, ids, size, lead, name = m.groups()
        name = re.sub(r"^[▾▸] ", "", name.rstrip()).split(" → ")[0]
        print("=" if mark == " " else mark, permissions, ids, size, len(lead) // 2, name)


def columns(text):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def bars():
    """The columns that the bars (\\003) between the panes are at; what stands in two more bytes counts as it shows."""
    print(*sorted({columns(line.split("\003")[0]) for line in sys.stdin}))


if sys.argv[1] == "bars":
    bars()
elif sys.argv[1] == "want":
    want(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
else:
    got()
