#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes another cache from a good one in a registry: cache_forge.py HOST/REPOSITORY:TAG NEWTAG KIND

KIND:
    index       BuildKit's other form: an index of the blobs with the config as its last
    stranger    without hew's member
    rotate      every layer has another one's blob: of the right digest, with something else in it
    rubbish     every layer is a blob that is no archive
    content     every content id is false
    foreign     hew's layers say the diff ids of others, that nobody has
    deep        the config is an array in an array, 100000 times
    wide        the manifest has 3000 layers
    long        the config says it has 2 GB
    nowhere     the records name layers that are not there
"""

import hashlib
import json
import sys
import urllib.request

OCI = "application/vnd.oci.image.manifest.v1+json"


def call(method, url, data=None, content_type=None):
    headers = {"Accept": OCI}
    if content_type:
        headers["Content-Type"] = content_type
    return urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method))


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def put_blob(base, data):
    where = call("POST", base + "/blobs/uploads/").headers["Location"]
    join = "&" if "?" in where else "?"
    call("PUT", f"{where}{join}digest={digest_of(data)}", data, "application/octet-stream")
    return {"digest": digest_of(data), "size": len(data)}


def forge(kind, base, manifest, config):
    own, layers = config.get("hew"), manifest["layers"]
    if kind == "stranger":
        del config["hew"]
    elif kind == "rotate":
        manifest["layers"] = layers[1:] + layers[:1]
    elif kind == "rubbish":
        for layer in layers:
            layer.update(put_blob(base, b"this is no archive " * 100))
    elif kind == "content":
        for layer in own["layers"]:
            layer["contentID"] = hashlib.sha256(layer["contentID"].encode()).hexdigest()
    elif kind == "foreign":
        for layer in own["layers"]:
            layer["diffID"] = digest_of(layer["diffID"].encode())
    elif kind == "nowhere":
        for step in own["steps"]:
            if "layer" in step:
                step["layer"] += len(layers)
    elif kind == "wide":
        manifest["layers"] = layers * (3000 // len(layers) + 1)


def main():
    ref, new_tag, kind = sys.argv[1:]
    name, tag = ref.rsplit(":", 1)
    host, repository = name.split("/", 1)
    base = f"http://{host}/v2/{repository}"
    manifest = json.load(call("GET", f"{base}/manifests/{tag}"))
    config = json.load(call("GET", f"{base}/blobs/{manifest['config']['digest']}"))
    forge(kind, base, manifest, config)
    data = json.dumps(config).encode()
    if kind == "deep":
        data = b"[" * 100000 + b"]" * 100000
    manifest["config"].update(put_blob(base, data))
    if kind == "long":
        manifest["config"]["size"] = 2 << 30
    media_type = OCI
    if kind == "index":
        media_type = "application/vnd.oci.image.index.v1+json"
        manifest = {"schemaVersion": 2, "mediaType": media_type, "manifests": manifest["layers"] + [manifest["config"]]}
    call("PUT", f"{base}/manifests/{new_tag}", json.dumps(manifest).encode(), media_type)


main()
