#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Layers as tars, and back.

layertar.py pack TREE STORE KEY    the directory becomes a gzip blob and layers/KEY.json
layertar.py unpack STORE KEY TREE  the blob of KEY becomes a directory that overlayfs can stack

In a tree, deletions are as overlayfs writes them (0/0 character devices, the xattr
trusted.overlay.opaque); in a tar they are `.wh.` files, as the OCI image layer
specification has them. Entries are sorted and no time is later than --epoch.
"""
import argparse
import hashlib
import json
import os
import queue
import stat
import sys
import tarfile
import threading
import zlib

CHUNK = 1 << 20
OPAQUE = "trusted.overlay.opaque"
# never part of a layer: what lies under these belongs to whoever runs the image
BARE = {"dev", "proc", "sys", "run"}


class BlobWriter:
    """Takes an uncompressed tar; keeps both digests; compresses on another core."""

    def __init__(self, path):
        self.file = open(path, "wb")
        self.plain, self.packed = hashlib.sha256(), hashlib.sha256()
        self.size = self.plain_size = 0
        self.pending = bytearray()
        self.queue = queue.Queue(8)
        self.failure = None
        self.thread = threading.Thread(target=self._compress)
        self.thread.start()

    def _compress(self):
        gz = zlib.compressobj(3, zlib.DEFLATED, 31)
        while True:
            chunk = self.queue.get()
            if self.failure is None:
                try:
                    self._put(gz.flush() if chunk is None else gz.compress(chunk))
                except OSError as e:
                    self.failure = e
            if chunk is None:
                return

    def _put(self, data):
        self.file.write(data)
        self.packed.update(data)
        self.size += len(data)

    def write(self, data):
        self.pending += data
        if len(self.pending) >= CHUNK:
            self._flush()
        return len(data)

    def _flush(self):
        chunk = bytes(self.pending)
        self.pending.clear()
        self.plain.update(chunk)
        self.plain_size += len(chunk)
        self.queue.put(chunk)

    def close(self):
        self._flush()
        self.queue.put(None)
        self.thread.join()
        self.file.close()
        if self.failure:
            raise self.failure


def xattrs_of(path):
    found = {}
    for name in os.listxattr(path, follow_symlinks=False):
        if name == "security.capability" or name.startswith("user."):
            found["SCHILY.xattr." + name] = os.getxattr(
                path, name, follow_symlinks=False).decode("utf-8", "surrogateescape")
    return found


def is_opaque(path):
    try:
        return os.getxattr(path, OPAQUE, follow_symlinks=False) == b"y"
    except OSError:
        return False


def tree_entries(top):
    """Yield (path, name, stat) of everything below top, parents first, sorted."""
    def walk(path, rel):
        for name in sorted(os.listdir(path)):
            if rel in BARE:
                return
            full, sub = os.path.join(path, name), os.path.join(rel, name)
            st = os.lstat(full)
            if stat.S_ISSOCK(st.st_mode):
                continue
            yield full, sub, st
            if stat.S_ISDIR(st.st_mode):
                yield from walk(full, sub)
    yield from walk(top, "")


def whiteout(name, epoch):
    info = tarfile.TarInfo(name)
    info.mode, info.mtime = 0o644, epoch
    return info


class Packer:
    def __init__(self, out, epoch):
        self.tar = tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT,
                                bufsize=CHUNK, encoding="utf-8", errors="surrogateescape")
        self.epoch = epoch
        self.links = {}

    def add(self, path, name, st):
        if stat.S_ISCHR(st.st_mode) and st.st_rdev == 0:
            head, tail = os.path.split(name)
            self.tar.addfile(whiteout(os.path.join(head, ".wh." + tail), self.epoch))
            return
        info = self.info(path, name, st)
        if info.isreg():
            with open(path, "rb") as f:
                self.tar.addfile(info, f)
        else:
            self.tar.addfile(info)
        if info.isdir() and is_opaque(path):
            self.tar.addfile(whiteout(name + "/.wh..wh..opq", self.epoch))

    def info(self, path, name, st):
        info = self.tar.gettarinfo(path, name)
        info.uname = info.gname = ""
        info.mtime = min(int(st.st_mtime), self.epoch)
        info.type, info.linkname, info.size = self.kind(path, name, st)
        info.pax_headers = {} if stat.S_ISLNK(st.st_mode) else xattrs_of(path)
        return info

    def kind(self, path, name, st):
        """gettarinfo() keeps hard links by itself, but by names we do not use."""
        mode = st.st_mode
        if stat.S_ISDIR(mode):
            return tarfile.DIRTYPE, "", 0
        if stat.S_ISLNK(mode):
            return tarfile.SYMTYPE, os.readlink(path), 0
        if not stat.S_ISREG(mode):
            return {stat.S_IFCHR: tarfile.CHRTYPE, stat.S_IFBLK: tarfile.BLKTYPE,
                    stat.S_IFIFO: tarfile.FIFOTYPE}[stat.S_IFMT(mode)], "", 0
        if st.st_nlink > 1:
            first = self.links.setdefault((st.st_dev, st.st_ino), name)
            if first != name:
                return tarfile.LNKTYPE, first, 0
        return tarfile.REGTYPE, "", st.st_size


def read_vars(folder):
    found = {}
    for name in sorted(os.listdir(folder)) if folder and os.path.isdir(folder) else []:
        with open(os.path.join(folder, name), encoding="utf-8") as f:
            found[name] = f.read().strip()
    return found


def pack(args):
    blobs = os.path.join(args.store, "blobs", "sha256")
    part = os.path.join(blobs, f".{args.key}.part")
    out = BlobWriter(part)
    packer = Packer(out, args.epoch)
    for entry in tree_entries(args.tree):
        packer.add(*entry)
    packer.tar.close()
    out.close()
    digest = out.packed.hexdigest()
    os.rename(part, os.path.join(blobs, digest))
    record = {"digest": "sha256:" + digest, "size": out.size,
              "diff_id": "sha256:" + out.plain.hexdigest(), "plain_size": out.plain_size,
              "created_by": args.created_by, "vars": read_vars(args.vars)}
    name = os.path.join(args.store, "layers", args.key + ".json")
    with open(name + ".part", "w", encoding="utf-8") as f:
        json.dump(record, f, indent=1)
    os.rename(name + ".part", name)


def set_meta(path, info):
    os.chown(path, info.uid, info.gid, follow_symlinks=False)
    if not info.issym():
        os.chmod(path, info.mode)
    for name, value in info.pax_headers.items():
        if name.startswith("SCHILY.xattr."):
            os.setxattr(path, name[13:], value.encode("utf-8", "surrogateescape"))
    os.utime(path, (info.mtime, info.mtime), follow_symlinks=False)


def extract_one(tar, info, top):
    head, tail = os.path.split(info.name)
    path = os.path.join(top, info.name)
    if tail == ".wh..wh..opq":
        os.setxattr(os.path.join(top, head), OPAQUE, b"y")
    elif tail.startswith(".wh."):
        os.mknod(os.path.join(top, head, tail[4:]), stat.S_IFCHR | 0o600, 0)
    elif info.isdir():
        os.makedirs(path, exist_ok=True)
        return path
    elif info.islnk():
        os.link(os.path.join(top, info.linkname), path, follow_symlinks=False)
    elif info.issym():
        os.symlink(info.linkname, path)
        set_meta(path, info)
    else:
        extract_node(tar, info, path)
        set_meta(path, info)
    return None


def extract_node(tar, info, path):
    if info.isreg():
        with open(path, "xb") as f:
            source = tar.extractfile(info)
            while chunk := source.read(CHUNK):
                f.write(chunk)
    else:
        kind = stat.S_IFIFO if info.isfifo() else stat.S_IFCHR if info.ischr() else stat.S_IFBLK
        os.mknod(path, kind | 0o600, os.makedev(info.devmajor, info.devminor))


def unpack(args):
    with open(os.path.join(args.store, "layers", args.key + ".json"), encoding="utf-8") as f:
        digest = json.load(f)["digest"].split(":")[1]
    os.makedirs(args.tree)
    folders = []
    with tarfile.open(os.path.join(args.store, "blobs", "sha256", digest), "r|gz",
                      encoding="utf-8", errors="surrogateescape") as tar:
        for info in tar:
            folder = extract_one(tar, info, args.tree)
            if folder:
                folders.append((folder, info))
    for folder, info in reversed(folders):
        set_meta(folder, info)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sub = parser.add_subparsers(required=True)
    p = sub.add_parser("pack")
    for name in ("tree", "store", "key"):
        p.add_argument(name)
    p.add_argument("--epoch", type=int, required=True)
    p.add_argument("--created-by", default="")
    p.add_argument("--vars")
    p.set_defaults(run=pack)
    p = sub.add_parser("unpack")
    for name in ("store", "key", "tree"):
        p.add_argument(name)
    p.set_defaults(run=unpack)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    sys.exit(main())
