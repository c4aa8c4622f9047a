#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What hew scan and hew sbom write for others: valid by the schemas of those forms (lib/validate.js, with ajv; GitLab's,
# which no registry has, by lib/gitlab.jq), read by the jq that people have, and the same when hew reads it back.
load lib/hew
load lib/advisories

SCHEMAS=${HEW_TEST_DATA-}/sbom/schemas
VALIDATOR=(ajv@8.20.0 ajv-formats@3.0.1 ajv-formats-draft2019@1.6.1 ajv-draft-04@1.0.0 @microsoft/jest-sarif@1.0.0-beta.0)

setup_file() {
	suite_setup
	advisories_setup
}

# validator: sets MODULES to a folder with node_modules, or skips. Once a machine: it is kept beside the bases.
validator() {
	local cache=${HEW_TEST_CACHE:-$BATS_FILE_TMPDIR} made
	[ -d "$SCHEMAS" ] || skip "no data: HEW_TEST_DATA names their folder"
	MODULES=$cache/validator-$(cksum <<<"${VALIDATOR[*]}" | cut -d' ' -f1)
	[ ! -d "$MODULES" ] || return 0
	made=$(mktemp -d "$cache/validator.XXXXXX")
	(cd "$made" && npm install --silent --no-audit --no-fund --ignore-scripts "${VALIDATOR[@]}") >"$made/log" 2>&1 ||
		skip "npm is not to be reached: $(tail -n 1 "$made/log")"
	mv -T "$made" "$MODULES" 2>/dev/null || rm -rf "$made" # another suite was faster
}

valid() {
	local out
	out=$(node "$E2E_LIB/validate.js" "$MODULES" "$SCHEMAS" "$@") || {
		echo "$out"
		return 1
	}
}

gitlab_valid() {
	local f
	for f; do
		equal "" "$(jq -r -f "$E2E_LIB/gitlab.jq" "$f")"
	done
}

# junit FILE...: "suite tests failures skipped" of each suite, as a parser of XML reads it; the numbers are true.
junit() {
	python3 - "$@" <<-'END'
		import sys, xml.etree.ElementTree as E
		for name in sys.argv[1:]:
		    for s in E.parse(name).getroot().findall("testsuite"):
		        n = [len(s.findall("testcase")), len(s.findall("testcase/failure")), len(s.findall("testcase/skipped"))]
		        assert n == [int(s.get(k)) for k in ("tests", "failures", "skipped")], n
		        print(s.get("name"), *n)
	END
}

app() {
	mkdir -p a/node_modules/left-made-up a/node_modules/@made-up/right
	echo '{"name":"left-made-up","version":"1.1.0"}' >a/node_modules/left-made-up/package.json
	echo '{"name":"@made-up/right","version":"3.0.0"}' >a/node_modules/@made-up/right/package.json
	dockerfile <<-'END'
		FROM debian:bookworm-slim
		COPY a /srv/
	END
	build -t app
}

# hostile: an image whose packages, files and instructions have names that nobody should have.
hostile() {
	# shellcheck disable=SC2016 # no variables
	mkdir -p 'a/|<b>`x`"'\''&[l](http:e)/node_modules/x' b
	# shellcheck disable=SC2016 # no variables
	printf '%s' '{"name":"|<b>`x`[l](http://e)\\","version":"1\"{0}&\u009b"}' >'a/|<b>`x`"'\''&[l](http:e)/node_modules/x/package.json'
	printf 'ID="de|b\\"<i>"\nVERSION_ID="1|2"\n' >b/os-release
	printf 'Package: evil|<b>\nStatus: install ok installed\nVersion: 1"{}\n\n' >b/status
	dockerfile <<-'END'
		FROM scratch
		LABEL evil="|<b>\u001b[31m"
		COPY a "/srv/|<script>"
		COPY b/os-release /etc/
		COPY b/status /var/lib/dpkg/
	END
	build -t hostile
}

