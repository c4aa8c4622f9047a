#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""prune.py BASES KEY: keep the layouts last used (three of them, KEY among them) and the blobs
that they and the known layers of those name; remove the rest, a file at a time."""
import json
import os
import re
import sys

KEEP = 3


def layouts(top):
    found = [e for e in os.scandir(top) if re.fullmatch(r"[0-9a-f]{16}", e.name)]
    return sorted(found, key=lambda e: e.stat().st_mtime, reverse=True)


def reachable(top, entry):
    """Every digest below an index.json."""
    with open(os.path.join(entry.path, "index.json"), encoding="utf-8") as f:
        todo = json.load(f)["manifests"]
    seen = set()
    while todo:
        item = todo.pop()
        digest = item["digest"].split(":")[1]
        seen.add(digest)
        if "manifest" in item["mediaType"] or "index" in item["mediaType"]:
            with open(os.path.join(top, "store/blobs/sha256", digest), encoding="utf-8") as f:
                value = json.load(f)
            todo += value.get("manifests", []) + value.get("layers", [])
            todo += [value["config"]] if "config" in value else []
    return seen


def drop_layout(entry):
    for name in ("index.json", "oci-layout", "blobs"):
        if os.path.lexists(os.path.join(entry.path, name)):
            os.unlink(os.path.join(entry.path, name))
    os.rmdir(entry.path)


def main():
    top, key = sys.argv[1:]
    found = layouts(top)
    keep = [e for e in found if e.name == key] + [e for e in found if e.name != key][:KEEP - 1]
    for entry in found:
        if entry not in keep:
            drop_layout(entry)
    blobs = set().union(*(reachable(top, e) for e in keep))
    layers = os.path.join(top, "store/layers")
    for name in os.listdir(layers):
        with open(os.path.join(layers, name), encoding="utf-8") as f:
            if json.load(f)["digest"].split(":")[1] not in blobs:
                os.unlink(os.path.join(layers, name))
    for name in os.listdir(os.path.join(top, "store/blobs/sha256")):
        if name not in blobs:
            os.unlink(os.path.join(top, "store/blobs/sha256", name))


if __name__ == "__main__":
    main()
