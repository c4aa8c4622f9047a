#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A small registry that misbehaves on demand.

It speaks enough of the distribution protocol to be pulled from and pushed to, serves one made-up image,
and can be told to fail. It prints nothing; --port-file gets the port once it listens, --log one line a request:

    METHOD PATH STATUS auth=none|basic|bearer range=-|bytes=N-  [LEAKED on the second host]

Usage: faulty_registry.py --port-file FILE [--log FILE] [--image REPO:TAG] [--size BYTES] [--index]
           [--auth none|basic|bearer] [--user U:P] [--expires SECONDS] [--tls CERT KEY]
           [--no-mount] [--absolute-location] [--min-size BYTES] [--fault NAME[:COUNT[:VALUE]]]...

A fault happens COUNT times (default: always), then no more. Faults of blob downloads
(of blobs with at least --min-size bytes, default 1000: the large layer, not the config):
    truncate        half of the body, then the connection is closed
    short           half of the body, and Content-Length says that is all
    reset           the connection is closed without an answer
    wrong-digest    the right length, other bytes
    endless         a body without end and without length
    long            announces twice the length
    no-range        a Range is answered with the whole body
    bad-range       a Range is answered with 206 for another range
    redirect        307 to a second host (another port), which must not see Authorization
    redirect-loop   307 to itself
    redirect-403    the second host answers 403
Faults of any request below /v2/ but the ping itself:
    401             the token is forgotten: 401
    403             denied
    404             unknown
    429             with Retry-After: VALUE (default 1)
    500, 502, 503   as they are
    slow            waits VALUE seconds (default 1) before it answers
Faults of manifests:
    wrong-manifest  other bytes of the same length
    bad-manifest    not JSON, with the right digest header
    endless-manifest
Faults of uploads:
    put-401, put-500, put-reset  when the body has been (partly) sent
    put-404         the upload session is forgotten
Faults of the token server:
    token-500, token-403, token-bad, token-http