@test "schemas: of an image, with flaws and without" {
	validator
	app
	hew scan --format sarif app >1-sarif.json
	hew scan --format cyclonedx app >2-cdx.json
	hew scan --format cyclonedx --all app >3-cdx.json
	hew scan --format spdx app >4-spdx.json
	hew sbom app >5-cdx.json
	hew sbom --format cyclonedx-1.5 app >6-cdx.json
	hew sbom --format spdx app >7-spdx.json
	equal 1.5 "$(jq -r .specVersion 6-cdx.json)"
	[ "$(jq '.vulnerabilities | length' 2-cdx.json)" -ge 4 ]
	[ "$(jq '.components | length' 5-cdx.json)" -gt 60 ]
	valid [1-7]-*.json
	# it would say so
	jq '.components[3].type = "libary"' 5-cdx.json >8-cdx.json
	run ! valid 8-cdx.json
	jq '.runs[0].results[0].locations[0].physicalLocation.region.startLine = 0' 1-sarif.json >9-sarif.json
	run ! valid 9-sarif.json
}

@test "schemas: names that mean harm" {
	local f
	validator
	hostile
	hew scan --all --format sarif hostile >1.json
	hew scan --all --format cyclonedx hostile >2.json
	hew sbom --format spdx hostile >3.json
	hew sbom --format json hostile >4.json
	hew scan --format markdown hostile >5.md
	valid 1.json 2.json 3.json
	[ "$(jq '[.Results[].Packages[]] | length' 4.json)" -ge 1 ]
	for f in [1-4].json 5.md; do
		run ! env LC_ALL=C grep -qP '[\x00-\x09\x0b-\x1f\x7f]' "$f"
	done
}

