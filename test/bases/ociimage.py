#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ociimage.py STORE IMAGES KEYS OUT --created TIME: write the images of images.txt as an OCI layout.

STORE has blobs/ and layers/KEY.json (layertar.py), the folder KEYS a file with the key of each
layer by name. OUT becomes an image layout whose blobs are STORE's: every image is an index
of one platform, as registries serve them, under its full reference.
"""
import argparse
import hashlib
import json
import os
import re

TYPES = {
    "oci": {"index": "application/vnd.oci.image.index.v1+json",
            "manifest": "application/vnd.oci.image.manifest.v1+json",
            "config": "application/vnd.oci.image.config.v1+json",
            "layer": "application/vnd.oci.image.layer.v1.tar+gzip"},
    "docker": {"index": "application/vnd.docker.distribution.manifest.list.v2+json",
               "manifest": "application/vnd.docker.distribution.manifest.v2+json",
               "config": "application/vnd.docker.container.image.v1+json",
               "layer": "application/vnd.docker.image.rootfs.diff.tar.gzip"},
}
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Store:
    def __init__(self, top, keys):
        self.top, self.keys = top, keys

    def layer(self, name):
        with open(os.path.join(self.keys, name), encoding="utf-8") as f:
            key = f.read().strip()
        with open(os.path.join(self.top, "layers", key + ".json"), encoding="utf-8") as f:
            return json.load(f)

    def put(self, media_type, value):
        data = json.dumps(value, separators=(",", ":")).encode()
        digest = hashlib.sha256(data).hexdigest()
        path = os.path.join(self.top, "blobs", "sha256", digest)
        with open(path + ".part", "wb") as f:
            f.write(data)
        os.rename(path + ".part", path)
        return {"mediaType": media_type, "digest": "sha256:" + digest, "size": len(data)}


class Image:
    """One image: takes its lines in order, then writes config, manifest and index."""

    def __init__(self, store, reference, form, options):
        self.store, self.reference, self.types = store, reference, TYPES[form]
        self.options = options
        self.run = {"Env": [PATH]}
        self.layers, self.history, self.vars = [], [], {}

    def line(self, verb, rest):
        getattr(self, "do_" + verb.replace("-", "_"))(rest)

    def note(self, text):
        self.history.append({"created": self.options.created, "created_by": text,
                             "comment": "buildkit.dockerfile.v0", "empty_layer": True})

    def do_layer(self, name):
        layer = self.store.layer(name)
        self.layers.append(layer)
        self.vars.update(layer["vars"])
        self.history.append({"created": self.options.created, "created_by": layer["created_by"],
                             "comment": "buildkit.dockerfile.v0"})

    def do_env(self, text):
        text = re.sub(r"\$\{(\w+)\}", lambda m: self.later(m.group(1)), text)
        name = text.split("=", 1)[0] + "="
        self.run["Env"] = [e for e in self.run["Env"] if not e.startswith(name)] + [text]
        self.note("ENV " + text)

    def later(self, name):
        """A value may come from a layer below or above the line."""
        if name not in self.vars:
            for layer in self.options.all_layers:
                self.vars.setdefault(name, self.store.layer(layer)["vars"].get(name, ""))
                if self.vars[name]:
                    break
                del self.vars[name]
        return self.vars[name]

    def do_extra_ca(self, text):
        if self.options.extra_ca:
            self.do_env(text)

    def do_cmd(self, text):
        self.run["Cmd"] = json.loads(text)
        self.note("CMD " + text)

    def do_entrypoint(self, text):
        self.run["Entrypoint"] = json.loads(text)
        self.run.pop("Cmd", None)
        self.note("ENTRYPOINT " + text)

    def do_user(self, text):
        self.run["User"] = text

    def do_workdir(self, text):
        self.run["WorkingDir"] = text
        self.note("WORKDIR " + text)

    def do_label(self, text):
        name, value = text.split("=", 1)
        self.run.setdefault("Labels", {})[name] = value
        self.note("LABEL " + text)

    def write(self):
        platform = {"architecture": self.options.arch, "os": "linux"}
        config = self.store.put(self.types["config"], {
            **platform, "created": self.options.created, "config": self.run,
            "rootfs": {"type": "layers", "diff_ids": [x["diff_id"] for x in self.layers]},
            "history": self.history})
        manifest = self.store.put(self.types["manifest"], {
            "schemaVersion": 2, "mediaType": self.types["manifest"], "config": config,
            "layers": [{"mediaType": self.types["layer"], "digest": x["digest"],
                        "size": x["size"]} for x in self.layers]})
        index = self.store.put(self.types["index"], {
            "schemaVersion": 2, "mediaType": self.types["index"],
            "manifests": [{**manifest, "platform": platform}]})
        return {**index, "annotations": {"org.opencontainers.image.ref.name": self.reference}}

    def weight(self):
        return sum(x["plain_size"] for x in self.layers)


def read_images(store, options):
    images = []
    with open(options.images, encoding="utf-8") as f:
        lines = [x.strip() for x in f if x.strip() and not x.startswith("#")]
    block = []
    for text in [*lines, "image - -"]:
        verb, rest = text.split(" ", 1)
        if verb != "image":
            block.append((verb, rest))
            continue
        if images:
            options.all_layers = [r for v, r in block if v == "layer"]
            for item in block:
                images[-1].line(*item)
        if rest != "- -":
            images.append(Image(store, *rest.split(" "), options))
        block = []
    return images


def write_layout(out, store, entries):
    os.makedirs(out, exist_ok=True)
    if not os.path.lexists(os.path.join(out, "blobs")):
        os.symlink(os.path.relpath(os.path.join(store, "blobs"), out), os.path.join(out, "blobs"))
    for name, value in (("oci-layout", {"imageLayoutVersion": "1.0.0"}),
                        ("index.json", {"schemaVersion": 2, "manifests": entries})):
        with open(os.path.join(out, name), "w", encoding="utf-8") as f:
            json.dump(value, f, indent=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("store", "images", "keys", "out"):
        parser.add_argument(name)
    parser.add_argument("--created", required=True)
    parser.add_argument("--arch", required=True)
    parser.add_argument("--extra-ca", action="store_true")
    options = parser.parse_args()
    images = read_images(Store(options.store, options.keys), options)
    write_layout(options.out, options.store, [i.write() for i in images])
    for i in images:
        print(f"{i.reference:44} {i.weight() / 1e6:7.1f} MB  {len(i.layers)} layers")


if __name__ == "__main__":
    main()