"""

import argparse
import base64
import gzip
import hashlib
import http.server
import io
import json
import os
import random
import ssl
import tarfile
import threading
import time
import urllib.parse

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class State:
    def __init__(self, args):
        self.args = args
        self.lock = threading.Lock()
        self.blobs = {}  # (repository, digest) -> bytes
        self.manifests = {}  # (repository, tag or digest) -> (media type, bytes)
        self.uploads = {}
        self.tokens = {}  # token -> (expiry, set of scopes)
        self.serial = 0
        self.faults = []
        for text in args.fault:
            name, count, value = (text.split(":") + ["", ""])[:3]
            self.faults.append([name, int(count) if count else -1, value])
        self.log_file = open(args.log, "a", buffering=1) if args.log else None

    def fault(self, *names):
        """The first of these faults that is still due, as (name, value), or None."""
        with self.lock:
            for fault in self.faults:
                if fault[0] in names and fault[1] != 0:
                    fault[1] -= 1
                    return fault[0], fault[2]
        return None

    def log(self, line):
        if self.log_file:
            with self.lock:
                self.log_file.write(line + "\n")

    def next_id(self):
        with self.lock:
            self.serial += 1
            return str(self.serial)

    def add_blob(self, repository, data):
        digest = digest_of(data)
        self.blobs[repository, digest] = data
        return digest

    def add_manifest(self, repository, media_type, document, *names):
        data = json.dumps(document, indent=2).encode()
        for name in (digest_of(data),) + names:
            self.manifests[repository, name] = (media_type, data)
        return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}


def layer_tar(name, content):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def add_image(state, repository, tag, size, with_index):
    """Two layers: a small one and one of `size` incompressible bytes, the same in every run."""
    tars = [layer_tar("hello.txt", b"hello\n"),
            layer_tar("random.bin", random.Random(1).randbytes(size))]
    layers, diff_ids = [], []
    for tar in tars:
        blob = gzip.compress(tar, 1, mtime=0)
        diff_ids.append(digest_of(tar))
        layers.append({"mediaType": LAYER, "digest": state.add_blob(repository, blob),
                       "size": len(blob)})
    config = json.dumps({"architecture": "amd64", "os": "linux",
                         "created": "2024-01-02T03:04:05Z",
                         "config": {"Env": ["PATH=/bin"], "Cmd": ["/hello"]},
                         "rootfs": {"type": "layers", "diff_ids": diff_ids}}).encode()
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST,
                "config": {"mediaType": CONFIG, "digest": state.add_blob(repository, config),
                           "size": len(config)},
                "layers": layers}
    descriptor = state.add_manifest(repository, MANIFEST, manifest,
                                    *([] if with_index else [tag]))
    if with_index:
        descriptor["platform"] = {"os": "linux", "architecture": "amd64"}
        state.add_manifest(repository, INDEX, {"schemaVersion": 2, "mediaType": INDEX,
                                               "manifests": [descriptor]}, tag)


class Closed(Exception):
    """The connection is to be dropped without (the rest of) an answer."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state = None
    second_port = None  # of the storage host
    is_storage = False

    def log_message(self, *args):
        pass

    # ---- answers

    def note(self, status):
        auth = (self.headers.get("Authorization") or "none").split()[0].lower()
        leaked = " LEAKED" if self.is_storage and auth != "none" else ""
        self.state.log("%s %s %s auth=%s range=%s%s" % (
            self.command, self.path, status, auth, self.headers.get("Range") or "-", leaked))

    def answer(self, status, body=b"", headers=None, length=None):
        self.note(status)
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def error(self, status, code, message, headers=None):
        body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
        self.answer(status, body, dict({"Content-Type": "application/json"}, **(headers or {})))

    def drop(self):
        self.note("dropped")
        raise Closed()

    def endless(self, content_type):
        self.note(200)
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while True:
            self.wfile.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")

    def read_body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    # ---- authorization

    def base(self):
        scheme = "https" if self.state.args.tls else "http"
        return "%s://127.0.0.1:%d" % (scheme, self.server.server_address[1])

    def basic_is_right(self):
        kind, _, value = (self.headers.get("Authorization") or "").partition(" ")
        return (kind.lower() == "basic"
                and base64.b64decode(value).decode() == self.state.args.user)

    def challenge(self, scope):
        args = self.state.args
        if args.auth == "basic":
            value = 'Basic realm="faulty"'
        else:
            realm = self.base() + "/token"
            if self.state.fault("token-http"):
                realm = realm.replace("https://", "http://")
            value = 'Bearer realm="%s",service="faulty"' % realm
            if scope:
                value += ',scope="%s"' % scope
        self.error(401, "UNAUTHORIZED", "authentication required", {"WWW-Authenticate": value})

    def authorized(self, scopes):
        args = self.state.args
        if args.auth == "none":
            return True
        if args.auth == "basic":
            if self.basic_is_right():
                return True
        else:
            kind, _, token = (self.headers.get("Authorization") or "").partition(" ")
            expiry, granted = self.state.tokens.get(token, (0, set()))
            if kind == "Bearer" and expiry > time.time() and scopes <= granted:
                return True
        self.challenge(" ".join("repository:%s:%s" % pair for pair in sorted(scopes)))
        return False

    def token(self, query, form):
        args = self.state.args
        fault = self.state.fault("token-500", "token-403", "token-bad")
        if fault:
            if fault[0] == "token-bad":
                return self.answer(200, b"no json")
            return self.error(int(fault[0][6:]), "FAULT", "the token server fails")
        identity = form.get("refresh_token", [""])[0]
        allowed = self.basic_is_right() or identity == "refresh-" + args.user
        if args.user and not allowed:
            return self.error(401, "UNAUTHORIZED", "incorrect username or password")
        granted = set()
        for scope in " ".join(query.get("scope", []) + form.get("scope", [])).split():
            _, name, actions = scope.split(":", 2)
            granted.update((name, action) for action in actions.split(","))
        token = "token-" + self.state.next_id()
        self.state.tokens[token] = (time.time() + args.expires, granted)
        self.answer(200, json.dumps({"token": token, "expires_in": args.expires}).encode())

    # ---- requests

    def handle_any(self):
        try:
            self.route()
        except (Closed, BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.close_connection = True
            try:
                self.connection.shutdown(2)
            except OSError:
                pass

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = handle_any

    def route(self):
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query)
        if self.is_storage:
            return self.storage(url.path)
        if url.path == "/token":
            form = urllib.parse.parse_qs(self.read_body().decode())
            return self.token(query, form)
        if url.path == "/v2/":
            return self.authorized(set()) and self.answer(200, b"{}")
        if url.path.startswith("/file/"):
            return self.file()
        parts = url.path.split("/")
        for kind in ("blobs", "manifests"):
            if parts[1] == "v2" and kind in parts[3:]:
                at = parts.index(kind, 3)
                repository, rest = "/".join(parts[2:at]), parts[at + 1:]
                return self.registry(kind, repository, rest, query)
        self.read_body()
        self.error(404, "NAME_UNKNOWN", "no such thing here")

    def file(self):
        if self.state.fault("truncate"):
            self.answer(200, b"y" * 1000, length=2000)
            raise Closed()
        self.answer(200, b"x" * 2000, {"Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT",
                                       "ETag": '"v1"'})

    def general_fault(self):
        fault = self.state.fault("401", "403", "404", "429", "500", "502", "503", "slow")
        if not fault:
            return False
        name, value = fault
        if name == "slow":
            time.sleep(float(value or 1))
            return False
        if self.command in ("PUT", "POST", "PATCH"):
            self.read_body()
        if name == "401":
            self.state.tokens.clear()
            self.challenge("")
        else:
            headers = {"Retry-After": value or "1"} if name == "429" else {}
            self.error(int(name), "FAULT", "failing on purpose", headers)
        return True

    def registry(self, kind, repository, rest, query):
        writes = self.command in ("PUT", "POST", "PATCH")
        scopes = {(repository, "push" if writes else "pull")}
        if self.general_fault():
            return None
        if kind == "blobs" and rest[0] == "uploads":
            return self.upload(repository, rest, query, scopes)
        if not self.authorized(scopes):
            return writes and self.drain_unread()
        if kind == "manifests":
            return (self.put_manifest if writes else self.get_manifest)(repository, rest[0])
        return self.get_blob(repository, rest[0])

    def drain_unread(self):
        self.close_connection = True

    def get_manifest(self, repository, name):
        media_type, data = self.state.manifests.get((repository, name), (None, None))
        if data is None:
            return self.error(404, "MANIFEST_UNKNOWN", "manifest unknown")
        headers = {"Content-Type": media_type, "Docker-Content-Digest": digest_of(data)}
        fault = self.command == "GET" and self.state.fault(
            "wrong-manifest", "bad-manifest", "endless-manifest")
        if fault and fault[0] == "endless-manifest":
            return self.endless(media_type)
        if fault and fault[0] == "wrong-manifest":
            data = data[:-1] + b" "
        if fault and fault[0] == "bad-manifest":
            data = b"<html>"
            headers["Docker-Content-Digest"] = digest_of(data)
        self.answer(200, data, headers)

    def put_manifest(self, repository, name):
        data = self.read_body()
        missing = []
        document = json.loads(data)
        for blob in [document.get("config")] + document.get("layers", []):
            if blob and (repository, blob["digest"]) not in self.state.blobs:
                missing.append(blob["digest"])
        for child in document.get("manifests", []):
            if (repository, child["digest"]) not in self.state.manifests:
                missing.append(child["digest"])
        if missing:
            return self.error(404, "MANIFEST_BLOB_UNKNOWN", "missing " + ", ".join(missing))
        for key in (name, digest_of(data)):
            self.state.manifests[repository, key] = (self.headers["Content-Type"], data)
        self.answer(201, b"", {"Docker-Content-Digest": digest_of(data)})

    def get_blob(self, repository, digest):
        data = self.state.blobs.get((repository, digest))
        if data is None:
            return self.error(404, "BLOB_UNKNOWN", "blob unknown to registry")
        if self.command == "HEAD":
            return self.answer(200, data)
        fault = self.blob_fault(data, "redirect", "redirect-loop", "redirect-403")
        if fault:
            to = "http://localhost:%d/%s/%s/%s" % (
                self.second_port, "403" if fault[0] == "redirect-403" else "blob",
                repository, digest)
            if fault[0] == "redirect-loop":
                to = self.path
            return self.answer(307, b"", {"Location": to})
        return self.send_blob(data)

    def storage(self, path):
        _, kind, rest = path.split("/", 2)
        repository, _, digest = rest.rpartition("/")
        if self.headers.get("Authorization"):
            return self.error(400, "LEAKED", "credentials for another host")
        if kind == "403":
            return self.error(403, "EXPIRED", "the signature is too old")
        return self.send_blob(self.state.blobs[repository, digest])

    def blob_fault(self, data, *names):
        return len(data) >= self.state.args.min_size and self.state.fault(*names)

    def send_blob(self, data):
        headers = {"Content-Type": "application/octet-stream"}
        wanted = self.headers.get("Range")
        status, start = 200, 0
        if wanted and not self.state.fault("no-range"):
            start = int(wanted[len("bytes="):].split("-")[0])
            if start >= len(data):
                return self.error(416, "RANGE_INVALID", "range not satisfiable")
            if self.state.fault("bad-range"):
                start -= 1
            status = 206
            headers["Content-Range"] = "bytes %d-%d/%d" % (start, len(data) - 1, len(data))
        body = data[start:]
        fault = self.blob_fault(data, "truncate", "short", "reset", "wrong-digest", "endless",
                                "long")
        name = fault[0] if fault else ""
        if name == "reset":
            self.drop()
        if name == "endless":
            return self.endless(headers["Content-Type"])
        if name == "wrong-digest":
            body = bytes([body[0] ^ 1]) + body[1:]
        if name == "short":
            body = body[:len(body) // 2]
        if name == "truncate":
            self.answer(status, body[:len(body) // 2], headers, len(body))
            raise Closed()
        if name == "long":
            self.answer(status, body, headers, 2 * len(body))
            raise Closed()
        self.answer(status, body, headers)

    def upload(self, repository, rest, query, scopes):
        source = query.get("from", [None])[0]
        if source and not self.state.args.no_mount:
            scopes = scopes | {(source, "pull")}
        if self.command == "PUT":
            fault = self.state.fault("put-401", "put-500", "put-reset", "put-404")
            if fault:
                return self.upload_fault(fault[0], repository, rest)
        if not self.authorized(scopes):
            return self.drain_unread()
        if self.command == "POST":
            return self.start_upload(repository, query)
        session = rest[1] if len(rest) > 1 else ""
        data = self.read_body()
        if self.state.uploads.pop(session, None) != repository:
            return self.error(404, "BLOB_UPLOAD_UNKNOWN", "no such upload")
        if digest_of(data) != query.get("digest", [""])[0]:
            return self.error(400, "DIGEST_INVALID", "provided digest did not match")
        if query.get("_state") != ["a b"]:
            return self.error(400, "BLOB_UPLOAD_INVALID", "the query of Location was lost")
        self.state.blobs[repository, digest_of(data)] = data
        self.answer(201, b"", {"Docker-Content-Digest": digest_of(data)})

    def upload_fault(self, name, repository, rest):
        if name == "put-reset":
            self.rfile.read(min(1000, int(self.headers.get("Content-Length") or 0)))
            self.drop()
        self.read_body()
        if name == "put-404":
            self.state.uploads.pop(rest[1], None)
            return self.error(404, "BLOB_UPLOAD_UNKNOWN", "no such upload")
        if name == "put-500":
            return self.error(500, "UNKNOWN", "the disk is tired")
        self.state.tokens.clear()
        return self.challenge("repository:%s:pull,push" % repository)

    def start_upload(self, repository, query):
        self.read_body()
        digest, source = query.get("mount", [""])[0], query.get("from", [""])[0]
        if not self.state.args.no_mount and (source, digest) in self.state.blobs:
            self.state.blobs[repository, digest] = self.state.blobs[source, digest]
            return self.answer(201)
        session = self.state.next_id()
        self.state.uploads[session] = repository
        location = "/v2/%s/blobs/uploads/%s?_state=a+b" % (repository, session)
        if self.state.args.absolute_location:
            location = self.base() + location
        self.answer(202, b"", {"Location": location})


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Clients that hang up or do not like the certificate are part of the game."""


def serve(handler, tls=None):
    server = Server(("127.0.0.1", 0), handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.socket = context.wrap_socket(server.socket, server_side=True,
                                            do_handshake_on_connect=False)
    return server


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port-file", required=True)
    parser.add_argument("--log")
    parser.add_argument("--image", default="demo:1")
    parser.add_argument("--size", type=int, default=300000)
    parser.add_argument("--index", action="store_true")
    parser.add_argument("--auth", choices=("none", "basic", "bearer"), default="none")
    parser.add_argument("--user", default="")
    parser.add_argument("--expires", type=int, default=300)
    parser.add_argument("--tls", nargs=2)
    parser.add_argument("--no-mount", action="store_true")
    parser.add_argument("--absolute-location", action="store_true")
    parser.add_argument("--min-size", type=int, default=1000)
    parser.add_argument("--fault", action="append", default=[])
    args = parser.parse_args()
    Handler.state = State(args)
    repository, _, tag = args.image.rpartition(":")
    add_image(Handler.state, repository, tag, args.size, args.index)
    storage = serve(type("Storage", (Handler,), {"is_storage": True}))
    Handler.second_port = storage.server_address[1]
    threading.Thread(target=storage.serve_forever, daemon=True).start()
    server = serve(Handler, tls=args.tls)
    temporary = args.port_file + ".new"
    with open(temporary, "w") as f:
        f.write("%d\n" % server.server_address[1])
    os.rename(temporary, args.port_file)
    server.serve_forever()


if __name__ == "__main__":
    main()
