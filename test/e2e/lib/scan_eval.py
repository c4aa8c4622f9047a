# SPDX-License-Identifier: Apache-2.0
# scan_eval.py craft RELEASE FILE...: a dpkg status file with packages in versions before, at and behind every fix that
#   the files know for that release of Debian.
# scan_eval.py compare RELEASE STATUS REPORT FILE...: reads the records and the status file by itself, in the plainest
#   way there is, with dpkg's own order of versions, and compares what it finds with the report (Trivy's JSON).
import csv
import gzip
import json
import re
import subprocess
import sys
from collections import defaultdict

CODENAMES = {"11": "bullseye", "12": "bookworm", "13": "trixie"}
OPEN = {"ignored": "will_not_fix", "postponed": "fix_deferred"}

fixes = defaultdict(set)  # (source, flaw): versions that mend it
opened = {}               # (source, flaw): the status where no version does
unimportant = set()       # (source, flaw), says Debian: hidden

HEADERS = re.compile("linux-libc-dev|linux-headers-")

COMPARE = r"""use Dpkg::Version; $| = 1;
while (<STDIN>) { chomp; my ($a, $b) = split /\t/; print Dpkg::Version::version_compare($a, $b), "\n"; }"""
orders = {}


def compare(pairs):
    """Sets orders[a, b] to -1, 0 or 1 for every pair."""
    want = sorted(set(pairs) - set(orders))
    text = "".join(f"{a}\t{b}\n" for a, b in want)
    out = subprocess.run(["perl", "-e", COMPARE], input=text, text=True, stdout=subprocess.PIPE, check=True).stdout
    orders.update(zip(want, map(int, out.split())))


def osv(record, release):
    if record.get("withdrawn"):
        return
    for affected in record.get("affected", []):
        package = affected.get("package", {})
        if package.get("ecosystem") != "Debian:" + release:
            continue
        for span in affected.get("ranges", []):
            for event in span["events"]:
                for flaw in record.get("upstream") or [record["id"]]:
                    if "fixed" in event:
                        fixes[package["name"], flaw].add(event["fixed"])


def tracker(document, release):
    for source, flaws in document.items():
        for flaw, known in flaws.items():
            releases = known.get("releases") if isinstance(known, dict) else None
            said = releases.get(CODENAMES[release]) if isinstance(releases, dict) else None
            if not said or said["status"] == "undetermined":
                continue
            if said["urgency"].startswith("unimportant"):
                unimportant.add((source, flaw))
            if said["status"] == "resolved":
                if said["fixed_version"] != "0":
                    fixes[source, flaw].add(said["fixed_version"])
            elif said["urgency"] == "end-of-life":
                opened[source, flaw] = "end_of_life"
            else:
                opened[source, flaw] = OPEN.get(said.get("nodsa_reason"), "affected")


def read(release, paths):
    for path in paths:
        with gzip.open(path, "rt") if path.endswith(".gz") else open(path) as f:
            if ".tsv" in path:
                for row in csv.DictReader(f, delimiter="\t"):
                    if row["release"] == release:
                        fixes[row["source"], row["cve"]].add(row["fixed"])
            elif ".jsonl" in path:
                for line in f:
                    osv(json.loads(line), release)
            else:
                tracker(json.load(f), release)


FEW = 4  # fixes of a source package: a browser has hundreds


def craft(release):
    known, versions = defaultdict(set), defaultdict(set)
    for (source, _), fixed in fixes.items():
        known[source] |= fixed
    for source, fixed in known.items():
        for version in sorted(fixed)[::len(fixed) // FEW + 1]:
            versions[source] |= {version + "~", version, version + ".1"}
    for source, _ in opened:
        versions[source].add("1.0-1")
    n = 0
    for source in sorted(versions):
        for version in sorted(versions[source]):
            n += 1
            # as many packages as there are versions: the name of the source only, its version too, neither
            field = ["", f"Source: {source}\n", f"Source: {source} ({version})\n"][n % 3]
            name = source if not field else f"{source}-{n}"
            own = f"9:9.9-{n}" if n % 3 == 2 else version
            print(f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {own}\n{field}")


def installed(path):
    """(name, version, source, source's version) of each installed package"""
    for stanza in open(path, encoding="utf-8").read().split("\n\n"):
        field = dict(re.findall(r"^(\S+): *(.*)$", stanza, re.M))
        if not field.get("Status", "").endswith(" installed"):
            continue
        source = re.fullmatch(r"(\S+)(?: \((.*)\))?", field.get("Source", field["Package"]))
        version = source[2] or re.sub(r"\+b\d+$", "", field["Version"])
        yield field["Package"], field["Version"], source[1], version


def newest(versions):
    best = None
    for v in versions:
        if best is None or orders[v, best] > 0:
            best = v
    return best


def evaluate(packages):
    by_source = defaultdict(set)
    for source, flaw in set(fixes) | set(opened):
        by_source[source].add(flaw)
    compare((a, b) for v in fixes.values() for a in v for b in v)
    # It is mended in the last of the versions that advisories name.
    last = {key: newest(v) for key, v in fixes.items()}
    pairs = [(version, last[source, flaw]) for _, _, source, version in packages for flaw in by_source[source]
             if (source, flaw) in last]
    compare(pairs)
    for name, own, source, version in packages:
        for flaw in by_source[source]:
            fix = last.get((source, flaw))
            shown = "hidden" if (source, flaw) in unimportant or HEADERS.match(name) else "shown"
            if fix is None:
                yield name, own, flaw, "", opened[source, flaw], shown
            elif orders[version, fix] < 0:
                yield name, own, flaw, fix, "fixed", shown


def reported(path):
    for result in json.load(open(path)).get("Results") or []:
        found = [(v, "shown") for v in result.get("Vulnerabilities") or []]
        found += [(m["Finding"], "hidden") for m in result.get("ExperimentalModifiedFindings") or []]
        for v, shown in found:
            yield (v["PkgName"], v["InstalledVersion"], v["VulnerabilityID"], v.get("FixedVersion", ""), v["Status"],
                   shown)


def main(mode, release, *rest):
    if mode == "craft":
        read(release, rest)
        craft(release)
        return 0
    status, report, *paths = rest
    read(release, paths)
    want = set(evaluate(list(installed(status))))
    listed = list(reported(report))
    for line in sorted(want - set(listed)):
        print("missing", *line)
    for line in sorted(set(listed) - want):
        print("not so", *line)
    print("findings", len(listed), "expected", len(want), "different", len(want ^ set(listed)))
    return want != set(listed) or len(listed) != len(want)


sys.exit(main(*sys.argv[1:]))
