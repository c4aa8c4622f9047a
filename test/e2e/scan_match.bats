#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hew scan: findings in Debian's packages, against lib/scan_eval.py, which evaluates the same records by itself; and
# findings that were judged by reading the record.
load lib/hew

DATA=$TOP/test/data/advisory
FEEDS=("$DATA/debian.jsonl" "$DATA/debian-fixes.tsv" "$DATA/tracker.json")

# root RELEASE STATUS: a folder with these packages.
root() {
	rm -rf root
	mkdir -p root/etc root/var/lib/dpkg
	printf 'ID=debian\nVERSION_ID="%s"\n' "$1" >root/etc/os-release
	cp "$2" root/var/lib/dpkg/status
}

# evaluated RELEASE STATUS FEED...: hew's findings are those of the records.
evaluated() {
	local release=$1 status=$2
	shift 2
	root "$release" "$status"
	said hew scan -q --db db --all --format json -o report ./root
	said python3 "$E2E_LIB/scan_eval.py" compare "$release" "$status" report "$@"
	has "different 0" "$OUT"
	equal 0 "$STATUS" # nor is anything listed twice
}

# crafted RELEASE FEED...: the same of versions before, at and behind each fix.
crafted() {
	python3 "$E2E_LIB/scan_eval.py" craft "$@" >crafted
	[ "$(grep -c ^Package: crafted)" -gt 30 ]
	evaluated "$1" crafted "${@:2}"
	[ "$(sed -n 's/^findings \([0-9]*\) .*/\1/p' <<<"$OUT")" -gt 30 ]
}

@test "today's packages of Debian, as the records have them" {
	hew db import -q -o db "${FEEDS[@]}"
	hew pull -q debian:bookworm-slim
	hew run debian:bookworm-slim cat /var/lib/dpkg/status >status
	evaluated 12 status "${FEEDS[@]}"
}

@test "versions before, at and behind each fix, in three releases" {
	hew db import -q -o db "${FEEDS[@]}"
	for release in 11 12 13; do crafted "$release" "${FEEDS[@]}"; done
}

@test "the same by all of the public data, if it is there" {
	local all=${HEW_TEST_DATA-}/vuln/debian
	[ -d "$all" ] || skip "no data: HEW_TEST_DATA names their folder"
	local feeds=("$all/dsa-dla-derived.osv.jsonl.gz" "$all/dsa-dla-fixes.tsv.gz")
	hew db import -q -o db "${feeds[@]}"
	for release in 12 13; do crafted "$release" "${feeds[@]}"; done
	hew pull -q debian:bookworm-slim
	hew run debian:bookworm-slim cat /var/lib/dpkg/status >status
	evaluated 12 status "${feeds[@]}"
}

@test "findings and non-findings judged by reading the record, if the records are there" {
	local table=$TOP/test/data/scan/judged.tsv all=${HEW_TEST_DATA-}/vuln release
	[ -d "$all" ] || skip "no data: HEW_TEST_DATA names their folder"
	hew db import -q -o db "$all"
	while read -r release; do
		python3 "$E2E_LIB/scan_judged.py" sbom "$table" "$release" >bom.json
		hew scan -q --db db --format json -o report sbom:bom.json
		said python3 "$E2E_LIB/scan_judged.py" compare "$table" "$release" report
		has " 0 wrong" "$OUT"
	done < <(python3 "$E2E_LIB/scan_judged.py" releases "$table")
	[ "$(grep -vc '^#' "$table")" -ge 50 ]
}
