# SPDX-License-Identifier: Apache-2.0
# advisory_eval.py DATABASE FILE...: reads the records of the files by itself, in the plainest way there is,
# and compares what they say with what the database says: every range of every package with its flaw's names,
# severity and dates. Prints the differences, and what was compared.
import csv
import gzip
import json
import os
import re
import sqlite3
import sys
from collections import defaultdict

DEBIAN = {"wheezy": "7", "jessie": "8", "stretch": "9", "buster": "10", "bullseye": "11", "bookworm": "12",
          "trixie": "13"}
STATUS = ["affected", "fixed", "no-dsa", "ignored", "postponed", "undetermined", "end-of-life"]
WORDS = {"unimportant": 1, "low": 2, "medium": 3, "moderate": 3, "high": 4, "important": 4, "critical": 5,
         "negligible": 1}

ranges = set()              # (ecosystem, release, package, record, introduced, fixed, last, status)
aliases = defaultdict(set)  # name to names
covers = defaultdict(set)   # record to flaws
epss, exploited, counts = {}, {}, defaultdict(int)


def opened(path):
    return gzip.open(path, "rt") if path.endswith(".gz") else open(path)


def ecosystem(text):
    name, _, release = text.partition(":")
    if name == "Alpine":
        release = release.lstrip("v")
    if name == "Ubuntu":
        release = release.removesuffix(":LTS")
    return name, release


def package_name(eco, name):
    if eco == "PyPI":
        return re.sub("[-_.]+", "-", name).lower()
    return name.lower() if eco in ("NuGet", "Packagist") else name


def osv(r):
    counts["OSV " + r["id"].split("-")[0]] += not r.get("withdrawn")
    if r.get("withdrawn"):
        return
    for a in r.get("aliases") or []:
        aliases[r["id"]].add(a)
        aliases[a].add(r["id"])
    upstream = [u for u in r.get("upstream") or [] if u != r["id"]]
    affected = [a for a in r.get("affected") or [] if "package" in a]
    if not upstream and not r.get("aliases") and affected:
        if affected[0]["package"]["ecosystem"].split(":")[0] in ("AlmaLinux", "Rocky Linux"):
            upstream = [x for x in r.get("related") or [] if x.startswith("CVE-")]
    covers[r["id"]].update(upstream)
    for a in affected:
        eco, release = ecosystem(a["package"]["ecosystem"])
        usable = [g for g in a.get("ranges") or [] if g["type"] != "GIT"]
        name = package_name(eco, a["package"]["name"])
        for full in [m + "/" + name for m in streams(eco, usable, r.get("summary", ""))] or [name]:
            key = (eco, release, full, r["id"])
            for g in usable:
                ranges.update(key + x for x in intervals(g["events"]))
            if not usable:
                ranges.update(key + (v, None, v, "affected") for v in a.get("versions") or [])


def streams(eco, usable, title):
    """The modules that an advisory of Red Hat's kind is about: a fix of a module says so."""
    fixes = [e.get("fixed", "") for g in usable for e in g["events"]]
    if eco not in ("AlmaLinux", "Rocky Linux", "Red Hat") or not any(".module" in f for f in fixes):
        return []
    return re.findall(r"(?<![^ ,])[A-Za-z][\w.+-]*:[\w.+-]+(?![^ ,])", title)


def intervals(events):
    start = None
    for event in events:
        if "introduced" in event:
            start = event["introduced"]
        else:
            end = event.get("fixed"), event.get("last_affected")
            yield (zero(start), *end, "fixed" if end[0] else "affected")
            start = None
    if start is not None:
        yield (zero(start), None, None, "affected")


def zero(version):
    return None if version in ("0", "0.0.0-0") else version


def tracker(doc):
    for source, flaws in doc.items():
        for name, flaw in flaws.items():
            counts["Debian tracker"] += 1
            for codename, r in dict(flaw.get("releases") or {}).items():
                key = ("Debian", DEBIAN.get(codename, codename), source, name, None)
                if r["status"] == "resolved":
                    if r["fixed_version"] != "0":
                        ranges.add(key + (r["fixed_version"], None, "fixed"))
                    continue
                word = r.get("nodsa_reason") if r.get("nodsa_reason") in ("ignored", "postponed") else \
                    "no-dsa" if "nodsa" in r else "affected"
                if r["urgency"] == "end-of-life":
                    word = "end-of-life"
                if r["status"] == "undetermined":
                    word = "undetermined"
                ranges.add(key + (None, None, word))


def debian_fix(release, source, fixed, advisory):
    ranges.add(("Debian", DEBIAN.get(release, release), source, advisory, None, fixed, None, "fixed"))


