# SPDX-License-Identifier: Apache-2.0
"""What crash_sweep.py disturbs: one hew command at a time, how it is judged, and the scenarios."""

import ctypes
import fcntl
import glob
import hashlib
import json
import os
import pty
import shutil
import sqlite3
import subprocess
import termios
import time
import urllib.request

EPOCH = "1700000000"
LIMIT = 60  # seconds for any one command
PR_SET_CHILD_SUBREAPER = 36
TABLES = ["blobs", "layers", "layer_blobs", "blob_sources", "trees", "images", "image_layers", "names",
          "resolutions", "steps"]


def adopt_orphans():
    """Makes this process the subreaper: whatever hew leaves behind, of whatever depth, becomes our child."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Failure(Exception):
    pass


def check(condition, text):
    if not condition:
        raise Failure(text)


def sha256_of(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


# ---- one hew command


class Run:
    def __init__(self, args, argv, root, cwd, **environment):
        self.argv, self.cwd = [args.hew] + argv, cwd
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("HEW_")}
        self.env.update(HEW_ROOT=root, SOURCE_DATE_EPOCH=EPOCH, **environment)
        self.out, self.err = cwd + "/.out", cwd + "/.err"
        with open(self.out, "wb") as out:
            self.process = self.start(out)

    def start(self, out):
        with open(self.err, "wb") as err:
            return subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=self.env,
                                    cwd=self.cwd)

    def listen(self):
        """Whoever shows what it says must go on reading."""

    def wait(self):
        try:
            self.status = self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failure(f"did not end within {LIMIT} s")
        return self

    def text(self, path):
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def said(self):
        return self.text(self.out).strip()

    def must_succeed(self, what):
        check(self.status == 0, f"{what}: status {self.status}: {self.text(self.err)}")
        return self

    def must_end_clearly(self, allowed):
        check(self.status in allowed, f"status {self.status}: {self.text(self.err)}")
        if self.status > 0:
            lines = self.text(self.err).splitlines()
            errors = [line for line in lines if line.startswith("ERROR: ")]
            check(len(errors) == 1 and lines[-1] == errors[0], f"not one clear error: {lines}")
        return self


class OnTerminal(Run):
    """The same with a terminal of its own, which shows its progress."""

    def start(self, out):
        self.master, slave = pty.openpty()
        os.set_blocking(self.master, False)
        process = subprocess.Popen(self.argv, stdin=slave, stdout=out, stderr=slave, env=self.env, cwd=self.cwd,
                                   start_new_session=True,
                                   preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        self.shown = b""
        return process

    def listen(self):
        try:
            while self.master is not None and (data := os.read(self.master, 65536)):
                self.shown += data
        except OSError:  # nothing there, or nobody writes any more
            pass

    def press_ctrl_c(self):
        os.write(self.master, b"\x03")

    def hang_up(self):
        os.close(self.master)
        self.master = None

    def wait(self):
        deadline = time.monotonic() + LIMIT
        while self.process.poll() is None and time.monotonic() < deadline:
            self.listen()
            time.sleep(0.002)
        self.listen()
        super().wait()
        self.told = self.master is None or self.shown.count(b"ERROR: ") == (self.status > 0)
        if self.master is not None:
            self.hang_up()
        return self

    def must_end_clearly(self, allowed):
        check(self.status in allowed, f"status {self.status}: {self.shown!r}")
        check(self.told, f"not one clear error: {self.shown!r}")
        return self


def nothing_runs():
    """What is left of hew is our child (adopt_orphans), and must end by itself."""
    deadline = time.monotonic() + 15
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                check(time.monotonic() < deadline, f"still running: {children()}")
                time.sleep(0.002)
        except ChildProcessError:
            return


def children():
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
                name, rest = f.read().rsplit(")", 1)
        except OSError:
            continue
        if int(rest.split()[1]) == os.getpid():
            found.append(name + ")")
    return found


def mounts():
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        return sorted(line.split(" ", 2)[2] for line in f)


# ---- a store, seen from outside


def listing(folder):
    try:
        return sorted(os.listdir(folder))
    except FileNotFoundError:
        return []


def rows(root):
    db = sqlite3.connect(f"file:{root}/hew.db?mode=ro", uri=True)
    try:
        return {t: db.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in TABLES}
    finally:
        db.close()


def pending(root):
    db = sqlite3.connect(f"file:{root}/hew.db?mode=ro", uri=True)
    try:
        return db.execute("SELECT count(*) FROM pending WHERE kind <> 3").fetchone()[0]  # trees never are
    finally:
        db.close()


def contents(root):
    found = {d: listing(f"{root}/{d}") for d in ("blobs/sha256", "layers", "trees", "contexts", "cache")}
    found["."] = [n for n in listing(root) if n != "hew.db-journal"]
    found["rows"] = rows(root)
    return found


def doctor(args, root, cwd, deep):
    run = Run(args, ["doctor", "--store"] + ["--deep"] * deep, root, cwd).wait()
    run.must_succeed("doctor")


def check_tidy(args, root, cwd):
    for folder in ("work", "leases"):
        check(not listing(f"{root}/{folder}"), f"{folder}/ has {listing(f'{root}/{folder}')}")
    locks = [n for n in listing(f"{root}/locks") if not n.startswith(".")]
    check(not locks, f"locks/ has {locks}")
    for _ in range(20):  # the trash is emptied little by little
        if not listing(f"{root}/trash"):
            return
        Run(args, ["doctor", "--store"], root, cwd).wait().must_succeed("hew doctor")
    raise Failure(f"trash/ has {listing(f'{root}/trash')}")


# ---- scenarios: what is run, and what came of it


class Scenario:
    start = None  # the store that it begins with; None: there is none yet
    syncs = True  # nothing is pending afterwards
    alike = True  # the store is the same as if nothing had been
    failed = {10, 11}  # how a failure ends: no space, the sandbox
    environment = {}

    def __init__(self, args):
        self.args = args

    def argv(self, case):
        raise NotImplementedError

    def result(self, case, run):
        return run.said()

    def after_fault(self, case, run, reference):
        """What must be true of the files beside the store at once."""

    def prepare(self, command, *argv):
        root = f"{self.args.dir}/start"
        Run(self.args, [command, "-q", *argv], root, self.args.dir).wait().must_succeed("prepare")
        self.start = root


# @ is what a step does before anything else.
DOCKERFILE = """\
FROM {base} AS one
COPY file /d/
RUN --mount=type=cache,target=/c --mount=type=secret,id=s \\
    ["/bin/busybox", "sh", "-c", "@echo made >/made; echo x >/c/x; echo y >/d/y"]