@test "schemas: texts that no package has, written by the units' fixture" {
	local dir
	dir=$(dirname "$(readlink -f "$HEW_TEST_BIN")")
	[ -x "$dir/test/unit/test_report_write" ] || ninja -C "$dir" test/unit/test_report_write >/dev/null
	mkdir documents
	HEW_TEST_DOCUMENTS=documents "$dir/test/unit/test_report_write"
	equal 20 "$(find documents -type f | wc -l)"
	gitlab_valid documents/*-{gitlab,codequality}.json
	equal "deb 2 1 1" "$(junit documents/hostile-junit.xml | head -n 1)"
	validator
	valid documents/*-{sarif,cyclonedx-15,cyclonedx-16,spdx}.json
}

@test "GitLab: container scanning, code quality, and JUnit's XML" {
	app
	hew scan --format gitlab app >gl-container-scanning-report.json
	hew scan --format gitlab-codequality -o gl-code-quality-report.json app
	hew scan --format junit app >junit.xml
	gitlab_valid gl-*.json
	equal "Critical CVE-2031-10001 libc-bin
Critical CVE-2031-10001 libc6
High CVE-2031-10002 zlib1g
High CVE-2031-10011 left-made-up
Low CVE-2031-10012 @made-up/right" "$(jq -r '.vulnerabilities[] |
		"\(.severity) \(.identifiers[0].value) \(.location.dependency.package.name)"' gl-container-scanning-report.json | LC_ALL=C sort)"
	equal '["app","Upgrade left-made-up to 1.2.0",{"name":"Dockerfile","type":"file-location","file_name":"Dockerfile","line_start":2}]' \
		"$(jq -c '.vulnerabilities[] | select(.identifiers[0].value == "CVE-2031-10011") |
		[.location.image, (.solution | gsub("\\\\"; "")), .details.dockerfile]' gl-container-scanning-report.json)"
	matches '\["hew","debian 12*"\]' "$(jq -c '[.scan.scanner.id, .vulnerabilities[0].location.operating_system]' gl-container-scanning-report.json)"
	equal "$(hew inspect app | jq -r '.[0].Created[:19]')" "$(jq -r .scan.end_time gl-container-scanning-report.json)"
	equal "critical CVE-2031-10001 app:1
info CVE-2031-10012 Dockerfile:2
major CVE-2031-10002 app:1
major CVE-2031-10011 Dockerfile:2" "$(jq -r '.[] | "\(.severity) \(.check_name) \(.location.path):\(.location.lines.begin)"' gl-code-quality-report.json |
		LC_ALL=C sort)"
	equal "deb 2 2 0
npm 2 2 0" "$(junit junit.xml)"
	hew scan --format junit app | cmp - junit.xml
	hew scan --format gitlab app | cmp - gl-container-scanning-report.json
	# what is hidden has a place in one of them
	equal "deb 3 2 1
npm 2 2 0" "$(hew scan --all --format junit app >all.xml && junit all.xml)"
	hew scan --all --format gitlab app | cmp - gl-container-scanning-report.json
	# nothing left is a test that passed, and an empty list
	equal "deb 1 0 0
npm 1 0 0" "$(hew scan --severity MEDIUM --format junit app >none.xml && junit none.xml)"
	equal "[]" "$(hew scan --severity MEDIUM --format gitlab-codequality app)"
	equal "[]" "$(hew scan --severity MEDIUM --format gitlab app | jq -c .vulnerabilities)"
	# gitlab.jq would say so
	jq 'del(.vulnerabilities[1].location.image) | .scan.start_time += "Z"' gl-container-scanning-report.json >wrong.json
	run ! gitlab_valid wrong.json
}

@test "GitLab and JUnit: names that mean harm" {
	local f
	hostile
	hew scan --all --format gitlab hostile >1.json
	hew scan --all --format gitlab-codequality hostile >2.json
	hew scan --all --format junit hostile >3.xml
	gitlab_valid 1.json 2.json
	junit 3.xml
	for f in 1.json 2.json 3.xml; do
		run ! env LC_ALL=C grep -qP '[\x00-\x09\x0b-\x1f\x7f]' "$f"
	done
}

@test "the same image gives the same bytes" {
	local f
	app
	for f in cyclonedx cyclonedx-1.5 spdx json; do
		hew sbom --format "$f" app >one
		hew sbom --format "$f" app >two
		cmp one two
	done
	equal "$(hew sbom app | jq -r .metadata.timestamp)" "$(hew inspect app | jq -r '.[0].Created')"
	equal "2001-09-09T01:46:40Z" "$(SOURCE_DATE_EPOCH=1000000000 hew sbom --format spdx app | jq -r .creationInfo.created)"
	run ! cmp <(hew sbom app | jq .serialNumber) <(hew sbom debian:bookworm-slim | jq .serialNumber)
}

@test "a document read back has the same packages and the same flaws" {
	local f
	app
	hew scan --all --format json app |
		jq -r '.Results[].Vulnerabilities[]? | "\(.VulnerabilityID) \(.PkgName) \(.InstalledVersion) \(.FixedVersion) \(.Severity)"' |
		LC_ALL=C sort >want
	[ "$(wc -l <want)" -ge 5 ]
	hew sbom --format json app | jq -r '.Results[].Packages[] | .Identifier.PURL' | LC_ALL=C sort >packages
	for f in cyclonedx cyclonedx-1.5 spdx; do
		hew sbom --format "$f" app >bom.json
		hew scan --all --format json sbom:bom.json >got.json
		jq -r '.Results[].Vulnerabilities[]? | "\(.VulnerabilityID) \(.PkgName) \(.InstalledVersion) \(.FixedVersion) \(.Severity)"' got.json |
			LC_ALL=C sort | diff want -
		hew sbom --format json sbom:bom.json | jq -r '.Results[].Packages[] | .Identifier.PURL' | LC_ALL=C sort |
			diff packages -
	done
}

@test "documents of other tools" {
	[ -d "${HEW_TEST_DATA-}/sbom" ] || skip "no data: HEW_TEST_DATA names their folder"
	hew sbom --format json "sbom:$HEW_TEST_DATA/sbom/image.cdx.json" >got.json
	equal "@angular/core 17.0.0
golang.org/x/net v0.17.0
libssl3 3.0.16
requests 2.31.0" "$(jq -r '.Results[].Packages[] | "\(.Name) \(.Version)"' got.json | LC_ALL=C sort)"
	equal '["debian","12"]' "$(jq -c '[.Metadata.OS.Family, .Metadata.OS.Name]' got.json)"
	equal openssl "$(hew sbom --format json "sbom:$HEW_TEST_DATA/sbom/image.spdx.json" | jq -r '.Results[].Packages[].SrcName')"
}

@test "Trivy's JSON: the jq that people have" {
	app
	hew scan --format json app >t.json
	equal 2 "$(jq '[.Results[]?.Vulnerabilities[]? | select(.Severity=="CRITICAL")] | length' t.json)"
	equal 2 "$(jq '[.Results[] | select(.Class == "os-pkgs") | .Vulnerabilities[]? | select(.Severity | IN("CRITICAL")) | .PkgName] | unique | length' t.json)"
	equal '{"CRITICAL":2,"HIGH":2,"LOW":1}' \
		"$(jq -c '[.Results[].Vulnerabilities // [] | .[]] | group_by(.Severity) | map({(.[0].Severity): length}) | add' t.json)"
	equal "left-made-up,1.1.0,1.2.0,srv/node_modules/left-made-up/package.json" \
		"$(jq -r '.Results[] | select(.Type == "node-pkg") | .Vulnerabilities[] | select(.FixedVersion) | [.PkgName, .InstalledVersion, .FixedVersion, .PkgPath] | join(",")' t.json)"
	equal "$(hew inspect app | jq -c '.[0].RootFS.Layers')" "$(jq -c .Metadata.DiffIDs t.json)"
	equal 0 "$(jq '[.. | objects | select(has("PkgName")) | select(.Layer.DiffID == null)] | length' t.json)"
}

@test "SARIF: the Dockerfile's line, and the image where there is none" {
	app
	hew scan --format sarif app >s.json
	equal '{"uri":"Dockerfile","startLine":2}' \
		"$(jq -c '[.runs[0].results[] | select(.ruleId == "CVE-2031-10011") | .locations[0].physicalLocation | .artifactLocation + .region][0]' s.json)"
	equal '{"uri":"app","startLine":1}' \
		"$(jq -c '[.runs[0].results[] | select(.ruleId == "CVE-2031-10001") | .locations[0].physicalLocation | .artifactLocation + .region][0]' s.json)"
	equal 0 "$(jq '[.runs[0].tool.driver.rules[] | select(.properties["security-severity"] | tonumber | . > 10 or . < 0)] | length' s.json)"
}

@test "what VEX and ignore files hide is told with the reason" {
	app
	cat >vex.json <<-'E'
		{"@context":"https://openvex.dev/ns/v0.2.0","@id":"x","author":"a","timestamp":"2031-01-01T00:00:00Z","version":1,
		"statements":[{"vulnerability":{"name":"CVE-2031-10012"},"products":[{"@id":"pkg:npm/%40made-up/right@3.0.0"}],
		"status":"not_affected","justification":"vulnerable_code_not_present"}]}
	E
	echo CVE-2031-10011 >.trivyignore
	hew scan --all --vex vex.json --format cyclonedx app |
		jq -r '.vulnerabilities[] | select(.analysis) | "\(.id) \(.analysis.state) \(.analysis.detail)"' | LC_ALL=C sort >got
	has "CVE-2031-10012 not_affected VEX: not affected (vulnerable_code_not_present)" "$(cat got)"
	has "CVE-2031-10011 in_triage " "$(cat got)"
	equal "CVE-2031-10011 CVE-2031-10012" \
		"$(hew scan --all --vex vex.json --format sarif app | jq -r '.runs[0].results[] | select(.suppressions) | .ruleId' | grep 1001 | LC_ALL=C sort | paste -sd' ')"
	equal not_affected "$(hew scan --all --vex vex.json --format json app |
		jq -r '.Results[].ExperimentalModifiedFindings[]? | select(.Finding.VulnerabilityID == "CVE-2031-10012") | .Status')"
	has_not CVE-2031-10012 "$(hew scan --vex vex.json --format cyclonedx app)"
}
