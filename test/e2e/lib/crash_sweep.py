#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills hew, or tells it that the disk is full, at its fault points; or strikes its processes at random.

sweep: a scenario is run once with a trace, which lists every fault point and how often it is passed;
then once for each (point, pass, way of failing). After each the following must hold:

    nothing runs any more, no mount is left; a failure ended with one line that begins with "ERROR: "
    files that were to be written are whole or absent
    the same command succeeds and gives the same result as an undisturbed one
    the store is sound, and has the same files and rows as that of an undisturbed run: nothing more
    work/, leases/, locks/ and trash/ are empty

strike: builds on one store, beside others that must not notice; SIGKILL, SIGTERM or SIGINT for hew, the
holder, a job or a step's process 1 at a random time. After each the same holds.

Usage: crash_sweep.py --hew FILE --dir DIR --base REF --small REF --registry HOST:PORT
           sweep SCENARIO [--how kill|enospc]... [--all]
           strike --rounds N --seed N
Run it in a mount namespace of its own. The last line says what was done; failures are listed, status 1.
"""

import argparse
import collections
import ctypes
import hashlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request

EPOCH = "1700000000"
LIMIT = 60  # seconds for any one command
PR_SET_CHILD_SUBREAPER = 36
TABLES = ["blobs", "layers", "layer_blobs", "blob_sources", "trees", "images", "image_layers", "names",
          "resolutions", "steps"]
ALLOWED = {-signal.SIGKILL, 0, 10, 11}  # killed; unharmed; no space; the sandbox's own failure


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
        env = {k: v for k, v in os.environ.items() if not k.startswith("HEW_")}
        env.update(HEW_ROOT=root, SOURCE_DATE_EPOCH=EPOCH, **environment)
        self.out, self.err = cwd + "/.out", cwd + "/.err"
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.process = subprocess.Popen([args.hew] + argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                            env=env, cwd=cwd)

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


def nothing_runs():
    """We are the subreaper: whatever hew has left behind, of whatever depth, is our child."""
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


def contents(root):
    found = {d: listing(f"{root}/{d}") for d in ("blobs/sha256", "layers", "trees", "contexts", "cache")}
    found["."] = [n for n in listing(root) if n != "hew.db-journal"]
    found["rows"] = rows(root)
    return found


def check_tidy(args, root, cwd):
    for folder in ("work", "leases"):
        check(not listing(f"{root}/{folder}"), f"{folder}/ has {listing(f'{root}/{folder}')}")
    check(listing(f"{root}/locks") in ([], [".gc"]), f"locks/ has {listing(f'{root}/locks')}")
    for _ in range(20):  # the trash is emptied little by little
        if not listing(f"{root}/trash"):
            return
        Run(args, ["images"], root, cwd).wait().must_succeed("hew images")
    raise Failure(f"trash/ has {listing(f'{root}/trash')}")


# ---- scenarios: what is run, and what came of it


class Scenario:
    start = None  # the store that it begins with; None: there is none yet
    syncs = True  # nothing is pending afterwards

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


class Prune(Push):
    """Everything goes but the image."""

    def argv(self, case):
        return ["prune", "-a"]

    def result(self, case, run):
        return ""

    def after_fault(self, case, run, reference):
        found = Run(self.args, ["images", "-q"], case.root, case.cwd).wait().must_succeed("hew images")
        check(found.said() != "", "the image is gone")


SCENARIOS = {"build": Build, "pull": Pull, "push": Push, "load": Load, "save": Save, "save-over": SaveOver,
             "oci": Oci, "local": Local, "prune": Prune}


# ---- the sweep


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
        run = Run(s.args, s.argv(self), self.root, self.cwd, **environment).wait()
        nothing_runs()
        return run

    def remove(self):
        shutil.rmtree(self.cwd)
        shutil.rmtree(self.root)


def doctor(args, root, cwd, deep):
    run = Run(args, ["doctor", "--store"] + ["--deep"] * deep, root, cwd).wait()
    run.must_succeed("doctor")


def undisturbed(scenario, folder):
    """What comes of it when nothing fails, and how often each point is passed."""
    case = Case(scenario, folder, "reference")
    trace = f"{case.cwd}/.trace"
    run = case.run(HEW_FAULT_TRACE=trace).must_succeed("undisturbed")
    result = scenario.result(case, run)
    with open(trace, encoding="utf-8") as f:
        passes = collections.Counter(f.read().split())
    again = case.run().must_succeed("undisturbed, again")
    check(scenario.result(case, again) == result, "two undisturbed runs differ")
    check_tidy(scenario.args, case.root, case.cwd)
    found = contents(case.root)
    case.remove()
    return result, found, passes


def pending(root):
    db = sqlite3.connect(f"file:{root}/hew.db?mode=ro", uri=True)
    try:
        return db.execute("SELECT count(*) FROM pending").fetchone()[0]
    finally:
        db.close()


def differences(want, got):
    return "; ".join(f"{k}: {want[k]} became {got[k]}" for k in want if want[k] != got[k])


def sweep_one(scenario, folder, number, fault, reference):
    point, n, how = fault
    result, found, _ = reference
    case = Case(scenario, folder, f"c{number}")
    trace = f"{case.cwd}/.trace"
    run = case.run(HEW_FAULT=f"{point}:{n}" + ":enospc" * (how == "enospc"), HEW_FAULT_TRACE=trace)
    run.must_end_clearly(ALLOWED)
    with open(trace, encoding="utf-8") as f:
        reached = f.read().split().count(point) >= n
    scenario.after_fault(case, run, result)
    if run.status == 0:
        check(scenario.result(case, run) == result, "it succeeded, with another result")
    again = case.run().must_succeed("the next run")
    check(scenario.result(case, again) == result, f"the next run gives {scenario.result(case, again)}")
    doctor(scenario.args, case.root, case.cwd, number % 8 == 0)
    check_tidy(scenario.args, case.root, case.cwd)
    check(found == contents(case.root), differences(found, contents(case.root)))
    check(not scenario.syncs or pending(case.root) == 0, "something is not synced")
    case.remove()
    return reached


def sweep_worker(scenario, folder, faults, reference, results):
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    before = mounts()
    for number, fault in faults:
        try:
            reached = sweep_one(scenario, folder, number, fault, reference)
            check(mounts() == before, f"mounts: {set(mounts()) - set(before)}")
            results.put((fault, reached, None))
        except Exception as e:  # pylint: disable=broad-except
            results.put((fault, True, f"{type(e).__name__}: {e}"))
    results.put(None)


def in_parallel(args, work):
    """work(i, queue) in a process for each worker; yields what they put, None ends a worker."""
    results = multiprocessing.Queue()
    workers = [multiprocessing.Process(target=work, args=(i, results)) for i in range(args.workers)]
    for w in workers:
        w.start()
    running = len(workers)
    while running:
        got = results.get(timeout=10 * LIMIT)
        if got is None:
            running -= 1
        else:
            yield got
    for w in workers:
        w.join()


def sweep(args):
    began = time.monotonic()
    scenario = SCENARIOS[args.scenario](args)
    reference = undisturbed(scenario, args.dir)
    passes = reference[2]
    faults = [(point, n, how) for point in sorted(passes) for how in args.how or ["kill", "enospc"]
              for n in range(1, passes[point] + 1 if args.all else 2)]
    numbered = list(enumerate(faults))

    def work(i, results):
        sweep_worker(scenario, args.dir, numbered[i::args.workers], reference, results)

    failed = missed = 0
    for fault, reached, why in in_parallel(args, work):
        missed += not reached
        if why:
            failed += 1
            print(f"{':'.join(map(str, fault))}: {why}")
    print(f"{args.scenario}: {len(passes)} points, {sum(passes.values())} passes; {len(faults)} faults, "
          f"{failed} failed, {missed} not reached; {time.monotonic() - began:.0f} s")
    # Data that comes in other pieces than the last time is the one reason not to come to a pass.
    check(missed * 20 <= len(faults), "too many passes were not reached")
    return failed == 0


# ---- strikes


class SlowBuild(Build):
    """Its steps live long enough to be struck, and have children."""

    before = "/bin/busybox sleep 0.1; "


def processes_of(pid):
    """hew and what descends from it, by what they are."""
    parents = {}
    for p in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{p}/stat", encoding="utf-8", errors="replace") as f:
                parent = int(f.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        parents.setdefault(parent, []).append(int(p))
    below = {"hew": "holder", "holder": "job", "job": "init", "init": "command", "command": "command"}
    found = {kind: [] for kind in below}
    found["hew"] = [pid]

    def walk(parent, kind):
        for child in parents.get(parent, []):
            mine = below[kind]
            found[mine].append(child)
            walk(child, mine)

    walk(pid, "hew")
    return found


STRIKES = [("hew", signal.SIGKILL), ("hew", signal.SIGTERM), ("hew", signal.SIGINT), ("holder", signal.SIGKILL),
           ("holder", signal.SIGTERM), ("job", signal.SIGKILL), ("init", signal.SIGKILL), ("init", signal.SIGTERM),
           ("command", signal.SIGKILL)]
# What a build may end with: unharmed, killed, a step that failed, the sandbox, cancelled.
STRUCK = {0, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, 5, 11, 130}


def strike_once(scenario, case, rng, typical):
    argv = scenario.argv(case)
    argv[1:1] = rng.choice([[], ["--no-cache"], ["--no-cache"]])
    beside = []
    if rng.random() < 0.3:
        other = f"{case.cwd}/beside"
        os.makedirs(other, exist_ok=True)
        beside.append(Run(scenario.args, ["build", "-q", f"{scenario.args.dir}/ctx"], case.root, other))
    if rng.random() < 0.2:
        other = f"{case.cwd}/pruning"
        os.makedirs(other, exist_ok=True)
        beside.append(Run(scenario.args, ["prune"], case.root, other))
    victim, sig = rng.choice(STRIKES)
    run = Run(scenario.args, argv, case.root, case.cwd)
    at = time.monotonic() + rng.random() * typical
    struck = None
    while run.process.poll() is None and not struck:
        if time.monotonic() >= at:  # from then on, the first moment there is such a process
            found = processes_of(run.process.pid)[victim]
            if found:
                struck = rng.choice(found)
                try:
                    os.kill(struck, sig)
                except ProcessLookupError:
                    struck = None
    run.wait().must_end_clearly(STRUCK)
    for b in beside:
        b.wait().must_succeed("a command beside")
    nothing_runs()
    return f"{victim} {sig.name} {'hit' if struck else 'missed'}, status {run.status}"


def strike_worker(scenario, folder, number, rounds, seed, reference, results):
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    rng = random.Random(seed * 1000 + number)
    before = mounts()
    case = Case(scenario, folder, f"w{number}")
    for i in range(rounds):
        what = ""
        try:
            what = strike_once(scenario, case, rng, reference[3])
            again = case.run().must_succeed("the next build")
            check(scenario.result(case, again) == reference[0], f"the next build gives {again.said()}")
            doctor(scenario.args, case.root, case.cwd, i % 8 == 0)
            check_tidy(scenario.args, case.root, case.cwd)
            Run(scenario.args, ["prune"], case.root, case.cwd).wait().must_succeed("prune")
            found = contents(case.root)
            check(found == reference[1], differences(reference[1], found))
            check(mounts() == before, f"mounts: {set(mounts()) - set(before)}")
            results.put((what, None))
        except Exception as e:  # pylint: disable=broad-except
            results.put((what, f"{type(e).__name__}: {e}"))
    results.put(None)


def strike(args):
    began = time.monotonic()
    print(f"seed {args.seed}")
    scenario = SlowBuild(args)
    case = Case(scenario, args.dir, "reference")
    result = scenario.result(case, case.run().must_succeed("undisturbed"))
    start = time.monotonic()
    Run(args, ["build", "-q", "--no-cache", f"{args.dir}/ctx"], case.root, case.cwd).wait().must_succeed("again")
    typical = time.monotonic() - start
    Run(args, ["prune"], case.root, case.cwd).wait().must_succeed("prune")
    reference = (result, contents(case.root), None, typical)
    hits = collections.Counter()
    failed = 0

    def work(i, results):
        strike_worker(scenario, args.dir, i, args.rounds // args.workers, args.seed, reference, results)

    for what, why in in_parallel(args, work):
        hits[what] += 1
        if why:
            failed += 1
            print(f"{what}: {why}")
    for what, n in sorted(hits.items()):
        print(f"{n:4} {what}")
    print(f"{sum(hits.values())} builds, {sum(n for w, n in hits.items() if ' hit,' in w)} struck, {failed} failed; "
          f"{time.monotonic() - began:.0f} s")
    return failed == 0


def main():
    p = argparse.ArgumentParser()
    for name in ("hew", "dir", "base", "small", "registry"):
        p.add_argument(f"--{name}", required=True)
    p.add_argument("--workers", type=int, default=os.cpu_count())
    verbs = p.add_subparsers(dest="verb", required=True)
    v = verbs.add_parser("sweep")
    v.add_argument("scenario", choices=SCENARIOS)
    v.add_argument("--how", action="append", choices=["kill", "enospc"])
    v.add_argument("--all", action="store_true", help="every pass, not just the first of each point")
    v = verbs.add_parser("strike")
    v.add_argument("--rounds", type=int, required=True)
    v.add_argument("--seed", type=int, required=True)
    args = p.parse_args()
    os.makedirs(args.dir)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    good = sweep(args) if args.verb == "sweep" else strike(args)
    if good:
        shutil.rmtree(args.dir)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