FROM {base} AS two
RUN --mount=type=bind,target=/ctx --mount=type=tmpfs,target=/t --network=none \\
    ["/bin/busybox", "sh", "-c", "@/bin/busybox cp /ctx/file /copied"]
FROM scratch
COPY --from=one /made /made
COPY --from=one /d /d
COPY --from=two /copied /
"""


class Build(Scenario):
    """From nothing: no store, the base in a registry."""

    before = ""

    def __init__(self, args):
        super().__init__(args)
        os.makedirs(f"{args.dir}/ctx")
        for name, text in (("file", "x\n"), ("secret", "s\n"),
                           ("Dockerfile", DOCKERFILE.format(base=args.base).replace("@", self.before))):
            with open(f"{args.dir}/ctx/{name}", "w", encoding="utf-8") as f:
                f.write(text)

    def argv(self, case):
        return ["build", "-q", "-t", "swept", "--iidfile", f"{case.cwd}/iid",
                "--secret", f"id=s,src={self.args.dir}/ctx/secret", f"{self.args.dir}/ctx"]

    def result(self, case, run):
        with open(f"{case.cwd}/iid", encoding="utf-8") as f:
            check(f.read() == run.said(), "the iidfile has another id")
        return run.said()

    def after_fault(self, case, run, reference):
        left = [n for n in listing(case.cwd) if n not in (".out", ".err", ".trace")]
        check(left in ([], ["iid"]), f"beside the store: {left}")


class SlowBuild(Build):
    """Its steps live long enough to be struck, and have children."""

    before = "/bin/busybox sleep 0.1; "


class Pull(Scenario):
    """Into no store at all."""

    def argv(self, case):
        return ["pull", "-q", self.args.small]


class Push(Scenario):
    syncs = False  # compressed blobs are made again if a power cut takes them

    def __init__(self, args):
        super().__init__(args)
        os.makedirs(f"{args.dir}/ctx")
        for name in ("a", "b"):
            with open(f"{args.dir}/ctx/{name}", "w", encoding="utf-8") as f:
                f.write(name)
        with open(f"{args.dir}/ctx/Dockerfile", "w", encoding="utf-8") as f:
            f.write("FROM scratch\nCOPY a /\nCOPY b /\n")
        self.prepare("build", "-t", "pushed", f"{args.dir}/ctx")

    def argv(self, case):
        return ["push", "-q", "pushed", f"{self.args.registry}/{case.name}:1"]

    def get(self, path, accept="*/*"):
        request = urllib.request.Request(f"http://{self.args.registry}/v2/{path}", headers={"Accept": accept})
        with urllib.request.urlopen(request, timeout=LIMIT) as answer:
            return answer.read()

    def result(self, case, run):
        text = self.get(f"{case.name}/manifests/1", "application/vnd.oci.image.manifest.v1+json")
        manifest = json.loads(text)
        for d in manifest["layers"] + [manifest["config"]]:
            blob = self.get(f"{case.name}/blobs/{d['digest']}")
            check("sha256:" + hashlib.sha256(blob).hexdigest() == d["digest"], "a blob is not what it should be")
        return hashlib.sha256(text).hexdigest()

    def after_fault(self, case, run, reference):
        self.get("")


class CacheExport(Push):
    """A cached build's records and layers, to a registry."""

    alike = False

    def argv(self, case):
        return ["build", "-q", f"{self.args.dir}/ctx", "--cache-to",
                f"type=registry,ref={self.args.registry}/{case.name}:1,mode=max,ignore-error=false"]


