#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""browse_time.py IMAGE HEW: milliseconds of processor time until the files of an image are on the screen; the least of
five times."""
import fcntl
import os
import pty
import struct
import sys
import termios


def once():
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(TERM="xterm", LANG="C.UTF-8")
        os.execv(sys.argv[2], ["hew", "browse", "-q", sys.argv[1]])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    seen = b""
    try:
        while b"srv" not in seen:
            seen += os.read(terminal, 65536)
        with open("/proc/%d/schedstat" % child, encoding="ascii") as f:
            used = int(f.read().split()[0]) / 1e6
        os.write(terminal, b"q")
        while os.read(terminal, 65536):
            pass
    except OSError:
        pass
    _, status = os.waitpid(child, 0)
    if status or b"srv" not in seen:
        sys.exit("it failed, or nothing was on the screen: %r" % seen[-300:])
    return used


print(round(min(once() for _ in range(5))))
