#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A token server for a registry of test/bases/serve (--token): distribution's token specification.

Usage: token_server.py --port-file FILE --registry DIR --user U:P [--expires SECONDS] [--log FILE]

Tokens are JSON web tokens signed with DIR/token.key. Whoever gives the password, or the refresh token
"refresh-U", may do anything; others may pull from repositories below public/. The log gets one line a
question: METHOD auth=none|basic|refresh SCOPE...
"""

import argparse
import base64
import http.server
import json
import os
import subprocess
import time
import urllib.parse


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(directory, access, seconds):
    with open(os.path.join(directory, "token.crt")) as f:
        lines = f.read().split("-----")[2].split()
    now = int(time.time())
    header = {"typ": "JWT", "alg": "RS256", "x5c": ["".join(lines)]}
    claims = {"iss": "test", "sub": "", "aud": "test", "jti": str(time.time_ns()), "iat": now,
              "nbf": now - 10, "exp": now + seconds, "access": access}
    text = ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
    signature = subprocess.run(
        ["openssl", "dgst", "-sha256", "-sign", os.path.join(directory, "token.key")],
        input=text.encode(), stdout=subprocess.PIPE, check=True).stdout
    return text + "." + encoded(signature)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    args = None
    log_file = None

    def log_message(self, *args):
        pass

    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def known(self, form):
        """How the user showed who it is: none, basic, refresh; or None if it is not true."""
        kind, _, value = (self.headers.get("Authorization") or "").partition(" ")
        if kind:
            right = base64.b64decode(value).decode() == self.args.user
            return "basic" if kind == "Basic" and right else None
        if "refresh_token" in form:
            right = form["refresh_token"] == ["refresh-" + self.args.user.partition(":")[0]]
            return "refresh" if right else None
        return "none"

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode())
        query = urllib.parse.parse_qs(url.query)
        scopes = " ".join(query.get("scope", []) + form.get("scope", [])).split()
        who = self.known(form)
        self.log_file.write("%s auth=%s %s\n" % (self.command, who, " ".join(scopes)))
        if who is None:
            return self.answer(401, {"details": "incorrect username or password"})
        access = []
        for scope in scopes:
            kind, name, actions = scope.split(":", 2)
            granted = [a for a in actions.split(",")
                       if who != "none" or (a == "pull" and name.startswith("public/"))]
            access.append({"type": kind, "name": name, "actions": granted})
        token = sign(self.args.registry, access, self.args.expires)
        self.answer(200, {"token": token, "expires_in": self.args.expires})

    do_POST = do_GET


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port-file", required=True)
    parser.add_argument("--registry", required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--expires", type=int, default=300)
    parser.add_argument("--log", default="/dev/null")
    Handler.args = parser.parse_args()
    Handler.log_file = open(Handler.args.log, "a", buffering=1)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    temporary = Handler.args.port_file + ".new"
    with open(temporary, "w") as f:
        f.write("%d\n" % server.server_address[1])
    os.rename(temporary, Handler.args.port_file)
    server.serve_forever()


if __name__ == "__main__":
    main()