class CacheImport(CacheExport):
    """Into no store at all: what was not imported is made again."""

    def __init__(self, args):
        super().__init__(args)
        self.ref = f"{args.registry}/travelled:1"
        Run(args, ["build", "-q", f"{args.dir}/ctx", "--cache-to", f"type=registry,ref={self.ref}"], self.start,
            args.dir).wait().must_succeed("export")
        self.start = None

    def argv(self, case):
        return ["build", "-q", "--cache-from", self.ref, "-o", f"{case.cwd}/to", f"{self.args.dir}/ctx"]

    def result(self, case, run):
        return run.said() + " ".join(listing(f"{case.cwd}/to"))

    def after_fault(self, case, run, reference):
        if os.path.exists(f"{case.cwd}/to"):
            check(listing(f"{case.cwd}/to") == ["a", "b"], "the folder is neither whole nor absent")


class MountImport(Scenario):
    """What was in a cache mount, into no store at all: all of it or nothing."""

    syncs = alike = False

    def __init__(self, args):
        super().__init__(args)
        os.makedirs(f"{args.dir}/ctx")
        with open(f"{args.dir}/ctx/Dockerfile", "w", encoding="utf-8") as f:
            f.write(f'FROM {args.base}\nRUN --mount=type=cache,target=/c ["/bin/busybox", "sh", "-c", '
                    '"for i in 1 2 3 4 5; do echo $i >/c/$i; done"]\n')
        self.prepare("build", f"{args.dir}/ctx")
        Run(args, ["cache-mount", "export", "-o", f"{args.dir}/mounts.tar", "/c"], self.start,
            args.dir).wait().must_succeed("export")
        self.start = None

    def argv(self, case):
        return ["cache-mount", "import", f"{self.args.dir}/mounts.tar"]

    def files(self, case):
        return sorted(os.path.basename(f) for f in glob.glob(f"{case.root}/cache/*/*/*"))

    def result(self, case, run):
        return " ".join(self.files(case))

    def after_fault(self, case, run, reference):
        check(self.files(case) in ([], ["1", "2", "3", "4", "5"]), f"half of it: {self.files(case)}")


class Load(Push):
    syncs = True

    def __init__(self, args):
        super().__init__(args)
        archive = f"{args.dir}/archive.tar"
        Run(args, ["save", "pushed", "-o", archive], self.start, args.dir).wait().must_succeed("save")
        self.start = None

    def argv(self, case):
        return ["load", "-i", f"{self.args.dir}/archive.tar"]

    def result(self, case, run):
        return Scenario.result(self, case, run)

    def after_fault(self, case, run, reference):
        pass


