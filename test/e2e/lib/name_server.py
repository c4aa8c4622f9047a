# SPDX-License-Identifier: Apache-2.0
"""name_server.py ADDRESS NAME ANSWER: a DNS server on port 53 of ADDRESS that knows one name, over UDP."""

import socket
import sys

address, name, answer = sys.argv[1:4]
wanted = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind((address, 53))
print("ready", flush=True)
while True:
    query, peer = server.recvfrom(512)
    end = query.find(b"\0", 12) + 1
    question, kind = query[12:end + 4], query[end:end + 2]
    known = query[12:end].lower() == wanted
    record = b""
    if known and kind == b"\0\1":
        record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(answer)
    flags = b"\x81\x80" if known else b"\x81\x83"
    server.sendto(query[:2] + flags + b"\0\1" + (b"\0\1" if record else b"\0\0") + b"\0\0\0\0" + question + record, peer)
