# SPDX-License-Identifier: Apache-2.0
# scan_judged.py releases TABLE: the releases that the table is about.
# scan_judged.py sbom TABLE RELEASE: a document that names its packages of that release.
# scan_judged.py compare TABLE RELEASE REPORT: are the findings (Trivy's JSON, all of them) those that were judged?
import json
import sys
from urllib.parse import quote

COLUMNS = ["type", "package", "version", "source", "release", "flaw", "finding", "why"]


def rows(table):
    for line in open(table, encoding="utf-8"):
        if not line.startswith("#"):
            row = dict(zip(COLUMNS, line.rstrip("\n").split("\t"), strict=True))
            assert row["finding"] in ("yes", "no"), line
            yield row


def purl(row):
    name, version, epoch = row["package"], row["version"], None
    if row["type"] not in ("deb", "rpm"):
        return f"pkg:{row['type']}/{quote(name, safe='/')}@{quote(version, safe='')}"
    distro, release = row["release"].split(" ")
    if row["type"] == "rpm" and ":" in version:
        epoch, version = version.split(":")
    text = f"pkg:{row['type']}/{distro}/{quote(name)}@{quote(version, safe='')}?distro={distro}-{release}"
    text += f"&epoch={epoch}" if epoch else ""
    return text + ("" if row["source"] == "-" else "&upstream=" + quote(row["source"], safe=""))


def sbom(table, release):
    packages = {purl(r): r for r in rows(table) if r["release"] == release}
    distro, _, version = release.partition(" ")
    components = [{"type": "library", "bom-ref": p, "name": r["package"], "version": r["version"], "purl": p}
                  for p, r in packages.items()]
    if version:
        components.append({"type": "operating-system", "bom-ref": "os", "name": distro, "version": version})
    print(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": components}))


def compare(table, release, report):
    found = set()
    for result in json.load(open(report)).get("Results") or []:
        for v in result.get("Vulnerabilities") or []:
            found |= {(v["PkgName"], v["InstalledVersion"], name)
                      for name in [v["VulnerabilityID"], *v.get("VendorIDs", [])]}
    wrong = n = 0
    for row in rows(table):
        if row["release"] != release:
            continue
        n += 1
        if ((row["package"], row["version"], row["flaw"]) in found) != (row["finding"] == "yes"):
            print("wrong:", *row.values())
            wrong += 1
    print(n, "judged", wrong, "wrong")
    return wrong > 0


mode, *args = sys.argv[1:]
if mode == "releases":
    print("\n".join(sorted({r["release"] for r in rows(*args)})))
else:
    sys.exit({"sbom": sbom, "compare": compare}[mode](*args))
