#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""registrytree.py LAYOUT STORAGE: lay an OCI image layout out as docker-registry stores it.

The registry's own storage tree (distribution 2.x: docker/registry/v2) is a handful of one-line
files a repository and one `data` file a blob; the blobs are symbolic links to the layout's,
so nothing is copied, and what a test pushes or deletes never reaches the layout.
"""
import json
import os
import sys


class Registry:
    def __init__(self, layout, storage):
        self.blobs = os.path.realpath(os.path.join(layout, "blobs", "sha256"))
        self.top = os.path.join(storage, "docker/registry/v2")

    def write(self, path, text):
        path = os.path.join(self.top, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as f:
            f.write(text)

    def read(self, digest):
        with open(os.path.join(self.blobs, digest), encoding="utf-8") as f:
            return json.load(f)

    def blob(self, digest):
        data = os.path.join(self.top, "blobs/sha256", digest[:2], digest, "data")
        if not os.path.lexists(data):
            os.makedirs(os.path.dirname(data), exist_ok=True)
            os.symlink(os.path.join(self.blobs, digest), data)

    def link(self, repo, folder, digest):
        self.blob(digest)
        self.write(f"repositories/{repo}/{folder}/sha256/{digest}/link", "sha256:" + digest)

    def manifest(self, repo, digest):
        """A manifest, or an index and what it lists."""
        self.link(repo, "_manifests/revisions", digest)
        value = self.read(digest)
        for item in value.get("manifests", []):
            self.manifest(repo, item["digest"].split(":")[1])
        for item in value.get("layers", []) + ([value["config"]] if "config" in value else []):
            self.link(repo, "_layers", item["digest"].split(":")[1])

    def tag(self, repo, tag, digest):
        self.manifest(repo, digest)
        folder = f"_manifests/tags/{tag}"
        self.write(f"repositories/{repo}/{folder}/current/link", "sha256:" + digest)
        self.link(repo, folder + "/index", digest)


def main():
    layout, storage = sys.argv[1:]
    registry = Registry(layout, storage)
    with open(os.path.join(layout, "index.json"), encoding="utf-8") as f:
        entries = json.load(f)["manifests"]
    for entry in entries:
        reference = entry["annotations"]["org.opencontainers.image.ref.name"]
        name, tag = reference.split("/", 1)[1].rsplit(":", 1)
        registry.tag(name, tag, entry["digest"].split(":")[1])


if __name__ == "__main__":
    main()
