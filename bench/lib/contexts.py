# SPDX-License-Identifier: Apache-2.0
"""What is built: contexts and the trees of files in them."""
import gzip
import hashlib
import json
import os
import random
import shutil
import tarfile
import time

from tools import DIR

MB = 1 << 20


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb" if isinstance(data, bytes) else "w") as f:
        f.write(data)


def prose(rng, size):
    """Bytes that gzip makes about half of, as it does of programs and texts together."""
    words = [bytes(rng.choices(b"abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 9))) for _ in range(4000)]
    return b" ".join(rng.choices(words, k=size // 5))[: size * 3 // 4] + rng.randbytes(size // 4)


def tree(name, files, size=(200, 6000), seed=0):
    path = f"{DIR}/{name}"
    if os.path.exists(path):
        return path
    rng = random.Random(f"{name} {seed}")
    data = prose(rng, MB)
    for i in range(files):
        at, n = rng.randrange(MB // 2), rng.randint(*size)
        write(f"{path}/src/d{i // 2000:03d}/s{i // 40 % 50:02d}/f{i % 40:02d}.js", data[at : at + n])
    return path


def big(name, mb):
    path = f"{DIR}/{name}"
    if not os.path.exists(path):
        rng = random.Random(name)
        data = prose(rng, 8 * MB)
        os.makedirs(path)
        with open(path + "/big", "wb") as f:
            for at in (rng.randrange(len(data)) for _ in range(mb // 8)):
                f.write(data[at:] + data[:at])
    return path


def layout(name, layers, mb):
    """An OCI layout with an image of so many layers, each of mb MB that do not compress, as gzip without compression."""
    path = f"{DIR}/{name}"
    if os.path.exists(path + "/index.json"):
        return path
    rng, blobs, diff_ids = random.Random(name), [], []
    os.makedirs(path + "/blobs/sha256", exist_ok=True)
    for i in range(layers):
        blobs.append(layer_blob(path, f"file-{i}", mb, rng, diff_ids))
    config = document(path, "application/vnd.oci.image.config.v1+json", {
        "architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": diff_ids}})
    manifest = document(path, "application/vnd.oci.image.manifest.v1+json", {
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": blobs})
    manifest["annotations"] = {"org.opencontainers.image.ref.name": "x"}
    write(path + "/oci-layout", '{"imageLayoutVersion": "1.0.0"}')
    write(path + "/index.json", json.dumps({"schemaVersion": 2, "manifests": [manifest]}))
    return path


def document(path, media_type, content):
    data = json.dumps(content).encode()
    digest = hashlib.sha256(data).hexdigest()
    write(f"{path}/blobs/sha256/{digest}", data)
    return {"mediaType": media_type, "digest": "sha256:" + digest, "size": len(data)}


def layer_blob(path, name, mb, rng, diff_ids):
    """Written once, as pieces: its tar may not fit into memory."""
    info = tarfile.TarInfo(name)
    info.size = mb * MB
    plain = hashlib.sha256()
    with open(path + "/new", "wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=0, mtime=0) as out:
        for piece in (info.tobuf(tarfile.USTAR_FORMAT), *(None for _ in range(mb)), b"\0" * 1024):
            piece = rng.randbytes(MB) if piece is None else piece
            plain.update(piece)
            out.write(piece)
    diff_ids.append("sha256:" + plain.hexdigest())
    with open(path + "/new", "rb") as f:
        digest = hashlib.file_digest(f, "sha256").hexdigest()
    os.rename(path + "/new", f"{path}/blobs/sha256/{digest}")
    return {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": "sha256:" + digest,
            "size": os.path.getsize(f"{path}/blobs/sha256/{digest}")}


def context(path, *lines):
    write(path + "/Dockerfile", "".join(line + "\n" for line in lines))
    return path


def edit(path):
    """Another first line for a text, another beginning for anything else."""
    with open(path, "r+b") as f:
        if path.endswith(("/big", ".js")):
            f.write(b"%020d" % time.time_ns())
            return
        mark = b"#" if path.endswith(".py") else b"//"
        kept = [line for line in f if not line.startswith(mark + b" edit ")]
        f.seek(0)
        f.write(b"".join(kept) + b"%s edit %d\n" % (mark, time.time_ns()))


def layers():
    """An image as one pulls them: eight layers, 30,000 files, of which nobody has any."""
    path = f"{DIR}/layers"
    shutil.rmtree(path, ignore_errors=True)
    for i in range(8):
        tree(f"layers/l{i}", 3750, (1000, 65000), seed=time.time_ns())
    return context(path, "FROM alpine:3.19", *(f"COPY l{i}/src /l{i}" for i in range(8)))


def diamond():
    """base, 18 stages in 6 ranks of 3, each of which takes from two of the rank above, and a sink: 7 sleeps deep."""
    lines, above = ["FROM debian:bookworm-slim AS base", "RUN sleep 0.2 && mkdir /o && touch /o/base"], ["base"]
    for rank in range(6):
        names = [f"r{rank}c{column}" for column in range(3)]
        for column, name in enumerate(names):
            lines.append(f"FROM base AS {name}")
            lines += [f"COPY --from={q} /o /o" for q in sorted({above[column % len(above)], above[(column + 1) % len(above)]})]
            lines.append(f"RUN sleep 0.2 && touch /o/{name}")
        above = names
    return context(DIR + "/diamond", *lines, "FROM scratch AS sink", *(f"COPY --from={q} /o /o" for q in above))
