#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docker_engine.py SOCKET DIR: what `hew build --load` needs of a dockerd with its own layer store.

It has one image, DIR/image.json (as GET /images/ID/json gives it; may be missing), and keeps what is
loaded as DIR/loaded.tar, with the framing of the request in DIR/how. A layer file that is missing is
an error unless the image has that layer, as in moby's image/tarexport; what it answers then comes
after a status of 200, as dockerd's does. DIR/refuse: refuses everything with that message.
"""
import json, os, socketserver, sys, tarfile
from http.server import BaseHTTPRequestHandler

path, folder = sys.argv[1:]


def has(name):
    return os.path.exists(os.path.join(folder, name))


def image():
    return json.load(open(os.path.join(folder, "image.json"))) if has("image.json") else None


def load_error():
    with tarfile.open(os.path.join(folder, "loaded.tar")) as t:
        names = set(t.getnames())
        for m in json.load(t.extractfile("manifest.json")):
            ids = json.load(t.extractfile(m["Config"]))["rootfs"]["diff_ids"]
            mine = image()["RootFS"]["Layers"] if image() else []
            for i, layer in enumerate(m["Layers"]):
                if layer not in names and ids[: i + 1] != mine[: i + 1]:
                    return f"open {layer}: no such file or directory"
    return None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self):
        return "unix"

    def answer(self, value, status=200):
        text = json.dumps(value).encode() + b"\r\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        if has("refuse"):
            return self.answer({"message": open(os.path.join(folder, "refuse")).read().strip()}, 403)
        answers = {"/version": {"Version": "20.10.24", "Components": [{"Name": "Engine"}]},
                   "/info": {"Driver": "overlay2", "DriverStatus": [["Backing Filesystem", "extfs"]]},
                   "/images/json": [{"Id": image()["Id"]}] if image() else []}
        if image():
            answers[f"/images/{image()['Id']}/json"] = image()
        found = self.path in answers
        self.answer(answers[self.path] if found else {"message": "page not found"}, 200 if found else 404)

    def do_POST(self):
        with open(os.path.join(folder, "how"), "w") as how:
            how.write(f"{self.path} {self.headers.get('Transfer-Encoding')} {self.headers.get('Content-Type')}\n")
        with open(os.path.join(folder, "loaded.tar"), "wb") as out:
            while n := int(self.rfile.readline(), 16):
                out.write(self.rfile.read(n))
                self.rfile.readline()
            self.rfile.readline()
        error = load_error()
        self.answer({"errorDetail": {"message": error}, "error": error} if error else {"stream": "Loaded image\n"})


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


Server(path, Handler).serve_forever()
