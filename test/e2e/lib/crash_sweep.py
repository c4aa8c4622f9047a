#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills hew, or tells it that the disk is full, at its fault points; or strikes its processes at random.

sweep: a scenario is run once with a trace, which lists every fault point and how often it is passed;
then once for each (point, pass, way of failing), where of many passes some are chosen: killed; told that there is no space; killed, and the power
is cut before anything that was not synced has reached the disk. After each the following must hold:

    nothing runs any more, no mount is left; a failure ended with one line that begins with "ERROR: "
    files that were to be written are whole or absent
    the same command succeeds and gives the same result as an undisturbed one
    the store is sound, and has the same files and rows as that of an undisturbed run: nothing more
    work/, leases/, locks/ and trash/ are empty

strike: N builds on one store are struck, beside others that must not notice; at a random time Ctrl-C, a terminal that is closed
or a signal for hew, or a signal for the holder, a job, a step's process 1 or its command. After each the same holds.

Usage: crash_sweep.py --hew FILE --dir DIR --base REF --small REF --registry HOST:PORT
           sweep SCENARIO [--how kill|enospc|cut]... [--passes N]
           strike --rounds N --seed N
Run it in a mount namespace of its own. The last line says what was done; failures are listed, status 1.
"""

import argparse
import collections
import glob
import multiprocessing
import os
import queue
import random
import shutil
import signal
import sqlite3
import sys
import time

from crash_scenarios import (SCENARIOS, Case, Failure, OnTerminal, Run, SlowBuild, LIMIT, adopt_orphans, check, check_tidy, contents,
                             doctor, listing, mounts, nothing_runs, pending)

# ---- the sweep


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


def cut_off(path, rng):
    if os.path.exists(path):
        os.truncate(path, rng.randrange(os.path.getsize(path) + 1))


def cut_power(root, rng):
    """What was not synced is lost: rows at the end of the log, bytes of files, leases. The rest was another boot."""
    if not os.path.exists(f"{root}/hew.db"):
        return
    if rng.random() < 0.5:
        cut_off(f"{root}/hew.db-wal", rng)
    db = sqlite3.connect(f"{root}/hew.db")
    lost = []
    if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        lost = db.execute("SELECT kind, lower(hex(key)) FROM pending").fetchall()
        db.execute("UPDATE pending SET boot = 'another'")
        db.commit()
    db.close()
    for kind, key in lost:
        if kind == 3:
            for tree in glob.glob(f"{root}/trees/{key}.*"):
                shutil.rmtree(tree)
                os.makedirs(tree)
        else:
            cut_off(f"{root}/" + {1: f"blobs/sha256/{key}", 2: f"layers/{key}", 4: "index.json",
                                  5: f"contexts/{key}"}[kind], rng)
    for name in listing(f"{root}/locks"):
        if name.startswith(".boot-"):
            os.unlink(f"{root}/locks/{name}")
    for name in listing(f"{root}/leases"):
        if rng.random() < 0.5:
            os.unlink(f"{root}/leases/{name}")


def differences(want, got):
    return "; ".join(f"{k}: {want[k]} became {got[k]}" for k in want if want[k] != got[k])


def check_trees(found, left):
    """Trees are not worth a sync: with the power they go, and are made again when a step needs them."""
    check(set(left["trees"]) <= set(found["trees"]), f"trees {left['trees']}, not only of {found['trees']}")
    check(len(left["trees"]) == left["rows"]["trees"], f"{left['rows']['trees']} rows for {left['trees']}")
    left["trees"], left["rows"]["trees"] = found["trees"], found["rows"]["trees"]


def sweep_one(scenario, folder, number, fault, reference):
    point, n, how = fault
    result, found, _ = reference
    case = Case(scenario, folder, f"c{number}")
    trace = f"{case.cwd}/.trace"
    run = case.run(HEW_FAULT=f"{point}:{n}" + ":enospc" * (how == "enospc"), HEW_FAULT_TRACE=trace)
    run.must_end_clearly({-signal.SIGKILL, 0} | scenario.failed)
    with open(trace, encoding="utf-8") as f:
        reached = f.read().split().count(point) >= n
    if how == "cut":
        cut_power(case.root, random.Random(number))
        doctor(scenario.args, case.root, case.cwd, number % 8 == 0)
    scenario.after_fault(case, run, result)
    if run.status == 0 and how != "cut":
        check(scenario.result(case, run) == result, "it succeeded, with another result")
    again = case.run().must_succeed("the next run")
    check(scenario.result(case, again) == result, f"the next run gives {scenario.result(case, again)}")
    doctor(scenario.args, case.root, case.cwd, number % 8 == 0)
    check_tidy(scenario.args, case.root, case.cwd)
    left = contents(case.root)
    if how == "cut":
        check_trees(found, left)
    check(not scenario.alike or found == left, differences(found, left))
    check(not scenario.syncs or pending(case.root) == 0, "something is not synced")
    case.remove()
    return reached


def sweep_worker(scenario, folder, faults, reference, results):
    adopt_orphans()
    before = mounts()
    for number, fault in faults:
        try:
            reached = sweep_one(scenario, folder, number, fault, reference)
            check(not set(mounts()) - set(before), f"mounts: {set(mounts()) - set(before)}")
            results.put((fault, reached, None))
        except (Failure, OSError, sqlite3.Error) as e:
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
        try:
            got = results.get(timeout=1)
        except queue.Empty:
            check(all(w.exitcode in (None, 0) for w in workers), "a worker has died: see above")
            continue
        if got is None:
            running -= 1
        else:
            yield got
    for w in workers:
        w.join()


def chosen(passes, limit):
    """The first, the last, and what lies evenly between them."""
    n = min(passes, limit)
    return [1 + i * (passes - 1) // max(n - 1, 1) for i in range(n)]


def sweep(args):
    began = time.monotonic()
    scenario = SCENARIOS[args.scenario](args)
    reference = undisturbed(scenario, args.dir)
    passes = reference[2]
    faults = [(point, n, how) for point in sorted(passes) for how in args.how or ["kill", "enospc"]
              for n in chosen(passes[point], args.passes)]
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


STRIKES = [("hew", "SIGKILL"), ("hew", "SIGTERM"), ("hew", "Ctrl-C"), ("hew", "hang-up"), ("holder", "SIGKILL"),
           ("holder", "SIGTERM"), ("job", "SIGKILL"), ("init", "SIGKILL"), ("init", "SIGTERM"), ("command", "SIGKILL")]
# What a build may end with: unharmed, killed, a step that failed, the sandbox, cancelled.
STRUCK = {0, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP, 5, 11, 130}


def hit(run, victim, how):
    """False if there is nobody yet."""
    if how == "Ctrl-C":
        run.press_ctrl_c()
        return True
    if how == "hang-up":
        run.hang_up()
        return True
    try:
        os.kill(victim, getattr(signal, how))
    except ProcessLookupError:
        return False
    return True


def strike_once(scenario, case, rng, typical, strike):
    victim, how = strike
    argv = scenario.argv(case)
    cached = victim == "hew" and rng.random() < 0.2  # over at once, and there is only hew itself
    if not cached:
        argv[1:1] = ["--no-cache"]
    beside = []
    if rng.random() < 0.3:
        other = f"{case.cwd}/beside"
        os.makedirs(other, exist_ok=True)
        beside.append(Run(scenario.args, ["build", "-q", f"{scenario.args.dir}/ctx"], case.root, other))
    if rng.random() < 0.2:
        other = f"{case.cwd}/pruning"
        os.makedirs(other, exist_ok=True)
        beside.append(Run(scenario.args, ["prune"], case.root, other))
    if how in ("Ctrl-C", "hang-up"):
        argv = [a if a != "-q" else "--progress=tty" for a in argv]
        run = OnTerminal(scenario.args, argv, case.root, case.cwd)
    else:
        run = Run(scenario.args, argv, case.root, case.cwd)
    at = time.monotonic() + rng.random() * (0.01 if cached else typical)
    struck = False
    while run.process.poll() is None and not struck:
        run.listen()
        if time.monotonic() < at:
            time.sleep(0.0005)
            continue
        # from then on, the first moment there is such a process
        found = [run.process.pid] if victim == "hew" else processes_of(run.process.pid)[victim]
        struck = bool(found) and hit(run, rng.choice(found), how)
    run.wait().must_end_clearly(STRUCK)
    for b in beside:
        b.wait().must_succeed("a command beside")
    nothing_runs()
    return f"{victim} {how} {'hit' if struck else 'missed'}, status {run.status}"


def strike_worker(scenario, folder, number, rounds, seed, reference, results):
    adopt_orphans()
    rng = random.Random(seed * 1000 + number)
    before = mounts()
    case = Case(scenario, folder, f"w{number}")
    i = struck = 0
    while struck < rounds and i < 3 * rounds:  # a build may be over before it is struck
        what = ""
        i += 1
        try:
            what = strike_once(scenario, case, rng, reference[3], STRIKES[(number + i) % len(STRIKES)])
            struck += " hit," in what
            again = case.run().must_succeed("the next build")
            check(scenario.result(case, again) == reference[0], f"the next build gives {again.said()}")
            doctor(scenario.args, case.root, case.cwd, i % 8 == 0)
            check_tidy(scenario.args, case.root, case.cwd)
            Run(scenario.args, ["prune"], case.root, case.cwd).wait().must_succeed("prune")
            found = contents(case.root)
            check(found == reference[1], differences(reference[1], found))
            check(not set(mounts()) - set(before), f"mounts: {set(mounts()) - set(before)}")
            results.put((what, None))
        except (Failure, OSError, sqlite3.Error) as e:
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
        mine = args.rounds // args.workers + (i < args.rounds % args.workers)
        strike_worker(scenario, args.dir, i, mine, args.seed, reference, results)

    for what, why in in_parallel(args, work):
        hits[what] += 1
        if why:
            failed += 1
            print(f"{what}: {why}")
    for what, n in sorted(hits.items()):
        print(f"{n:4} {what}")
    struck = sum(n for what, n in hits.items() if " hit," in what)
    print(f"{struck} builds struck, {sum(hits.values()) - struck} missed, {failed} failed; {time.monotonic() - began:.0f} s")
    return failed == 0 and struck == args.rounds


def main():
    p = argparse.ArgumentParser()
    for name in ("hew", "dir", "base", "small", "registry"):
        p.add_argument(f"--{name}", required=True)
    p.add_argument("--workers", type=int, default=os.cpu_count())
    verbs = p.add_subparsers(dest="verb", required=True)
    v = verbs.add_parser("sweep")
    v.add_argument("scenario", choices=SCENARIOS)
    v.add_argument("--how", action="append", choices=["kill", "enospc", "cut"])
    v.add_argument("--passes", type=int, default=1, help="at most so many of each point")
    v = verbs.add_parser("strike")
    v.add_argument("--rounds", type=int, required=True)
    v.add_argument("--seed", type=int, required=True)
    args = p.parse_args()
    os.makedirs(args.dir)
    adopt_orphans()
    good = sweep(args) if args.verb == "sweep" else strike(args)
    if good:
        shutil.rmtree(args.dir)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
