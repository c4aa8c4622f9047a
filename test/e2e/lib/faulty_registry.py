#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A small registry that misbehaves on demand.

It speaks enough of the distribution protocol to be pulled from and pushed to, serves one made-up image,
and can be told to fail. It prints nothing; --port-file gets the port once it listens, --log one line a request:

    METHOD PATH STATUS auth=none|basic|bearer range=-|bytes=N-  [LEAKED: credentials on the second host]

Usage: faulty_registry.py --port-file FILE [--log FILE] [--bind ADDRESS] [--tls CERT KEY [--client-ca CERT]]
           [--image REPO:TAG] [--size BYTES] [--zeros] [--broken KIND] [--platforms P,P,..] [--depth N]
           [--auth none|basic|bearer] [--user U:P] [--expires SECONDS] [--realm URL]
           [--no-mount] [--location KIND] [--min-size BYTES] [--referrers N] [--piece BYTES] [--like NAME]
           [--post-only | --get-only] [--fault NAME[:COUNT[:VALUE]]]...
       faulty_registry.py --many FILE: one for each line of FILE, which has its options

--zeros      the large layer is zeros: a small blob that unpacks to --size bytes
--broken     diff-id: the config names another content; layers: the config names a layer less;
             type: a layer of unknown media type; size: the manifest says a byte more than the layer has;
             schema1: a manifest of schema version 1; missing: the small layer is not there
--platforms  the tag is an index with this image under each of the platforms
--depth      with --platforms: so many indexes above the manifest
--client-ca  only clients with a certificate of that authority are spoken to
--referrers  OCI 1.1: referrers are listed, so many a page; without it, they are an unknown path
--piece      uploads are taken by PATCH only, in pieces of at least so many bytes (OCI-Chunk-Min-Length)
--post-only, --get-only  the token server knows one way only
--like       refuses uploads in the words of: ghcr, ecr-missing, ecr-expired, ecr-anonymous, hub,
             hub-limit
--location   of uploads: path (the default), absolute, relative, none, or foreign: on the second host

A fault happens COUNT times (default: always), then no more. Faults of blob downloads
(of blobs with at least --min-size bytes, default 1000: the large layer, not the config):
    html-blob       200 with a page for people
    truncate        half of the body, then the connection is closed
    short           half of the body, and Content-Length says that is all
    stall           half of the body, then nothing until the client goes away
    reset           the connection is closed without an answer
    wrong-digest    the right length, other bytes
    wrong-rest      half of the body; when it is asked for, the rest with other bytes
    endless         a body without end and without length
    long            announces twice the length
    unended         the whole body in a chunk, and no last chunk that says so
    no-range        a Range is answered with the whole body
    bad-range       a Range is answered with 206 for another range
    redirect        307 to a second host (another port), which must not see Authorization
    redirect-loop   307 to itself
    redirect-403    the second host answers 403
    redirect-none   307 without a Location
    blob-401        the tokens are forgotten: 401
Faults of any request below /v2/ but the ping itself:
    401             the token is forgotten: 401
    403             denied
    404             unknown
    429             with Retry-After: VALUE (default 1)
    500, 502, 503   as they are
    413, 418        as they are
    html            502 with a page for people
    headers         a megabyte of headers
    garbage         no HTTP at all
    retry-date      503 with Retry-After as a date two seconds from now
    retry-text      429 with ghcr.io's words in the body
    hang            no answer until the client goes away
    head-405        HEAD is not known
Faults of manifests:
    wrong-manifest  other bytes of the same length
    bad-manifest    not JSON, with the right digest header
    long-manifest   announces twice the length
    huge-manifest   JSON, 5 MB of it
    endless-manifest
    html-manifest   200 with a page for people
    empty-manifest  200 with nothing
    gzip-manifest   with a Content-Encoding that nobody asked for
Faults of uploads:
    put-401, put-500, put-reset  when the body has been (partly) sent
    put-cut         (of at least --min-size bytes) when half of the body has been taken, which the session keeps
    put-cut-lost    the same, and the session is forgotten
    put-cut-lie     the same, and the session says that it has more than it was sent
    put-413         a proxy finds the body too large
    post-500, post-404              when an upload is begun
    put-404         the upload session is forgotten
    put-stall       nothing is read, nothing answered
    put-still       the same, where the body has --min-size
    put-half        the same, and no answer will come: this end says so, but stays
    manifest-digest when a manifest has been sent: stored under another digest
    manifest-413    when a manifest has been sent: too large
    manifest-500    when a manifest has been sent