class Save(Push):
    output = ["save", "pushed", "-o", "{file}"]

    def argv(self, case):
        os.makedirs(f"{case.cwd}/to", exist_ok=True)
        return [a.format(file=f"{case.cwd}/to/file", ctx=f"{self.args.dir}/ctx") for a in self.output]

    def result(self, case, run):
        check(listing(f"{case.cwd}/to") == ["file"], f"beside the file: {listing(f'{case.cwd}/to')}")
        return sha256_of(f"{case.cwd}/to/file")

    def after_fault(self, case, run, reference):
        file = f"{case.cwd}/to/file"
        if reference and os.path.exists(file):
            check(sha256_of(file) == reference, "the file is neither whole nor absent")


class SaveOver(Save):
    """Over a file that is there: it is the old one or the new one."""

    def argv(self, case):
        argv = super().argv(case)
        if not os.path.exists(f"{case.cwd}/to/file"):
            with open(f"{case.cwd}/to/file", "w", encoding="utf-8") as f:
                f.write("old")
        return argv

    def after_fault(self, case, run, reference):
        have = sha256_of(f"{case.cwd}/to/file")
        check(have in (reference, hashlib.sha256(b"old").hexdigest()) or not reference, "neither old nor new")


class Oci(Save):
    output = ["build", "-q", "-o", "type=oci,dest={file}", "{ctx}"]


class Local(Save):
    output = ["build", "-q", "-o", "{file}", "{ctx}"]

    def result(self, case, run):
        check(listing(f"{case.cwd}/to") == ["file"], f"beside the folder: {listing(f'{case.cwd}/to')}")
        return " ".join(listing(f"{case.cwd}/to/file"))

    def after_fault(self, case, run, reference):
        folder = f"{case.cwd}/to/file"
        if reference and os.path.exists(folder):
            check(" ".join(listing(folder)) == reference, "the folder is neither whole nor absent")


class Execute(Scenario):
    """hew run of a pulled image, which is unpacked on the way and written to."""

    syncs = False  # what was unpacked can be unpacked again
    failed = {125}  # docker's status for what is not the command's

    def __init__(self, args):
        super().__init__(args)
        self.prepare("pull", args.base)

    def argv(self, case):
        return ["run", "--rm", self.args.base, "/bin/busybox", "sh", "-c", "echo x >/x; echo ran"]

    def result(self, case, run):
        check(run.said() == "ran", f"it said {run.said()}")
        return "ran"


class Prune(Push):
    """Everything goes but the image that has a name: layers, trees, an older image, a cache mount's index."""

    def __init__(self, args):
        super().__init__(args)
        with open(f"{args.dir}/ctx/b", "w", encoding="utf-8") as f:
            f.write("changed")
        self.prepare("build", "-t", "pushed", f"{args.dir}/ctx")

    def argv(self, case):
        return ["prune", "-a"]

    def result(self, case, run):
        found = Run(self.args, ["images", "-q"], case.root, case.cwd).wait().must_succeed("hew images")
        return found.said()

    def after_fault(self, case, run, reference):
        found = Run(self.args, ["images", "-q"], case.root, case.cwd).wait().must_succeed("hew images")
        check(found.said() != "", "the image is gone")


class PruneMore(Prune):
    """What can be had again, until nothing of it is left."""

    def argv(self, case):
        return ["prune", "--max-used-space", "1"]


class Kept(Build):
    """A build after which the store is larger than it may be."""

    environment = {"HEW_STORE_MAX": "1"}


SCENARIOS = {"cache-export": CacheExport, "cache-import": CacheImport, "mount-import": MountImport,
             "build": Build, "prune-more": PruneMore, "kept": Kept, "pull": Pull, "push": Push, "load": Load, "save": Save, "save-over": SaveOver,
             "oci": Oci, "local": Local, "run": Execute, "prune": Prune}


class Case:
    """A store of its own and a folder to run in."""

    def __init__(self, scenario, folder, name):
        self.scenario, self.name = scenario, name
        self.cwd, self.root = f"{folder}/{name}", f"{folder}/{name}.store"
        os.makedirs(self.cwd)
        if scenario.start:
            subprocess.run(["cp", "-a", scenario.start, self.root], check=True)

    def run(self, **environment):
        s = self.scenario
        run = Run(s.args, s.argv(self), self.root, self.cwd, **s.environment, **environment).wait()
        nothing_runs()
        return run

    def remove(self):
        shutil.rmtree(self.cwd)
        shutil.rmtree(self.root)
