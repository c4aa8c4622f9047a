#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""source_server.py ROOT: what a build may take from the network, over http on a free port of 127.0.0.1.

/files/NAME     ROOT/files/NAME with ETag and Last-Modified; If-None-Match is answered
/careless/NAME  the same, but the condition is ignored
/bare/NAME      without an ETag
/timeless/NAME  without Last-Modified
/private/...    any of the above behind the Authorization that ROOT/authorization holds
/to/URL         redirects there
/hang/...       never answers
/git/...        ROOT/git by git's own http-backend

ROOT/requests gets a line for each request: method, path, status, and the Authorization or '-'.
"""

import email.utils
import hashlib
import http.server
import os
import subprocess
import sys
import threading
import urllib.parse

ROOT = sys.argv[1]
LOCK = threading.Lock()


def sent(value):
    """An Authorization; the name of its scheme may be written in any case."""
    scheme, _, rest = (value or "").partition(" ")
    return scheme.lower(), rest


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, headers=(), body=b""):
        with LOCK, open(os.path.join(ROOT, "requests"), "a") as log:
            auth = self.headers.get("Authorization", "-")
            log.write(f"{self.command} {self.path} {status} {auth}\n")
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status != 304:
            self.wfile.write(body)

    def serve(self):
        path, _, query = self.path.partition("?")
        if path.startswith("/private/"):
            with open(os.path.join(ROOT, "authorization")) as f:
                if sent(self.headers.get("Authorization")) != sent(f.read()):
                    return self.answer(401, [("WWW-Authenticate", 'Basic realm="x"')])
            path = path[len("/private"):]
        kind, _, name = path[1:].partition("/")
        if kind == "to":
            target = urllib.parse.unquote(name)
            return self.answer(302, [("Location", target)])
        if kind == "hang":
            return threading.Event().wait(60)
        if kind == "git":
            return self.git("/" + name, query)
        if kind in ("files", "careless", "bare", "timeless"):
            return self.file(kind, urllib.parse.unquote(name))
        return self.answer(404)

    def file(self, kind, name):
        full = os.path.join(ROOT, "files", name)
        if not os.path.isfile(full):
            return self.answer(404)
        with open(full, "rb") as f:
            body = f.read()
        etag = '"%s"' % hashlib.sha1(body).hexdigest()
        modified = email.utils.formatdate(os.stat(full).st_mtime, usegmt=True)
        headers = [("Last-Modified", modified)] if kind != "timeless" else []
        if kind != "bare":
            headers.append(("ETag", etag))
        if kind == "files" and self.headers.get("If-None-Match") == etag:
            return self.answer(304, headers)
        return self.answer(200, headers, body)

    def git(self, path, query):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        env = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": os.path.join(ROOT, "git"),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_ADDR": "127.0.0.1",
        }
        out = subprocess.run(["git", "http-backend"], input=body, env=env, stdout=subprocess.PIPE).stdout
        head, _, rest = out.partition(b"\r\n\r\n")
        headers = [line.split(": ", 1) for line in head.decode().split("\r\n") if line]
        status = next((int(v.split()[0]) for k, v in headers if k == "Status"), 200)
        self.answer(status, [h for h in headers if h[0] != "Status"], rest)

    do_GET = do_HEAD = do_POST = serve


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print("on port", server.server_port, "", flush=True)
server.serve_forever()