Fault of the list of referrers:
    page-elsewhere  the next page is said to be on the second host
Faults of the token server:
    token-500, token-403, token-bad, token-http, token-html, token-empty, token-hang, token-endless,
    token-redirect
    token-scope     every challenge wants a scope that none before did
"""

import argparse
import base64
import email.utils
import gzip
import hashlib
import http.server
import io
import json
import os
import random
import socket
import ssl
import sys
import tarfile
import threading
import time
import urllib.parse

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
PAGE = b"<!DOCTYPE html><html><body><h1>Sorry</h1></body></html>" * 20


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class State:
    def __init__(self, args):
        self.args = args
        self.lock = threading.Lock()
        self.blobs = {}  # (repository, digest) -> bytes
        self.manifests = {}  # (repository, tag or digest) -> (media type, bytes)
        self.uploads = {}  # session -> (repository, bytes so far)
        self.referrers = {}  # (repository, subject) -> descriptors
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

    def due(self, name):
        with self.lock:
            return any(fault[0] == name and fault[1] != 0 for fault in self.faults)

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


def make_layers(state, repository, args):
    """A small one and one of --size bytes, incompressible or zeros; the same in every run."""
    content = b"\0" * args.size if args.zeros else random.Random(1).randbytes(args.size)
    layers, diff_ids = [], []
    for tar in layer_tar("hello.txt", b"hello\n"), layer_tar("random.bin", content):
        blob = gzip.compress(tar, 1, mtime=0)
        diff_ids.append(digest_of(tar))
        layers.append({"mediaType": LAYER, "digest": state.add_blob(repository, blob),
                       "size": len(blob)})
    if args.broken == "diff-id":
        diff_ids[1] = digest_of(b"something else")
    if args.broken == "layers":
        diff_ids.pop()
    if args.broken == "missing":
        del state.blobs[repository, layers[0]["digest"]]
    if args.broken == "type":
        layers[1]["mediaType"] = "application/vnd.example.layer"
    if args.broken == "size":
        layers[1]["size"] += 1
    return layers, diff_ids


def add_manifest_of(state, repository, args, platform):
    layers, diff_ids = make_layers(state, repository, args)
    system, architecture, variant = (platform.split("/") + [""])[:3]
    config = json.dumps({"architecture": architecture, "os": system,
                         "created": "2024-01-02T03:04:05Z",
                         "config": {"Env": ["PATH=/bin"], "Cmd": ["/hello"]},
                         "rootfs": {"type": "layers", "diff_ids": diff_ids}}).encode()
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST,
                "config": {"mediaType": CONFIG, "digest": state.add_blob(repository, config),
                           "size": len(config)},
                "layers": layers}
    if args.broken == "schema1":
        manifest = {"schemaVersion": 1, "fsLayers": [], "history": []}
    descriptor = state.add_manifest(repository, MANIFEST, manifest)
    descriptor["platform"] = {"os": system, "architecture": architecture}
    if variant:
        descriptor["platform"]["variant"] = variant
    return descriptor


def add_image(state, args):
    repository, _, tag = args.image.rpartition(":")
    if not args.platforms:
        top = add_manifest_of(state, repository, args, "linux/amd64")
    else:
        children = [add_manifest_of(state, repository, args, p) for p in args.platforms.split(",")]
        for _ in range(args.depth):
            top = state.add_manifest(repository, INDEX, {
                "schemaVersion": 2, "mediaType": INDEX, "manifests": children})
            children = [dict(top)]
    state.manifests[repository, tag] = state.manifests[repository, top["digest"]]


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

    def hang(self):
        """Until the client goes away, and longer: threads end with the process."""
        self.note("hanging")
        threading.Event().wait()

    def endless(self, content_type):
        self.note(200)
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while True:
            self.wfile.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")

    def unended(self, body, headers):
        self.note(200)
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(body), body))
        raise Closed()

    def read_body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    # ---- authorization

    def base(self):
        scheme = "https" if self.state.args.tls else "http"
        return "%s://%s" % (scheme, self.headers["Host"])

    def second_host(self):
        """The same machine by another port, and by another name where that is sure to be known."""
        name = self.headers["Host"].rpartition(":")[0]
        return "http://%s:%d" % ("localhost" if name == "127.0.0.1" else name, self.second_port)

    def basic_is_right(self):
        kind, _, value = (self.headers.get("Authorization") or "").partition(" ")
        return (kind.lower() == "basic"
                and base64.b64decode(value).decode() == self.state.args.user)

    def challenge(self, scope):
        args = self.state.args
        if args.auth == "basic":
            value = 'Basic realm="faulty"'
        else:
            realm = args.realm or self.base() + "/token"
            if self.state.fault("token-http"):
                realm = realm.replace("https://", "http://")
            value = 'Bearer realm="%s",service="faulty"' % realm
            if self.state.fault("token-scope"):
                scope = "repository:never-%s:pull" % self.state.next_id()
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
            if (kind == "Bearer" and expiry > time.time() and scopes <= granted
                    and not self.state.due("token-scope")):
                return True
        self.challenge(" ".join("repository:%s:%s" % pair for pair in sorted(scopes)))
        return False

    def token(self, query, form):
        args = self.state.args
        if args.post_only and self.command != "POST" or args.get_only and self.command == "POST":
            return self.error(405 if args.post_only else 404, "UNSUPPORTED", "not like this")
        fault = self.state.fault("token-500", "token-403", "token-bad", "token-html", "token-empty",
                                 "token-hang", "token-endless", "token-redirect")
        if fault:
            if fault[0] == "token-hang":
                self.hang()
            if fault[0] == "token-redirect":
                return self.answer(307, b"", {"Location": self.second_host() + "/403/token/x"})
            if fault[0] == "token-endless":
                return self.endless("application/json")
            if fault[0] in ("token-bad", "token-html", "token-empty"):
                body = {"bad": b"no json", "html": PAGE, "empty": b"{}"}[fault[0][6:]]
                return self.answer(200, body)
            return self.error(int(fault[0][6:]), "FAULT", "the token server fails")
        identity = form.get("refresh_token", [""])[0]
        password = form.get("username", [""])[0] + ":" + form.get("password", [""])[0]
        allowed = (self.basic_is_right() or identity == "refresh-" + args.user
                   or password == args.user)
        if args.user and not allowed:
            return self.error(401, "UNAUTHORIZED", "incorrect username or password")
        granted = set()
        for scope in " ".join(query.get("scope", []) + form.get("scope", [])).split():
            _, name, actions = scope.split(":", 2)
            granted.update((name, action) for action in actions.split(","))
        token = "token-" + self.state.next_id()
        self.state.tokens[token] = (time.time() + args.expires, granted)
        self.answer(200, json.dumps({"token": token, "expires_in": int(args.expires)}).encode())

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

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    def route(self):
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query)
        if self.is_storage:
            return self.storage(url.path, query)
        if url.path == "/token":
            form = urllib.parse.parse_qs(self.read_body().decode())
            return self.token(query, form)
        if url.path == "/v2/":
            return self.authorized(set()) and self.answer(200, b"{}")
        if url.path.startswith("/file/"):
            return self.file()
        parts = url.path.split("/")
        for kind in ("blobs", "manifests", "referrers"):
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
        if self.command == "HEAD" and self.state.fault("head-405"):
            self.error(405, "UNSUPPORTED", "only GET")
            return True
        fault = self.state.fault("401", "403", "404", "413", "418", "429", "500", "502", "503",
                                 "hang", "html", "headers", "garbage", "retry-date", "retry-text")
        if not fault:
            return False
        name, value = fault
        if name == "garbage":
            self.note(name)
            self.wfile.write(b"220 mail.example ESMTP\r\n" * 3)
            raise Closed()
        if name == "hang":
            self.hang()
        if self.command in ("PUT", "POST", "PATCH"):
            self.read_body()
        if name == "401":
            self.state.tokens.clear()
            self.challenge("")
        elif name == "html":
            self.answer(502, PAGE, {"Content-Type": "text/html"})
        elif name == "headers":
            self.answer(200, b"{}", {"X-Long-%d" % i: "x" * 10000 for i in range(100)})
        elif name == "retry-date":
            self.error(503, "FAULT", "failing on purpose", {
                "Retry-After": email.utils.formatdate(time.time() + 2, usegmt=True)})
        elif name == "retry-text":
            self.error(429, "TOOMANYREQUESTS", "retry-after: 35.8\u00b5s, allowed: 44000/minute")
        else:
            headers = {"Retry-After": value or "1"} if name == "429" else {}
            self.error(int(name), "FAULT", "failing on purpose", headers)
        return True

    def registry(self, kind, repository, rest, query):
        writes = self.command in ("PUT", "POST", "PATCH", "DELETE")
        scopes = {(repository, "push" if writes else "pull")}
        if self.general_fault():
            return None
        if kind == "referrers":
            return self.authorized(scopes) and self.list_referrers(repository, rest[0], query)
        if self.state.args.like and (writes or self.state.args.like == "hub-limit"):
            return self.authorized(scopes) and self.refuse_like(self.state.args.like, repository)
        if kind == "blobs" and rest[0] == "uploads":
            return self.upload(repository, rest, query, scopes)
        if not self.authorized(scopes):
            return self.close_unread()
        if kind == "manifests":
            return (self.put_manifest if writes else self.get_manifest)(repository, rest[0])
        return self.get_blob(repository, rest[0])

    def close_unread(self):
        """A body that was not read would be taken for the next request."""
        self.close_connection = self.close_connection or self.headers.get("Content-Length", "0") != "0"

    def refuse_like(self, whom, repository):
        """Refusals in the shapes that these registries were seen to answer with."""
        self.read_body()
        name = repository.encode().decode()
        detail = [{"Type": "repository", "Class": "", "Name": name, "Action": "push"}]
        status, code, message, headers = {
            "ghcr": (403, "DENIED", "permission_denied: write_package", {}),
            "ecr-missing": (404, "NAME_UNKNOWN", "The repository with name '%s' does not exist in the "
                            "registry with id '123456789012'" % name, {}),
            "ecr-expired": (403, "DENIED", "Your authorization token has expired. Reauthenticate and "
                            "try again.", {}),
            "ecr-anonymous": (401, "UNAUTHORIZED", "no basic auth credentials", {
                "WWW-Authenticate": 'Basic realm="https://123456789012.dkr.ecr.eu-central-1'
                                    '.amazonaws.com/",service="ecr.amazonaws.com"'}),
            "hub": (401, "UNAUTHORIZED", "authentication required", {
                "WWW-Authenticate": 'Bearer realm="%s/token",service="registry.docker.io",scope='
                                    '"repository:%s:pull,push",error="insufficient_scope"'
                                    % (self.base(), name)}),
            "hub-limit": (429, "TOOMANYREQUESTS", "You have reached your unauthenticated pull rate "
                          "limit. https://www.docker.com/increase-rate-limit", {
                              "RateLimit-Limit": "100;w=21600", "RateLimit-Remaining": "0;w=21600",
                              "X-RateLimit-Reset": str(int(time.time()) + 3000),
                              "Retry-After": "3000"}),
        }[whom]
        body = {"errors": [{"code": code, "message": message}]}
        if whom == "hub":
            body["errors"][0]["detail"] = detail
        self.answer(status, json.dumps(body).encode(),
                    dict({"Content-Type": "application/json"}, **headers))

    def list_referrers(self, repository, subject, query):
        size = self.state.args.referrers
        if not size:
            return self.error(404, "NAME_UNKNOWN", "no such thing here")
        wanted = query.get("artifactType", [None])[0]
        found = [d for d in self.state.referrers.get((repository, subject), [])
                 if wanted in (None, d["artifactType"])]
        start = int(query.get("last", ["0"])[0])
        headers = {"Content-Type": INDEX}
        if wanted:
            headers["OCI-Filters-Applied"] = "artifactType"
        if start + size < len(found):
            filters = "&artifactType=" + urllib.parse.quote(wanted) if wanted else ""
            where = self.second_host() if self.state.fault("page-elsewhere") else ""
            headers["Link"] = '<%s/v2/%s/referrers/%s?last=%d%s>; rel="next"' % (
                where, repository, subject, start + size, filters)
        self.answer(200, json.dumps({"schemaVersion": 2, "mediaType": INDEX,
                                     "manifests": found[start:start + size]}).encode(), headers)

    def link_referrer(self, repository, data, document):
        """What the answer to a manifest with a subject says of it."""
        subject = document.get("subject")
        if not subject or not self.state.args.referrers:
            return {}
        entry = {"mediaType": self.headers["Content-Type"], "digest": digest_of(data), "size": len(data),
                 "artifactType": document.get("artifactType") or document["config"]["mediaType"],
                 "annotations": document.get("annotations", {})}
        self.state.referrers.setdefault((repository, subject["digest"]), []).append(entry)
        return {"OCI-Subject": subject["digest"]}

    def get_manifest(self, repository, name):
        media_type, data = self.state.manifests.get((repository, name), (None, None))
        if data is None:
            return self.error(404, "MANIFEST_UNKNOWN", "manifest unknown")
        headers = {"Content-Type": media_type, "Docker-Content-Digest": digest_of(data)}
        fault = self.command == "GET" and self.state.fault(
            "wrong-manifest", "bad-manifest", "long-manifest", "huge-manifest", "endless-manifest",
            "gzip-manifest", "html-manifest", "empty-manifest")
        name = fault[0] if fault else ""
        if name == "endless-manifest":
            return self.endless(media_type)
        if name == "long-manifest":
            self.answer(200, data, headers, 2 * len(data))
            raise Closed()
        if name == "wrong-manifest":
            data = data[:-1] + b" "
        if name == "bad-manifest":
            data = b"<html>"
        if name == "html-manifest":
            return self.answer(200, PAGE, {"Content-Type": "text/html"})
        if name == "empty-manifest":
            return self.answer(200, b"", headers)
        if name == "huge-manifest":
            data = data[:-1] + b', "annotations": {"a": "' + b"x" * 5000000 + b'"}}'
        if name == "gzip-manifest":
            data = gzip.compress(data)
            headers["Content-Encoding"] = "gzip"
        if name in ("bad-manifest", "huge-manifest"):
            headers["Docker-Content-Digest"] = digest_of(data)
        self.answer(200, data, headers)

    def put_manifest(self, repository, name):
        data = self.read_body()
        fault = self.state.fault("manifest-500", "manifest-413", "manifest-digest")
        if fault and fault[0] != "manifest-digest":
            return self.error(int(fault[0][9:]), "UNKNOWN", "the disk is tired")
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
        headers = self.link_referrer(repository, data, document)
        headers["Docker-Content-Digest"] = digest_of(b"other" if fault else data)
        self.answer(201, b"", headers)

    def get_blob(self, repository, digest):
        data = self.state.blobs.get((repository, digest))
        if data is None:
            return self.error(404, "BLOB_UNKNOWN", "blob unknown to registry")
        if self.command == "HEAD":
            return self.answer(200, data)
        fault = self.blob_fault(data, "redirect", "redirect-loop", "redirect-403", "redirect-none",
                                "blob-401")
        if not fault:
            return self.send_blob(data)
        if fault[0] == "blob-401":
            self.state.tokens.clear()
            return self.challenge("repository:%s:pull" % repository)
        to = "%s/%s/%s/%s?signature=hush" % (
            self.second_host(), "403" if fault[0] == "redirect-403" else "blob", repository, digest)
        if fault[0] == "redirect-loop":
            to = self.path
        return self.answer(307, b"", {} if fault[0] == "redirect-none" else {"Location": to})

    def storage(self, path, query):
        _, kind, rest = path.split("/", 2)
        repository, _, digest = rest.rpartition("/")
        if self.headers.get("Authorization"):
            self.read_body()
            return self.error(400, "LEAKED", "credentials for another host")
        if kind == "upload":
            return self.finish_upload(repository, digest, query)
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
        fault = self.blob_fault(data, "truncate", "short", "stall", "reset", "wrong-digest",
                                "wrong-rest", "endless", "long", "html-blob", "unended")
        name = fault[0] if fault else ""
        if name == "reset":
            self.drop()
        if name == "html-blob":
            return self.answer(200, PAGE, {"Content-Type": "text/html"})
        if name == "endless":
            return self.endless(headers["Content-Type"])
        if name == "unended":
            return self.unended(body, headers)
        if name == "wrong-rest" and not start:
            name = "truncate"
        if name in ("wrong-digest", "wrong-rest"):
            body = bytes([body[0] ^ 1]) + body[1:]
        if name == "short":
            body = body[:len(body) // 2]
        if name in ("truncate", "stall"):
            self.answer(status, body[:len(body) // 2], headers, len(body))
            if name == "stall":
                self.hang()
            raise Closed()
        if name == "long":
            self.answer(status, body, headers, 2 * len(body))
            raise Closed()
        self.answer(status, body, headers)

    def upload(self, repository, rest, query, scopes):
        source = query.get("from", [None])[0]
        if source and not self.state.args.no_mount:
            scopes = scopes | {(source, "pull")}
        fault = None
        if self.command in ("PUT", "PATCH"):
            fault = self.state.fault("put-401", "put-500", "put-reset", "put-404", "put-stall", "put-413")
            if int(self.headers.get("Content-Length") or 0) >= self.state.args.min_size:
                fault = fault or self.state.fault("put-cut", "put-cut-lost", "put-cut-lie", "put-still", "put-half")
        if self.command == "POST":
            fault = self.state.fault("post-500", "post-404")
        if fault:
            return self.upload_fault(fault[0], repository, rest)
        if not self.authorized(scopes):
            return self.close_unread()
        if self.command == "POST":
            return self.start_upload(repository, query)
        session = rest[1] if len(rest) > 1 else ""
        if self.command == "DELETE":
            self.state.uploads.pop(session, None)
            return self.answer(204)
        if self.command == "GET":
            return self.upload_status(repository, session)
        if self.command == "PATCH" or (self.command == "PUT" and self.state.args.piece):
            return self.take_piece(repository, session, query)
        self.finish_upload(repository, session, query)

    def upload_status(self, repository, session):
        if session not in self.state.uploads:
            return self.error(404, "BLOB_UPLOAD_UNKNOWN", "no such upload")
        have = len(self.state.uploads[session][1])
        self.answer(204, b"", {"Location": self.location(repository, session),
                               "Range": "0-%d" % max(0, have - 1)})

    def right_place(self, have):
        """A piece, or the rest, begins where the session stands."""
        said = self.headers.get("Content-Range")
        return not said or int(said.split("-")[0]) == have

    def take_piece(self, repository, session, query):
        """Only in pieces: a PUT may not bring anything."""
        data = self.read_body()
        if self.command == "PUT":
            if data:
                return self.error(400, "BLOB_UPLOAD_INVALID", "send it in pieces")
            return self.finish_upload(repository, session, query)
        have = self.state.uploads[session][1]
        if not self.right_place(len(have)):
            return self.error(416, "RANGE_INVALID", "not where the last piece ended")
        if self.state.args.piece > len(data) and not self.state.uploads[session][2]:
            self.state.uploads[session][2] = True  # only the last one may be shorter
        elif self.state.uploads[session][2]:
            return self.error(400, "SIZE_INVALID", "a piece after a short one")
        self.state.uploads[session][1] = have + data
        self.answer(202, b"", {"Location": self.location(repository, session),
                               "Range": "0-%d" % (len(have + data) - 1)})

    def finish_upload(self, repository, session, query):
        data = self.read_body()
        if session not in self.state.uploads or self.state.uploads[session][0] != repository:
            return self.error(404, "BLOB_UPLOAD_UNKNOWN", "no such upload")
        have = self.state.uploads.pop(session)[1]
        if have and not self.right_place(len(have)):
            return self.error(416, "RANGE_INVALID", "not where the last piece ended")
        data = have + data
        if digest_of(data) != query.get("digest", [""])[0]:
            return self.error(400, "DIGEST_INVALID", "provided digest did not match")
        if query.get("_state") != ["a b"]:
            return self.error(400, "BLOB_UPLOAD_INVALID", "the query of Location was lost")
        self.state.blobs[repository, digest_of(data)] = data
        self.answer(201, b"", {"Docker-Content-Digest": digest_of(data)})

    def cut_upload(self, name, session):
        half = int(self.headers.get("Content-Length") or 0) // 2
        data = self.rfile.read(half)
        if name == "put-cut-lost":
            self.state.uploads.pop(session, None)
        else:
            self.state.uploads[session][1] += data + (b"?" if name == "put-cut-lie" else b"")
        self.drop()

    def upload_fault(self, name, repository, rest):
        if name == "put-reset":
            self.rfile.read(min(1000, int(self.headers.get("Content-Length") or 0)))
            self.drop()
        if name == "put-half":
            time.sleep(0.5)  # until no more goes in
            self.connection.shutdown(socket.SHUT_RDWR)
        if name in ("put-stall", "put-still", "put-half"):
            self.hang()
        if name.startswith("put-cut"):
            self.cut_upload(name, rest[1])
        self.read_body()
        if name == "put-404":
            self.state.uploads.pop(rest[1], None)
            return self.error(404, "BLOB_UPLOAD_UNKNOWN", "no such upload")
        if name in ("put-500", "post-500"):
            return self.error(500, "UNKNOWN", "the disk is tired")
        if name == "put-413":
            return self.answer(413, PAGE, {"Content-Type": "text/html"})
        if name == "post-404":
            return self.error(404, "NAME_UNKNOWN", "repository name not known to registry")
        self.state.tokens.clear()
        return self.challenge("repository:%s:pull,push" % repository)

    def start_upload(self, repository, query):
        self.read_body()
        digest, source = query.get("mount", [""])[0], query.get("from", [""])[0]
        if not self.state.args.no_mount and (source, digest) in self.state.blobs:
            self.state.blobs[repository, digest] = self.state.blobs[source, digest]
            return self.answer(201)
        session = self.state.next_id()
        self.state.uploads[session] = [repository, b"", False]
        location = self.location(repository, session)
        headers = {"Location": location} if location else {}
        if self.state.args.piece:
            headers["OCI-Chunk-Min-Length"] = str(self.state.args.piece)
        self.answer(202, b"", headers)

    def location(self, repository, session):
        path = "/v2/%s/blobs/uploads/%s?_state=a+b" % (repository, session)
        return {"path": path,
                "absolute": self.base() + path,
                "relative": session + "?_state=a+b",
                "foreign": "%s/upload/%s/%s?_state=a+b" % (
                    self.second_host(), repository, session),
                "none": None}[self.state.args.location]


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Clients that hang up or do not like the certificate are part of the game."""


