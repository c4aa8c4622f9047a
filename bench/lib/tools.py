# SPDX-License-Identifier: Apache-2.0
"""The tools that are compared, and one run of a command."""
import os
import pwd
import shlex
import shutil
import subprocess
import sys
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DIR = os.environ.get("BENCH_DIR", "/var/tmp/hew-bench")
LOG = DIR + "/log"


# ---- tools: the same thing in their words


class Tool:
    def __init__(self, command, seen_as):
        self.command, self.seen_as, self.tags = shlex.split(command), seen_as, set()

    def seen(self, path):
        return self.seen_as + path[len(DIR):] if path.startswith(DIR) else path

    def runs(self):
        return subprocess.run(["sh", "-c", shlex.join([*self.command, *self.version])],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0

    def build(self, context, *flags, file="Dockerfile", tag="bench"):
        self.tags.add(tag)
        return [*self.command, *self.build_verb, *flags, "-q", "-t", tag,
                "-f", self.seen(f"{context}/{file}"), self.seen(context)]

    def push(self, name):
        return [*self.command, "push", *self.registry_flags, name]

    def remove(self, name):
        return [*self.command, "rmi", "-f", name]

    def daemons_cpu(self):
        return 0.0

    registry_flags = ()


def layout_name(layout):
    """What hew calls an image that was loaded from a layout."""
    return "stored/" + os.path.basename(layout)


class Hew(Tool):
    name, version, build_verb = "hew", ["version"], ["build"]

    def export(self, out):
        return self.build(DIR + "/big", "-o", "type=oci,dest=" + out, tag="bench-big")

    def send(self, layout, name):
        return ["env", f"HEW_ROOT={layout}.store", *self.command, "push", "-q", layout_name(layout), name]

    def fetch(self, name):
        return ["env", f"HEW_ROOT={DIR}/fetched", *self.command, "pull", "-q", name]

    def pull_and_run(self, image):
        hew = ["env", f"HEW_ROOT={DIR}/empty", *self.command]
        return both([*hew, "pull", image], [*hew, "run", "--rm", image, "true"])


class Rootless(Hew):
    """hew as an ordinary user; the program that makes one of root takes a millisecond."""
    name = "rootless"

    def __init__(self, command, seen_as):
        super().__init__(command, seen_as)
        user = pwd.getpwnam(os.environ["BENCH_USER"])
        self.root = DIR + "/store-user"
        os.makedirs(self.root, exist_ok=True)
        os.chown(self.root, user.pw_uid, user.pw_gid)
        self.command = ["setpriv", "--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups",
                        "--inh-caps=-all", "env", "HOME=" + user.pw_dir, "HEW_ROOT=" + self.root, *self.command]


class Docker(Tool):
    name, version, build_verb = "docker", ["--version"], ["build", "--network=host"]

    def pull_and_run(self, image):
        return both([*self.command, "pull", image], [*self.command, "run", "--rm", "--network=host", image, "true"])

    def daemons_cpu(self):
        try:
            with open(os.environ["BENCH_DOCKER_CPU"], encoding="ascii") as f:
                return int(f.read()) / 1e9
        except (KeyError, OSError):
            return None


class Raw(Tool):
    """What the machine takes for the same with nothing else: Measure.raw."""
    name = "raw"

    def __init__(self):
        super().__init__("true", DIR)


class Buildah(Tool):
    name, version = "buildah", ["--version"]
    build_verb = ["build", "--layers", "--isolation", "chroot", "--network", "host"]  # its fastest
    registry_flags = ("--tls-verify=false",)

    def export(self, out):
        return [*self.command, "push", "-q", "bench-big", "oci-archive:" + self.seen(out)]

    def pull_and_run(self, image):
        words = (shlex.join(self.command), shlex.quote(image))
        return ["sh", "-c", "c=$(%s from --tls-verify=false %s) &&" % words
                + " %s run --isolation chroot $c true && %s rm $c" % (words[0], words[0])]


class Skopeo(Tool):
    """Between registries and OCI layouts: stored blobs, as they are."""
    name, version = "skopeo", ["--version"]

    def send(self, layout, name):
        return [*self.command, "copy", "-q", "--dest-tls-verify=false", f"oci:{layout}:x", "docker://" + name]

    def fetch(self, name):
        return [*self.command, "copy", "-q", "--src-tls-verify=false", "docker://" + name, f"oci:{DIR}/fetched:x"]

    def remove(self, name):
        return ["true"]


def both(*commands):
    return ["sh", "-c", " && ".join(shlex.join(c) for c in commands)]


# ---- one run


def status_of(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
            return dict(line.split(":", 1) for line in f if ":" in line)
    except OSError:
        return {}


class PeakMemory(threading.Thread):
    """Of a process and those it starts that are hew's, together, in MiB, looked at every few milliseconds.

    What a command that a step runs needs is not counted.
    """

    def __init__(self):
        super().__init__(daemon=True)
        self.pid, self.peak, self.ended = None, 0, threading.Event()
        self.seen, self.family = set(self.processes()), set()
        self.start()

    @staticmethod
    def processes():
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]

    def run(self):
        while not self.ended.wait(0.005):
            if self.pid:
                self.family.add(self.pid)
                self.peak = max(self.peak, self.resident())

    def resident(self):
        for pid in sorted(p for p in self.processes() if p not in self.seen):
            self.seen.add(pid)
            if int(status_of(pid).get("PPid", 0)) in self.family:
                self.family.add(pid)
        known = (status_of(pid) for pid in self.family)
        return sum(int(s.get("VmRSS", "0").split()[0]) for s in known if s.get("Name", "").strip().startswith("hew")) / 1024


def run(tool, argv):
    """Wall and processor seconds, and peak memory."""
    memory = PeakMemory()
    with open(LOG, "a", encoding="utf-8") as log:
        print("\n$", shlex.join(argv), file=log, flush=True)
        files = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                 (os.POSIX_SPAWN_DUP2, log.fileno(), 1), (os.POSIX_SPAWN_DUP2, log.fileno(), 2)]
        daemons, begun = tool.daemons_cpu(), time.perf_counter()
        memory.pid = os.posix_spawnp(argv[0], argv, os.environ, file_actions=files)
        _, status, usage = os.wait4(memory.pid, 0)
        wall = time.perf_counter() - begun
    memory.ended.set()
    if status:
        sys.exit(f"compare: failed, see {LOG}: {shlex.join(argv)}")
    cpu = None if daemons is None else tool.daemons_cpu() - daemons + usage.ru_utime + usage.ru_stime
    return {"wall": wall, "cpu": cpu, "mib": round(memory.peak, 1)}


def quietly(*commands):
    for argv in commands:
        with open(LOG, "a", encoding="utf-8") as log:
            print("\n$", shlex.join(argv), file=log, flush=True)
            subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False)


class Registry:
    """An empty one on a loopback address, which all tools talk to without TLS."""

    running = []

    def __init__(self, name="registry"):
        self.dir, self.serve = f"{DIR}/{name}-served", TOP + "/test/bases/serve"
        self.running.append(self)

    @classmethod
    def stop_all(cls):
        for one in cls.running:
            one.stop()

    def start(self):
        self.stop()
        subprocess.run([self.serve, "start", self.dir, "--empty"], check=True)
        with open(self.dir + "/port", encoding="ascii") as f:
            return "127.0.0.1:" + f.read().strip()

    def stop(self):
        if os.path.exists(self.dir):
            subprocess.run([self.serve, "stop", self.dir], check=True)
            shutil.rmtree(self.dir)