def debian_list(text):
    for block in re.split(r"\n(?=\[)", text):
        head = re.match(r"\[.*?\] (\S+)", block)
        counts["Debian advisories"] += 1
        for flaws in re.findall(r"^\s+\{(.*)\}", block, re.M):
            covers[head[1]].update(flaws.split())
        for release, source, fixed in re.findall(r"^\s+\[(\w+)\] - (\S+) ([^<\s]\S*)", block, re.M):
            debian_fix(release, source, fixed, head[1])


def secdb(doc):
    release = doc["distroversion"].lstrip("v")
    for p in doc["packages"]:
        counts["Alpine secdb"] += 1
        for version, texts in p["pkg"]["secfixes"].items():
            for text in texts if version != "0" else []:
                first, *rest = re.findall(r"[A-Z]+-[-\w]*\d[-\w]*|GHSA[-\w]+", text)
                for other in rest:
                    aliases[first].add(other)
                    aliases[other].add(first)
                ranges.add(("Alpine", release, p["pkg"]["name"], first, None, version, None, "fixed"))


def read(path):
    with opened(path) as f:
        if ".jsonl" in path:
            return [osv(json.loads(line)) for line in f]
        if path.endswith(".json"):
            doc = json.load(f)
            if "packages" in doc:
                return secdb(doc)
            if "catalogVersion" in doc:
                counts["CISA KEV"] = len(doc["vulnerabilities"])
                return exploited.update((v["cveID"], v["dateAdded"]) for v in doc["vulnerabilities"])
            return tracker(doc) if isinstance(doc, dict) else None
        if path.endswith(".list"):
            return debian_list(f.read())
        if path.endswith("epss.csv"):
            f.readline()
            rows = list(csv.DictReader(f))
            counts["EPSS"] = len(rows)
            return epss.update((r["cve"], (r["epss"], r["percentile"])) for r in rows)
        if ".tsv" in path:
            rows = list(csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE))
            if "advisory" in rows[0]:
                for r in rows:
                    counts["Debian advisories"] += 1
                    if r["cve"] != r["advisory"]:
                        covers[r["advisory"]].add(r["cve"])
                    debian_fix(r["release"], r["source"], r["fixed"], r["advisory"])
            elif "vector" in rows[0]:
                counts["CVSS by CVE"] += len(rows)


def group(name):
    seen, todo = set(), [name]
    while todo:
        n = todo.pop()
        if n not in seen:
            seen.add(n)
            todo += aliases[n]
    rank = lambda n: (0 if n.startswith("CVE-") else 1 if n.startswith("GHSA-") else 2, n)
    return tuple(sorted(seen, key=rank))


def expected():
    out = set()
    for eco, release, package, record, *rest in ranges:
        for flaw in covers[record] or {record}:
            out.add((eco, release, package, group(flaw), *rest))
    return out


def found(db):
    names = defaultdict(list)
    texts = {}
    for i, flaw, text in db.execute("SELECT id, flaw, text FROM name ORDER BY id"):
        names[flaw].append(text)
        texts[i] = text
    out, flaws = set(), set()
    for eco, release, package, flaw, record, *rest, status in db.execute(
            "SELECT r.ecosystem, r.release, p.name, coalesce(a.flaw, c.flaw), a.record, introduced, fixed, last,"
            " status FROM release r JOIN package p ON p.release=r.id JOIN affected a ON a.package=p.id"
            " LEFT JOIN covers c ON a.flaw IS NULL AND c.record=a.record"):
        out.add((eco, release, package, tuple(names[flaw]), *rest, STATUS[status]))
        flaws.add(flaw)
    return out, {f: names[f] for f in flaws}


def compare(what, want, got):
    for x in sorted(want - got, key=str)[:10]:
        print("missing", what, x)
    for x in sorted(got - want, key=str)[:10]:
        print("too much", what, x)
    print(what, len(want & got), "equal", len(want ^ got), "different")


def day(text):
    import datetime
    return (datetime.date.fromisoformat(text) - datetime.date(1970, 1, 1)).days


def main():
    db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
    for path in sys.argv[2:]:
        read(path)
    got, flaws = found(db)
    compare("ranges", expected(), got)
    used = {n: f for f, names in flaws.items() for n in names}
    want = {(used[c], day(d)) for c, d in exploited.items() if c in used}
    compare("exploited", want, set(db.execute("SELECT id, exploited FROM flaw WHERE exploited IS NOT NULL")))
    want = {(used[c], round(float(e) * 1e5), round(float(p) * 1e5)) for c, (e, p) in epss.items() if c in used}
    compare("epss", want, set(db.execute("SELECT id, epss-1, percentile-1 FROM flaw WHERE epss IS NOT NULL")))
    stated = dict(db.execute("SELECT name, records FROM source"))
    compare("counts", set(counts.items()), {(k, v) for k, v in stated.items() if k in counts})


main()