def serve(handler, address, tls=None, client_ca=None):
    server = Server((address, 0), handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        if client_ca:
            context.load_verify_locations(client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        server.socket = context.wrap_socket(server.socket, server_side=True,
                                            do_handshake_on_connect=False)
    return server


def arguments(words):
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port-file", required=True)
    parser.add_argument("--log")
    parser.add_argument("--bind", default="127.0.0.1")
    parser.add_argument("--tls", nargs=2)
    parser.add_argument("--client-ca")
    parser.add_argument("--referrers", type=int, default=0)
    parser.add_argument("--piece", type=int, default=0)
    parser.add_argument("--post-only", action="store_true")
    parser.add_argument("--get-only", action="store_true")
    parser.add_argument("--like")
    parser.add_argument("--image", default="demo:1")
    parser.add_argument("--size", type=int, default=300000)
    parser.add_argument("--zeros", action="store_true")
    parser.add_argument("--broken",
                        choices=("diff-id", "layers", "missing", "type", "size", "schema1"))
    parser.add_argument("--platforms")
    parser.add_argument("--depth", type=int, default=1)
    parser.add_argument("--auth", choices=("none", "basic", "bearer"), default="none")
    parser.add_argument("--user", default="")
    parser.add_argument("--expires", type=float, default=300)
    parser.add_argument("--realm")
    parser.add_argument("--no-mount", action="store_true")
    parser.add_argument("--location", default="path",
                        choices=("path", "absolute", "relative", "none", "foreign"))
    parser.add_argument("--min-size", type=int, default=1000)
    parser.add_argument("--fault", action="append", default=[])
    return parser.parse_args(words)


def start(args):
    state = State(args)
    add_image(state, args)
    storage = serve(type("Storage", (Handler,), {"state": state, "is_storage": True}), args.bind)
    handler = type("Registry", (Handler,),
                   {"state": state, "second_port": storage.server_address[1]})
    server = serve(handler, args.bind, args.tls, args.client_ca)
    for one in storage, server:
        threading.Thread(target=one.serve_forever).start()
    temporary = args.port_file + ".new"
    with open(temporary, "w") as f:
        f.write("%d\n" % server.server_address[1])
    os.rename(temporary, args.port_file)


def main():
    if sys.argv[1:2] == ["--many"]:
        with open(sys.argv[2]) as f:
            for line in f:
                start(arguments(line.split()))
    else:
        start(arguments(sys.argv[1:]))


if __name__ == "__main__":
    main()
