#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A small cache service of GitHub Actions: both versions of its API, and the blob store behind it.

It prints nothing; --port-file gets the port once it listens, --log one line a request:

    METHOD PATH STATUS [bearer] [key=KEY] [bytes=N] [at-once=N] [LEAKED: a token where none may be]

Entries are kept in --dir: index.json (what, of which scope, in what state) and a file each. The scopes come
from the token's claim "ac", which is not verified. With --azurite URL the blobs are in an azurite there, and
signed URLs are what it understands; else this program is the blob store too, with --rate no faster than so
many bytes a second on each connection, and with --delay only so many seconds after a request.

Usage: gha_server.py --port-file FILE --dir DIR [--log FILE] [--azurite URL] [--rate BYTES] [--delay SECONDS]
                     [--fault NAME[:COUNT[:VALUE]]]...

A fault happens COUNT times (default: always), then no more; SIGHUP reads DIR/faults, a line each, instead:
    429             any call of the service, with Retry-After: VALUE (default 1)
    500             any call of the service
    slow            any call of the service takes VALUE seconds
    denied          CreateCacheEntry: the token may only read
    full            CreateCacheEntry: not ok, in words
    lookup-500      a look-up
    exists          CreateCacheEntry: 409, whatever there is
    unseen          what is finalized is not seen by the next VALUE look-ups (default 1)
    put-500         a block or blob
    put-cut         a block or blob: the connection is closed when half of it was read
    put-slow        a block or blob takes VALUE seconds
Of a download, VALUE is what the key has to begin with:
    expired         403
    gone            404
    truncate        half of what is asked for, then the connection is closed
    wrong           other bytes of that length
    get-500         500
    whole           all of it with status 200, whatever range is asked for
    shifted         another range than the one that is asked for
    short           the blob lacks its last byte
