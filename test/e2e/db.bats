#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hew db: what is made of advisory data, against lib/advisory_eval.py, which reads the same records by itself; and
# its way into a registry and out of it.
load lib/hew

DATA=$TOP/test/data/advisory
FEEDS=("$DATA"/*.{jsonl,json,csv,tsv,list})

setup_file() {
	suite_setup
	export HEW_DB=$BATS_FILE_TMPDIR/db
	"$HEW" db import -q "${FEEDS[@]}"
}

setup() {
	test_setup
	REGISTRIES=()
	export MADE=$BATS_FILE_TMPDIR/db HEW_DB=$BATS_TEST_TMPDIR/advisories.db
}

teardown() {
	local d
	test_teardown
	for d in "${REGISTRIES[@]}"; do "$TOP/test/bases/serve" stop "$d"; done
}

# registry: docker-registry until the test ends. Sets PORT, and LOG to what it was asked for.
registry() {
	local at=$BATS_TEST_TMPDIR/registry${#REGISTRIES[@]}
	REGISTRIES+=("$at")
	"$TOP/test/bases/serve" start "$at" --empty
	PORT=$(cat "$at/port") LOG=$at/log
}

# known ECOSYSTEM PACKAGE FILTER: of what is known, through jq.
known() { HEW_DB=$MADE hew debug advisories "$1" "$2" | jq -c "$3"; }

@test "every range of every record, as another reads them" {
	said python3 "$E2E_LIB/advisory_eval.py" "$MADE" "${FEEDS[@]}"
	equal "ranges 2077 equal 0 different
exploited 2 equal 0 different
epss 204 equal 0 different
counts 17 equal 0 different" "$OUT"
}

@test "all of the public data, if it is there" {
	local all=${HEW_TEST_DATA-}/vuln
	[ -n "${HEW_TEST_SLOW-}" ] && [ -d "$all" ] || skip "script/test --all, with a folder of public advisory data"
	said hew db import -q "$all"
	said python3 "$E2E_LIB/advisory_eval.py" "$HEW_DB" "$all"/*/*.osv.jsonl.gz "$all"/debian/*.tsv.gz
	has "ranges 83189 equal 0 different" "$OUT"
	[ "$(zstd -19 -q -c "$HEW_DB" | wc -c)" -lt $((2 << 20)) ]
}

@test "a folder, a zip, lines, compressed or not, in any order: the same bytes" {
	python3 - "$DATA"/*.jsonl <<-'E'
		import json, os, sys, zipfile
		os.mkdir("folder")
		with zipfile.ZipFile("all.zip", "w", zipfile.ZIP_DEFLATED) as z:
		    for line in [l for f in sys.argv[1:] for l in open(f)]:
		        name = json.loads(line)["id"] + ".json"
		        open("folder/" + name, "w").write(line)
		        z.writestr(name, line)
	E
	hew db import -q -o want "$DATA"/*.jsonl
	hew db import -q -o folder.db folder
	hew db import -q -o zip.db all.zip
	cat "$DATA"/*.jsonl | sort -r | tee lines.jsonl | gzip >lines.gz
	zstd -q lines.jsonl
	rm lines.jsonl
	hew db import -q -o gz.db lines.gz
	hew db import -q -o zst.db lines.jsonl.zst lines.gz
	jq -s . "$DATA"/*.jsonl >array.json
	hew db import -q -o array.db array.json
	for f in folder zip gz zst array; do cmp want "$f.db"; done
}

@test "of two versions of a record the newer counts, wherever it stands" {
	old='{"id":"X-1","modified":"2024-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"a"},"versions":["1"]}]}'
	new=${old//2024-01-01/2024-01-02}
	gone=${old/\"id\"/\"withdrawn\":\"2024-01-03T00:00:00Z\",\"id\"}
	printf '%s\n' "$old" "${new/\"1\"/\"2\"}" >up.jsonl
	printf '%s\n' "${new/\"1\"/\"2\"}" "$old" >down.jsonl
	printf '%s\n' "$new" "${gone//2024-01-01/2024-01-03}" >gone.jsonl
	hew db import -q -o up up.jsonl
	hew db import -q -o down down.jsonl
	cmp up down
	equal '"2"' "$(HEW_DB=up hew debug advisories npm a | jq -c '.flaws[].ranges[].introduced')"
	hew db import -q -o gone gone.jsonl
	equal 'unknown ecosystem' "$(HEW_DB=gone hew debug advisories npm a | jq -r .coverage)"
}

@test "what a distribution says of a flaw is told apart" {
	state='.flaws[] | select(.names[0] == "CVE-2024-10001") | .ranges[] | [.status, .fixed, .note]'
	# of what is open in one place and fixed in another, the fix counts
	equal '["fixed","1.2-1+deb12u1",null]' "$(known Debian:12 made-up "$state")"
	equal '["ignored",null,"Will not be fixed"]' "$(known Debian:11 made-up "$state")"
	equal '["postponed",null,"Fix along with next update"]' "$(known Debian:13 made-up "$state")"
	equal '["end-of-life",null,null]' "$(known Debian:10 made-up "$state")"
	equal '["undetermined",null,null]' "$(known Debian:9 made-up "$state")"
	equal '["fixed","1.2-3",null]' "$(known Debian:sid made-up "$state")"
	equal '' "$(known Debian:8 made-up "$state")"
	equal '"NEGLIGIBLE"' "$(known Debian:12 made-up '.flaws[] | select(.names[0][:4] == "TEMP") | .ranges[].severity')"
	equal '["fixed","1.36.1-r1",null]' "$(known Alpine:v3.19 made-up "$state")"
	equal '["CVE-2024-10002","GHSA-aaaa-bbbb-cccc"]' "$(known Alpine:3.19 made-up '.flaws[].names | select(length == 2)')"
	equal '["DSA-9998-1"]' "$(known Debian:12 nameless '.flaws[].names')"
}

@test "releases: known, unknown, when they end" {
	equal '["known","bookworm","2028-06-30"]' "$(known Debian:12 curl '[.coverage, .codename, .endOfLife]')"
	equal '["unknown release","",""]' "$(known Debian:99 curl '[.coverage, .codename, .endOfLife]')"
	equal '["known","","2025-11-01"]' "$(known Alpine:3.19 x '[.coverage, .codename, .endOfLife]')"
	equal '"unknown release"' "$(known Alpine:3.99 x .coverage)"
	equal '"unknown ecosystem"' "$(known Plan9:4 x .coverage)"
}

@test "severity: vectors are computed, in the order of belief" {
	cat >r.jsonl <<-'E'
		{"id":"GHSA-1111-2222-3333","modified":"2024-01-01T00:00:00Z","aliases":["CVE-2024-1"],"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"},{"type":"CVSS_V4","score":"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:L/VI:L/VA:L/SC:N/SI:N/SA:N"}],"database_specific":{"severity":"LOW"},"affected":[{"package":{"ecosystem":"npm","name":"a"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}]}
	E
	printf 'cve\tsource\tvector\tscore_stated\nCVE-2024-1\tnvd\tAV:N/AC:L/Au:N/C:C/I:C/A:C\t1.0\n' >v.tsv
	printf 'cve\trhsa_rating\tgrype_rating\nCVE-2024-1\tModerate\tHigh\n' >w.tsv
	hew db import -q r.jsonl v.tsv w.tsv
	equal '["ghsa","MEDIUM","6.9"]
["ghsa","CRITICAL","9.8"]
["nvd","HIGH","10.0"]
["ghsa","LOW",null]
["grype","HIGH",null]
["redhat","MEDIUM",null]' "$(hew debug advisories npm a | jq -c '.flaws[].ratings[] | [.source, .severity, .score]')"
}

@test "broken records: one warning each, with file and line; --strict fails" {
	head -n 2 "$DATA/npm.jsonl" >broken.jsonl
	cat >>broken.jsonl <<-'E'
		{"id":"X-1","affected":[
		{"affected":[]}
		{"id":"X-2","affected":[{"package":{"ecosystem":"npm","name":"x"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"introduced":"1"}]}]}]}
		{"id":"X 3","affected":[]}
		{"id":"X-4","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:Q"}],"affected":[{"package":{"ecosystem":"npm","name":"good"},"versions":["1"]}]}
	E
	said hew db import broken.jsonl
	equal "WARNING: broken.jsonl:3: not valid JSON: ']' expected near end of file (line 1, column 24)
WARNING: broken.jsonl:4: not an OSV record: it has no id
WARNING: broken.jsonl:5: events of a range that are out of order
WARNING: broken.jsonl:6: not an id: 'X 3'
WARNING: broken.jsonl:7: not a CVSS metric: 'AV:Q'" "$(cat "$ERR")"
	has "5 records left out" "$OUT"
	equal '"X-4"' "$(hew debug advisories npm good | jq -c '.flaws[].names[]')"
	cp "$HEW_DB" before
	fails 9 hew db import --strict broken.jsonl
	has "broken.jsonl:3:" "$LAST"
	cmp before "$HEW_DB"
	equal "" "$(find "$BATS_TEST_TMPDIR" -name '.advisories.db.*')"
	printf '{"curl": {"CVE-2024-1": {"releases": {"sid": {"status": "odd"}}}, "CVE-2024-2": {"releases": {"sid": {"status": "open"}}}}}' >tracker.json
	said hew db import tracker.json
	has "tracker.json:1: 'curl' is 'odd' in sid" "$(cat "$ERR")"
	equal '"CVE-2024-2"' "$(hew debug advisories Debian:sid curl | jq -c '.flaws[].names[]')"
}

@test "hostile data is bounded" {
	python3 - <<-'E'
		import zipfile, gzip, io
		open("deep.json", "w").write('{"id":"X-1","affected":' + "[" * 1000000)
		open("long.jsonl", "w").write('{"id":"X-1","affected":[],"x":"' + "a" * (6 << 20) + '"}\n{"id":"X-2","affected":[]}\n')
		open("version.jsonl", "w").write('{"id":"X-3","affected":[{"package":{"ecosystem":"npm","name":"a"},"versions":["' + "1" * 100000 + '"]}]}\n')
		with zipfile.ZipFile("bomb.zip", "w", zipfile.ZIP_DEFLATED) as z:
		    z.writestr("a.json", b"\0" * (12 << 20))
		    z.writestr("../../etc/x.json", '{"id":"X-4","affected":[{"package":{"ecosystem":"npm","name":"b"},"versions":["1"]}]}')
		with gzip.open("bomb.jsonl.gz", "wb") as f:
		    f.write(b'{"id":"X-5","affected":[],"x":"' + b"a" * (12 << 20))
		open("cut.jsonl.gz", "wb").write(gzip.compress(b'{"id":"X-6","affected":[]}\n' * 1000)[:-20])
	E
	ulimit -v 400000
	said hew db import deep.json long.jsonl version.jsonl bomb.zip bomb.jsonl.gz cut.jsonl.gz
	has "deep.json: line 1: not valid JSON" "$(cat "$ERR")"
	has "long.jsonl:1: a record of more than 4 MiB" "$(cat "$ERR")"
	has "version.jsonl:1: a version of more than 255 bytes" "$(cat "$ERR")"
	has "bomb.zip:a.json: 12582912 bytes (at most 8388608 are read)" "$(cat "$ERR")"
	has "bomb.jsonl.gz:1: a record of more than 4 MiB" "$(cat "$ERR")"
	has "cut.jsonl.gz: " "$(cat "$ERR")"
	equal '"X-4"' "$(hew debug advisories npm b | jq -c '.flaws[].names[]')"
}

@test "what is no advisory data, no database, another's database" {
	fails 9 hew db import "$TOP/README.md"
	has "of no kind that hew knows" "$LAST"
	mkdir empty
	fails 6 hew db import empty
	fails 6 hew db info
	has "hew db update" "$LAST"
	echo x >"$HEW_DB"
	fails 9 hew db info
	python3 - "$MADE" <<-'E'
		import sys, shutil, sqlite3, os
		shutil.copy(sys.argv[1], os.environ["HEW_DB"])
		sqlite3.connect(os.environ["HEW_DB"]).execute("PRAGMA user_version=99")
	E
	fails 12 hew db info
	has "format 99" "$LAST"
	fails 2 hew db imprt x
	has "did you mean import?" "$LAST"
}

@test "a database of another's making: what it says is bounded" {
	cp "$MADE" "$HEW_DB"
	sqlite3 "$HEW_DB" "UPDATE affected SET fixed = NULL, status = 35"
	mkdir -p root/etc root/var/lib/dpkg
	printf 'ID=debian\nVERSION_ID=12\n' >root/etc/os-release
	printf 'Package: made-up\nStatus: install ok installed\nVersion: 1\n' >root/var/lib/dpkg/status
	readable
	equal affected "$(hew scan -q --all --format json ./root | jq -r '.Results[].Vulnerabilities[].Status' | sort -u)"
	sqlite3 "$HEW_DB" "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 200001)
		INSERT OR REPLACE INTO affected SELECT a.package, c.n + 1000, a.flaw, a.record, NULL, NULL, NULL, 0, 0, NULL
		FROM c, (SELECT affected.* FROM affected JOIN package ON package.id = affected.package WHERE package.name = 'made-up' LIMIT 1) a"
	local eco
	eco=$(sqlite3 "$HEW_DB" "SELECT ecosystem || ':' || r.release FROM release r JOIN package p ON p.release = r.id
		JOIN affected a ON a.package = p.id GROUP BY p.id HAVING count(*) > 200000")
	fails 9 hew debug advisories "$eco" made-up
	has "more than 200000 ranges of one package" "$LAST"
}

@test "age: told loudly, fatal when asked" {
	said hew db info "$MADE"
	has "WARNING: the advisory data is" "$(cat "$ERR")"
	has "data of    2026-08-21" "$OUT"
	fails 1 hew db info --max-age 2d "$MADE"
	said hew db info --max-age 90000d --format json "$MADE"
	equal '["2026-08-21T00:00:00Z",764]' "$(jq -c '[.newest, .flaws]' <<<"$OUT")"
	today=$(date -u +%FT%TZ)
	printf '{"id":"X-1","modified":"%s","affected":[]}\n{"id":"X-2","modified":"2999-01-01T00:00:00Z","affected":[]}\n' "$today" >r.jsonl
	hew db import -q r.jsonl
	said hew db info --max-age 2d
	equal "" "$(cat "$ERR")"
}

@test "into a registry, to a machine that has nothing; nothing is fetched twice" {
	registry
	cp "$MADE" "$HEW_DB"
	said hew db push "127.0.0.1:$PORT/advisories:1"
	pushed=$OUT
	equal "$pushed" "$(hew db push "127.0.0.1:$PORT/advisories:1")"
	skopeo inspect --raw --tls-verify=false "docker://127.0.0.1:$PORT/advisories:1" >manifest
	equal "$pushed" "sha256:$(sha256sum <manifest | cut -d' ' -f1)"
	layer=$(jq -r '.layers[0].digest' manifest)
	equal application/vnd.hew.advisories.v1+sqlite+zstd "$(jq -r '.layers[0].mediaType' manifest)"
	curl -sf "127.0.0.1:$PORT/v2/advisories/blobs/$layer" | zstd -d -q >unpacked
	cmp unpacked "$MADE"

	export HEW_DB=$BATS_TEST_TMPDIR/new/folder/db HEW_ROOT=$BATS_TEST_TMPDIR/other
	said hew db update "127.0.0.1:$PORT/advisories:1"
	cmp "$HEW_DB" "$MADE"
	: >"$LOG"
	said hew db update
	has "up to date" "$OUT"
	equal 0 "$(grep -c "GET.*blobs/$layer" "$LOG")"
	# what is here may be newer, and may be somebody's own
	printf '{"id":"X-1","modified":"2026-08-22T00:00:00Z","affected":[]}\n' >r.jsonl
	hew db import -q r.jsonl
	cp "$HEW_DB" own
	said hew db update "127.0.0.1:$PORT/advisories:1"
	has "what is there is newer" "$OUT"
	cmp own "$HEW_DB"
	said hew db update --force "127.0.0.1:$PORT/advisories:1"
	cmp "$HEW_DB" "$MADE"
}

@test "out of a mirror, a URL, a file" {
	registry
	HEW_DB=$MADE hew db push "127.0.0.1:$PORT/mirror/advisories:1"
	export CONTAINERS_REGISTRIES_CONF=$BATS_TEST_TMPDIR/registries.conf
	printf '[[registry]]\nlocation = "nowhere.invalid"\n[[registry.mirror]]\nlocation = "127.0.0.1:%s/mirror"\ninsecure = true\n' "$PORT" >"$CONTAINERS_REGISTRIES_CONF"
	said hew db update nowhere.invalid/advisories:1
	cmp "$HEW_DB" "$MADE"
	rm "$HEW_DB"
	mkdir www
	zstd -q "$MADE" -o www/db.zst
	serve_folder www
	said hew db update "http://127.0.0.1:$PORT/db.zst"
	cmp "$HEW_DB" "$MADE"
	rm "$HEW_DB"
	said hew db update www/db.zst
	cmp "$HEW_DB" "$MADE"
	head -c 100000 "$MADE" >cut
	fails 9 hew db update ./cut
	cmp "$HEW_DB" "$MADE"
	fails 9 hew db update "$TOP/README.md"
	cmp "$HEW_DB" "$MADE"
}

@test "an image is no database" {
	registry
	printf 'FROM scratch\nCOPY Dockerfile /\n' | dockerfile
	hew build -q -t "127.0.0.1:$PORT/image:1" . >/dev/null
	hew push -q "127.0.0.1:$PORT/image:1"
	fails 12 hew db update "127.0.0.1:$PORT/image:1"
	has "it is no advisory database" "$LAST"
	fails 6 hew db update "127.0.0.1:$PORT/none:1"
	fails 2 hew db update
	has "from where?" "$LAST"
}
