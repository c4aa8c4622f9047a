#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""estargz.py BLOB TOC-DIGEST TAR-SIZE DIFF-ID: reads a layer as a lazy puller does, and as all others.

From the footer to the table of contents, from there to each file: one gzip member each, whose bytes
have the digests that stand there. Then the whole as a tar: every entry is in the table, with what
the tar says of it. Prints the names of the table, sorted. Nothing of hew is used.
"""
import base64, hashlib, io, json, sys, tarfile, zlib

blob = open(sys.argv[1], "rb").read()
toc_digest, tar_size, diff_id = sys.argv[2:]


def sha(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def member(at):
    """One gzip member: its bytes, and where the next begins."""
    z = zlib.decompressobj(31)
    data = z.decompress(blob[at:])
    assert z.eof, f"the member at {at} does not end"
    return data, len(blob) - len(z.unused_data)


footer = blob[-51:]
assert footer[:4] == b"\x1f\x8b\x08\x04" and footer[10:16] == b"\x1a\x00SG\x16\x00", footer
assert footer[32:38] == b"STARGZ" and footer[38:43] == b"\x01\x00\x00\xff\xff" and footer[43:] == bytes(8), footer
assert member(len(blob) - 51) == (b"", len(blob))
at = int(footer[16:32], 16)
data, end = member(at)
assert end == len(blob) - 51, "something is between the table and the footer"
inner = tarfile.open(fileobj=io.BytesIO(data))
first = inner.next()
assert first.name == "stargz.index.json" and inner.next() is None
text = inner.extractfile(first).read()
assert sha(text) == toc_digest, "toc.digest"
toc = json.loads(text)
assert toc["version"] == 1

# ---- what a lazy puller does
files, whole = {}, None
for e in toc["entries"]:
    if e["type"] == "chunk":
        assert e["name"] == whole["name"], "a chunk without its file"
    else:
        files[e["name"]] = whole = e
        e["bytes"] = b""
        assert e["name"] == "./" or not e["name"].startswith("/")
    if "offset" not in e:
        assert e["type"] != "chunk" and e.get("size", 0) == 0
        continue
    part = member(e["offset"])[0]
    size = e.get("chunkSize", 0) or whole["size"] - e.get("chunkOffset", 0)
    assert e.get("chunkOffset", 0) == len(whole["bytes"])
    assert len(part) >= size and sha(part[:size]) == e["chunkDigest"], e
    whole["bytes"] += part[:size]
for e in files.values():
    if e["type"] == "reg":
        assert len(e["bytes"]) == e.get("size", 0)
        assert "digest" not in e or sha(e["bytes"]) == e["digest"], e["name"]
landmark = files[".no.prefetch.landmark"]
assert landmark["bytes"] == b"\x0f"

# ---- what all others do
plain, at = b"", 0
while at < len(blob):
    data, at = member(at)
    plain += data
assert len(plain) == int(tar_size) and sha(plain) == diff_id, "the tar is not what the image says"
kinds = {tarfile.REGTYPE: "reg", tarfile.DIRTYPE: "dir", tarfile.SYMTYPE: "symlink", tarfile.LNKTYPE: "hardlink",
         tarfile.CHRTYPE: "char", tarfile.BLKTYPE: "block", tarfile.FIFOTYPE: "fifo"}
seen = []
for m in tarfile.open(fileobj=io.BytesIO(plain)):
    name = m.name + "/" if m.isdir() else m.name
    seen.append(name)
    if name == "stargz.index.json":
        continue
    e = files.pop(name)
    assert e["type"] == kinds[m.type], e
    assert (e["mode"], e["uid"], e["gid"]) == (m.mode, m.uid, m.gid), e
    if m.isreg():
        assert e["bytes"] == tarfile.open(fileobj=io.BytesIO(plain)).extractfile(m.name).read(), name
    if m.islnk() or m.issym():
        assert e["linkName"] == m.linkname, e
    if m.ischr() or m.isblk():
        assert (e["devMajor"], e["devMinor"]) == (m.devmajor, m.devminor)
    for key, value in m.pax_headers.items():
        if key.startswith("SCHILY.xattr."):
            assert base64.b64decode(e["xattrs"][key[13:]]) == value.encode(errors="surrogateescape")
assert not files, f"in the table, not in the tar: {list(files)}"
assert seen[-1] == "stargz.index.json", "the table is not the last entry"
print("\n".join(sorted(seen)))