"""
import argparse
import base64
import hashlib
import hmac
import http.server
import json
import os
import signal
import sys
import threading
import time
import urllib.parse
import urllib.request

TWIRP = "/twirp/github.actions.results.api.v1.CacheService/"
V1 = "/_apis/artifactcache/"
AZURITE_ACCOUNT = "devstoreaccount1"
# what azurite documents for everybody
AZURITE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class Faults:
    def __init__(self, texts):
        self.lock = threading.Lock()
        self.set(texts)

    def set(self, texts):
        with self.lock:
            self.left = {}
            for t in texts:
                name, count, value = (t.split(":") + ["", ""])[:3]
                self.left[name] = [int(count) if count else -1, value]

    def hit(self, name, key=None):
        """Its value (a text, perhaps empty) if it is to happen now, else None."""
        with self.lock:
            f = self.left.get(name)
            if not f or f[0] == 0 or (key and not key.startswith(f[1])):
                return None
            f[0] -= 1
            return f[1]


class UnderWay:
    """How many downloads are, while inside."""

    def __init__(self):
        self.lock, self.n = threading.Lock(), 0

    def __enter__(self):
        with self.lock:
            self.n += 1

    def __exit__(self, *_):
        with self.lock:
            self.n -= 1


class Index:
    """Entries in the order they were made; an entry that is not finalized has no size."""

    def __init__(self, folder):
        self.folder, self.lock = folder, threading.Lock()
        self.path = os.path.join(folder, "index.json")
        self.entries = json.load(open(self.path)) if os.path.exists(self.path) else []

    def save(self):
        with open(self.path + ".new", "w") as f:
            json.dump(self.entries, f, indent=1)
        os.replace(self.path + ".new", self.path)

    def key_of(self, ident):
        with self.lock:
            return next((e["key"] for e in self.entries if e["id"] == ident), "")

    def reserve(self, key, version, scope):
        with self.lock:
            for e in self.entries:
                if (e["key"], e["version"], e["scope"]) == (key, version, scope):
                    return None
            e = {"id": max([e["id"] for e in self.entries], default=0) + 1, "key": key, "version": version, "scope": scope, "size": None,
                 "unseen": 0}
            self.entries.append(e)
            self.save()
            return e

    def finish(self, match, size, unseen):
        with self.lock:
            for e in self.entries:
                if match(e) and e["size"] is None:
                    e["size"], e["unseen"] = size, unseen
                    self.save()
                    return e
        return None

    def find(self, keys, version, scopes):
        def seen(e):
            if e["size"] is None or e["version"] != version:
                return False
            if e["unseen"]:
                e["unseen"] -= 1
                return False
            return True

        with self.lock:
            for scope in scopes:
                mine = [e for e in self.entries if e["scope"] == scope]
                for key in keys:
                    for same in (lambda e: e["key"] == key, lambda e: e["key"].startswith(key)):
                        found = [e for e in mine if same(e) and seen(e)]
                        if found:
                            return found[-1]
        return None


class Azurite:
    """Signed URLs of one container (service SAS, version 2020-12-06)."""

    def __init__(self, url):
        self.url, self.container = url.rstrip("/"), "cache"
        date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
        canonical = "/%s/%s/%s\nrestype:container" % (AZURITE_ACCOUNT, AZURITE_ACCOUNT, self.container)
        text = "PUT\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:%s\nx-ms-version:2020-12-06\n%s" % (date, canonical)
        request = urllib.request.Request(
            "%s/%s/%s?restype=container" % (self.url, AZURITE_ACCOUNT, self.container), method="PUT", data=b"",
            headers={"x-ms-date": date, "x-ms-version": "2020-12-06", "Content-Length": "0",
                     "Authorization": "SharedKey %s:%s" % (AZURITE_ACCOUNT, self.sign(text))})
        request.remove_header("Content-type")
        request.add_unredirected_header("Content-type", "")
        try:
            urllib.request.urlopen(request).read()
        except urllib.error.HTTPError as e:
            if e.code != 409:
                raise

    def sign(self, text):
        return base64.b64encode(hmac.new(base64.b64decode(AZURITE_KEY), text.encode(), hashlib.sha256).digest()).decode()

    def signed(self, ident, permissions):
        start, end = (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + d)) for d in (-600, 3600))
        resource = "/blob/%s/%s/%d" % (AZURITE_ACCOUNT, self.container, ident)
        text = "\n".join([permissions, start, end, resource, "", "", "", "2020-12-06", "b", "", "", "", "", "", "", ""])
        query = urllib.parse.urlencode({"sv": "2020-12-06", "st": start, "se": end, "sr": "b", "sp": permissions,
                                        "sig": self.sign(text)})
        return "%s/%s/%s/%d?%s" % (self.url, AZURITE_ACCOUNT, self.container, ident, query)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    # ---- bytes, at --rate

    PIECE = 256 << 10

    def hold(self, n):
        """Until n bytes have had the time they take; what was idle before earns next to nothing."""
        rate = self.server.rate
        if rate:
            self.due = max(time.monotonic() - 0.05, getattr(self, "due", 0)) + n / rate
            time.sleep(max(0, self.due - time.monotonic()))

    def send_part(self, file, first, n):
        file.seek(first)
        while n > 0:
            piece = file.read(min(n, self.PIECE))
            self.hold(len(piece))
            self.wfile.write(piece)
            n -= len(piece)

    def take(self, n):
        pieces = []
        while n > 0:
            pieces.append(self.rfile.read(min(n, self.PIECE)))
            self.hold(len(pieces[-1]))
            n -= len(pieces[-1])
            if not pieces[-1]:
                break
        return b"".join(pieces)

    # ---- answers

    def note(self, status, extra=""):
        line = "%s %s %s" % (self.command, self.path.split("?")[0], status)
        if self.headers.get("Authorization"):
            line += " bearer"
        if self.path.startswith("/blob/") and self.headers.get("Authorization"):
            line += " LEAKED: a token where none may be"
        with self.server.log_lock:
            self.server.log.write(line + extra + "\n")
            self.server.log.flush()

    def answer(self, status, body=b"", headers=(), extra=""):
        self.note(status, extra)
        if isinstance(body, dict):
            body = json.dumps(body).encode()
            headers = list(headers) + [("Content-Type", "application/json")]
        self.send_response(status)
        for k, v in headers:
            self.send_header(k, v)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status, code, msg, headers=()):
        self.answer(status, {"code": code, "msg": msg, "message": msg}, headers)

    def body(self):
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.take(int(self.headers.get("Content-Length") or 0))
        data = b""
        while True:
            n = int(self.rfile.readline().split(b";")[0], 16)
            data += self.rfile.read(n)
            self.rfile.readline()
            if n == 0:
                return data

    def scopes(self):
        """Of the token: [(scope, permission)], or None."""
        kind, _, token = (self.headers.get("Authorization") or "").partition(" ")
        try:
            part = token.split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
            if kind != "Bearer" or claims["exp"] < time.time():
                return None
            return [(s["Scope"], s["Permission"]) for s in json.loads(claims["ac"])]
        except (IndexError, KeyError, ValueError):
            return None

    # ---- the service

    def troubled(self):
        f = self.server.faults
        slow = f.hit("slow")
        if slow is not None:
            time.sleep(float(slow or 1))
        busy = f.hit("429")
        if busy is not None:
            self.refuse(429, "resource_exhausted", "too many requests", [("Retry-After", busy or "1")])
        elif f.hit("500") is not None:
            self.refuse(500, "internal", "trouble")
        else:
            return False
        return True

    def base(self):
        return "http://%s" % self.headers["Host"]

    def url_of(self, entry, permissions):
        azurite = self.server.azurite
        if azurite:
            return azurite.signed(entry["id"], permissions)
        return "%s/blob/%d?sp=%s&sig=%s" % (self.base(), entry["id"], permissions, self.server.secret)

    def do_POST(self):
        data = self.body()
        scopes = self.scopes()
        if self.troubled():
            return
        if scopes is None:
            self.refuse(401, "unauthenticated", "no token, or an old one")
        elif self.path.startswith(TWIRP):
            self.twirp(self.path[len(TWIRP):], json.loads(data), scopes)
        elif self.path.startswith(V1):
            self.v1_post(self.path[len(V1):], json.loads(data), scopes)
        else:
            self.refuse(404, "bad_route", "no such method")

    def reserve(self, q, scopes):
        """An entry, or None: refused."""
        mine = [s for s, p in scopes if p & 2]
        if not mine or self.server.faults.hit("denied") is not None:
            self.refuse(403, "permission_denied", "the token may only read")
            return None
        taken = self.server.faults.hit("exists") is not None
        e = None if taken else self.server.index.reserve(q["key"], q["version"], mine[-1])
        if not e:
            self.answer(409, {"code": "already_exists", "typeKey": "ArtifactCacheItemAlreadyExistsException",
                              "msg": "cache entry with the same key, version, and scope already exists",
                              "message": "exists"}, extra=" key=" + q["key"])
        return e

    def unseen(self):
        u = self.server.faults.hit("unseen")
        return 0 if u is None else int(u or 1)

    def twirp(self, method, q, scopes):
        camel = {"sizeBytes": "size_bytes", "restoreKeys": "restore_keys"}
        q = {camel.get(k, k): v for k, v in q.items()}
        extra = " key=" + q.get("key", "")
        if method == "CreateCacheEntry" and self.server.faults.hit("full") is not None:
            self.answer(200, {"ok": False, "message": "the repository has no room"}, extra=extra)
        elif method == "CreateCacheEntry":
            e = self.reserve(q, scopes)
            if e:
                self.answer(200, {"ok": True, "signed_upload_url": self.url_of(e, "cw")}, extra=extra)
        elif method == "FinalizeCacheEntryUpload":
            e = self.server.index.finish(lambda e: e["key"] == q["key"] and e["version"] == q["version"],
                                         int(q["size_bytes"]), self.unseen())
            self.answer(200, {"ok": True, "entry_id": str(e["id"])} if e else {"ok": False}, extra=extra)
        elif method == "GetCacheEntryDownloadURL":
            if self.server.faults.hit("lookup-500") is not None:
                self.refuse(500, "internal", "trouble")
                return
            keys = [q["key"]] + q.get("restore_keys", [])
            e = self.server.index.find(keys, q["version"], [s for s, p in scopes if p & 1])
            self.answer(200, {"ok": True, "signed_download_url": self.url_of(e, "r"), "matched_key": e["key"]}
                        if e else {"ok": False}, extra=extra)
        else:
            self.refuse(404, "bad_route", "no such method")

    def v1_post(self, path, q, scopes):
        if path == "caches":
            e = self.reserve(q, scopes)
            if e:
                self.answer(201, {"cacheId": e["id"]}, extra=" key=" + q["key"])
            return
        ident = int(path.rsplit("/", 1)[1])
        e = self.server.index.finish(lambda e: e["id"] == ident, q["size"], self.unseen())
        if e and os.path.getsize(self.file(ident)) == q["size"]:
            self.answer(204)
        else:
            self.refuse(400, "bad_size", "another size")

    def do_PATCH(self):
        first = int(self.headers["Content-Range"].split()[1].split("-")[0])
        data = self.take_body()
        if data is None:
            return
        if self.scopes() is None or self.headers["Content-Type"] != "application/octet-stream":
            self.refuse(401, "unauthenticated", "no token, or no bytes")
            return
        fd = os.open(self.file(int(self.path.rsplit("/", 1)[1])), os.O_WRONLY | os.O_CREAT, 0o644)
        os.pwrite(fd, data, first)
        os.close(fd)
        self.answer(204, extra=" bytes=%d" % len(data))

    # ---- the blob store

    def file(self, ident, block=None):
        return os.path.join(self.server.index.folder, "%d" % ident + (".%s" % block.hex() if block else ""))

    def take_body(self):
        """The bytes of a block, or None: it came to grief."""
        f = self.server.faults
        length = int(self.headers.get("Content-Length") or 0)
        slow = f.hit("put-slow")
        if slow is not None:
            time.sleep(float(slow or 1))
        if f.hit("put-cut") is not None:
            self.rfile.read(length // 2)
            self.note("cut")
            self.close_connection = True
            self.connection.shutdown(2)
            return None
        data = self.body()
        if f.hit("put-500") is not None:
            self.answer(500)
            return None
        return data

    def signed(self, permission):
        url = urllib.parse.urlsplit(self.path)
        q = dict(urllib.parse.parse_qsl(url.query))
        ok = q.get("sig") == self.server.secret and permission in q.get("sp", "")
        return (int(url.path.rsplit("/", 1)[1]), q) if ok else (None, q)

    def azure(self, status, body=b"", headers=(), extra=""):
        self.answer(status, body, list(headers) + [("x-ms-request-id", "1"), ("x-ms-version", "2024-11-04"),
                                                   ("ETag", '"1"'), ("Last-Modified", self.date_time_string())], extra)

    def do_PUT(self):
        ident, q = self.signed("w")
        data = self.take_body()
        if data is None:
            return
        if ident is None or not self.headers.get("x-ms-version"):
            self.azure(403, b"<Error><Code>AuthenticationFailed</Code></Error>")
            return
        if q.get("comp") == "blocklist":
            import re
            with open(self.file(ident), "wb") as out:
                for block in re.findall(rb"<Latest>([^<]*)</Latest>", data):
                    with open(self.file(ident, block), "rb") as f:
                        out.write(f.read())
                    os.unlink(self.file(ident, block))
        elif q.get("comp") == "block":
            with open(self.file(ident, q["blockid"].encode()), "wb") as f:
                f.write(data)
        elif self.headers.get("x-ms-blob-type") != "BlockBlob":
            self.azure(400, b"<Error><Code>MissingRequiredHeader</Code></Error>")
            return
        else:
            with open(self.file(ident), "wb") as f:
                f.write(data)
        self.azure(201, extra=" bytes=%d" % len(data))

    def download(self, whole):
        f = self.server.faults
        ident, _ = self.signed("r")
        key = self.server.index.key_of(ident)
        if ident is None or f.hit("expired", key) is not None:
            self.azure(403, b"<Error><Code>AuthenticationFailed</Code></Error>")
            return
        if f.hit("gone", key) is not None or not os.path.exists(self.file(ident)):
            self.azure(404, b"<Error><Code>BlobNotFound</Code></Error>")
            return
        if f.hit("get-500", key) is not None:
            self.azure(500)
            return
        with open(self.file(ident), "rb") as file, self.server.under_way:
            self.send_blob(file, key, whole)

    def send_blob(self, file, key, whole):
        f = self.server.faults
        size = os.fstat(file.fileno()).st_size - (f.hit("short", key) is not None)
        asked = self.headers.get("x-ms-range") or self.headers.get("Range")
        if asked and f.hit("whole", key) is not None:
            asked = None
        first, last = 0, size - 1
        if asked:
            a, b = asked.split("=")[1].split("-")
            first, last = int(a), min(int(b), last) if b else last
        if asked and first > last:
            self.azure(416, b"<Error><Code>InvalidRange</Code></Error>", [("Content-Range", "bytes */%d" % size)])
            return
        n = last - first + 1
        if asked and f.hit("shifted", key) is not None:
            first = first - 1 if first else 1
        wrong, cut = f.hit("wrong", key) is not None, f.hit("truncate", key) is not None
        self.note(206 if asked else 200,
                  " range=%s bytes=%d at-once=%d" % (asked or "-", n, self.server.under_way.n))
        time.sleep(self.server.delay)
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", "bytes %d-%d/%d" % (first, first + n - 1, size))
        self.send_header("Content-Length", str(n))
        self.send_header("ETag", '"1"')
        self.end_headers()
        if whole and wrong:
            self.wfile.write(bytes(n))
        elif whole:
            try:
                self.send_part(file, first, n // 2 if cut else n)
            except ConnectionError:  # the client has had enough
                cut = True
        if cut:
            self.close_connection = True

    def do_HEAD(self):
        self.download(False)

    def do_GET(self):
        if self.path.startswith("/blob/"):
            self.download(True)
            return
        scopes = self.scopes()
        if self.troubled():
            return
        if scopes is None:
            self.refuse(401, "unauthenticated", "no token, or an old one")
            return
        q = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        e = self.server.index.find(q.get("keys", "").split(","), q.get("version"), [s for s, p in scopes if p & 1])
        extra = " key=" + q.get("keys", "")
        if e:
            self.answer(200, {"cacheKey": e["key"], "scope": e["scope"], "archiveLocation":
                              "%s/blob/%d?sp=r&sig=%s" % (self.base(), e["id"], self.server.secret)}, extra=extra)
        else:
            self.answer(204, extra=extra)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--port-file", required=True)
    p.add_argument("--dir", required=True)
    p.add_argument("--log", default=os.devnull)
    p.add_argument("--azurite")
    p.add_argument("--rate", type=float, default=0)
    p.add_argument("--delay", type=float, default=0)
    p.add_argument("--fault", action="append", default=[])
    o = p.parse_args()
    os.makedirs(o.dir, exist_ok=True)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.index, server.faults = Index(o.dir), Faults(o.fault)
    server.azurite = Azurite(o.azurite) if o.azurite else None
    server.rate, server.delay, server.under_way = o.rate, o.delay, UnderWay()
    server.secret = hashlib.sha256(o.dir.encode()).hexdigest()
    server.log, server.log_lock = open(o.log, "a"), threading.Lock()

    def reread(*_):
        server.faults.set(open(os.path.join(o.dir, "faults")).read().split())

    signal.signal(signal.SIGHUP, reread)
    with open(o.port_file + ".new", "w") as f:
        f.write("%d\n" % server.server_port)
    os.rename(o.port_file + ".new", o.port_file)
    server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
