#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hew scan, hew sbom, hew diff and the names of other scanners, on the test bases, with a database of records made
# up for them (test/data/scan).
load lib/hew
load lib/advisories

RECORDS=$TOP/test/data/scan/records.jsonl

setup_file() {
	suite_setup
	advisories_setup
}

teardown() {
	test_teardown
	[ ! -e "$BATS_TEST_TMPDIR/registry" ] || "$TOP/test/bases/serve" stop "$BATS_TEST_TMPDIR/registry"
}

# app [NAME]: an image above debian:bookworm-slim, with two packages of npm.
app() {
	mkdir -p a/node_modules/left-made-up a/node_modules/@made-up/right
	echo '{"name":"left-made-up","version":"1.1.0"}' >a/node_modules/left-made-up/package.json
	echo '{"name":"@made-up/right","version":"3.0.0"}' >a/node_modules/@made-up/right/package.json
	dockerfile <<-'END'
		FROM debian:bookworm-slim
		LABEL a=b
		COPY a /srv/
	END
	build -t "${1:-app}"
}

# found TARGET OPTIONS...: "severity flaw package" of what is left, a line each.
found() {
	hew scan --format json "$@" |
		jq -r '.Results[]? | .Vulnerabilities[]? | "\(.Severity) \(.VulnerabilityID) \(.PkgName)"' | LC_ALL=C sort
}

archive() { hew save -o "$1" "$2" && readable_to_user "$1"; }
readable_to_user() { [ -z "${HEW_TEST_UID-}" ] || chmod 644 "$1"; }

# ---- what is found, and how it is told

@test "the table: flaws of base and own layers, with the line of the Dockerfile" {
	app
	said hew scan app
	equal 0 "$STATUS"
	equal "" "$(cat "$ERR")"
	matches "PACKAGE *INSTALLED *FIXED *SEVERITY *FLAW *LAYER *FROM" "$(head -n 1 <<<"$OUT")"
	matches "glibc (2) *99:2.99-1 *CRITICAL *CVE-2031-10001 *base *debian:bookworm-slim*" "$(sed -n 2p <<<"$OUT")"
	matches "zlib1g (zlib) * - *HIGH *CVE-2031-10002 *base*" "$(grep 10002 <<<"$OUT")"
	matches "left-made-up *1.1.0 *1.2.0 *HIGH *CVE-2031-10011 *own *Dockerfile:3 COPY a /srv/" "$(grep 10011 <<<"$OUT")"
	matches "@made-up/right *3.0.0 * - *LOW *CVE-2031-10012 *own*" "$(grep 10012 <<<"$OUT")"
	has_not 10004 "$OUT"
	matches "app: * packages, 4 flaws: 1 critical, 2 high, 1 low; 2 can be fixed" "$(grep '^app:' <<<"$OUT")"
	matches "hidden: 1 (1 *): --all shows them" "$(tail -n 1 <<<"$OUT")"
	has_not $'\033' "$OUT"
	has 10003 "$(hew scan --all app)"
}

@test "the record of the build is gone: the history still says the instruction" {
	app
	for id in $(hew builds ls -q); do hew builds rm "$id" >/dev/null; done
	matches "*own *COPY a /srv/" "$(hew scan app | grep 10011)"
	has_not Dockerfile: "$(hew scan app)"
}

@test "severity, kinds of packages, what has no fix" {
	app
	equal "CRITICAL CVE-2031-10001 libc-bin
CRITICAL CVE-2031-10001 libc6
HIGH CVE-2031-10002 zlib1g
HIGH CVE-2031-10011 left-made-up
LOW CVE-2031-10012 @made-up/right" "$(found app)"
	equal "LOW CVE-2031-10012 @made-up/right" "$(found --severity low app)"
	equal "HIGH CVE-2031-10011 left-made-up
LOW CVE-2031-10012 @made-up/right" "$(found --pkg-types library app)"
	equal "HIGH CVE-2031-10011 left-made-up" "$(found --pkg-types library --ignore-unfixed app)"
	equal "HIGH CVE-2031-10002 zlib1g
HIGH CVE-2031-10011 left-made-up" "$(found --severity HIGH,MEDIUM app)"
	fails 2 hew scan --severity AWFUL app
	has AWFUL "$LAST"
	fails 2 hew scan --pkg-types os,other app
	fails 2 hew scan --format xml app
	fails 2 hew sbom --format gitlab app
	fails 2 hew scan
	fails 2 hew scan app more
}

@test "the gate counts what is left after all filters" {
	app
	fails 7 hew scan --exit-code 7 app
	has "5 findings left" "$LAST"
	fails 1 hew scan --exit-code 1 --severity CRITICAL app
	hew scan --exit-code 1 --severity MEDIUM app
	hew scan --exit-code 1 --severity LOW --ignore-unfixed app
	echo 'CVE-2031-10001' >.trivyignore
	hew scan --exit-code 1 --severity CRITICAL app
	hew scan app
	fails 2 hew scan --exit-code 256 app
}

@test "ignore files, with their last day, and OpenVEX" {
	app
	printf '# not ours\nCVE-2031-10001\nCVE-2031-10011 exp:2001-01-01\n' >.trivyignore
	equal "HIGH CVE-2031-10002 zlib1g
HIGH CVE-2031-10011 left-made-up
LOW CVE-2031-10012 @made-up/right" "$(found app)"
	rm .trivyignore
	printf 'vulnerabilities:\n  - id: CVE-2031-10002\n    statement: not called\n' >.trivyignore.yaml
	has_not 10002 "$(found app)"
	rm .trivyignore.yaml
	echo GHSA-made-upup-0001 >own.txt
	has_not 10011 "$(found --ignorefile own.txt app)"
	cat >vex.json <<-'E'
		{"@context":"https://openvex.dev/ns/v0.2.0","@id":"x","author":"a","timestamp":"2031-01-01T00:00:00Z","version":1,
		"statements":[{"vulnerability":{"name":"CVE-2031-10012"},"products":[{"@id":"pkg:npm/%40made-up/right@3.0.0"}],
		"status":"not_affected","justification":"vulnerable_code_not_present"}]}
	E
	has_not 10012 "$(found --vex vex.json app)"
	has 10012 "$(hew scan --all --vex vex.json app)"
	fails 1 hew scan --ignorefile nothing app || fails 6 hew scan --ignorefile nothing app
	echo '{"statements": 1' >broken.json
	fails 2 hew scan --vex broken.json app
}

@test "--explain: what was compared, and by which record" {
	app
	out=$(hew scan --explain CVE-2031-10001 app)
	has glibc "$out"
	has 99:2.99-1 "$out"
	has "libc6 2.36" "$out"
	has 1.2 "$(hew scan --explain CVE-2031-10004 app)"
	has "no advisory of that name" "$(hew scan --explain CVE-1999-0001 app)"
}

@test "formats: Trivy's JSON, SARIF, CycloneDX, SPDX, Markdown" {
	app
	hew scan --format json app >t.json
	equal '[2,"app","container_image",{"Family":"debian","Name":"12"}]' \
		"$(jq -c '[.SchemaVersion, .ArtifactName, .ArtifactType, .Metadata.OS | if type == "object" then {Family, Name: (.Name | split(".")[0])} else . end]' t.json)"
	equal "$(hew inspect app | jq -r '.[0].Id')" "$(jq -r .Metadata.ImageID t.json)"
	equal "CVE-2031-10001" "$(jq -r '[.Results[].Vulnerabilities[]? | select(.Severity == "CRITICAL")][0].VulnerabilityID' t.json)"
	hew scan --format sarif app >s.json
	equal '["2.1.0",4]' "$(jq -c '[.version, (.runs[0].tool.driver.rules | length)]' s.json)"
	hew scan --format cyclonedx app >c.json
	equal '["CycloneDX","1.6"]' "$(jq -c '[.bomFormat, .specVersion]' c.json)"
	equal "CVE-2031-10001 CVE-2031-10002 CVE-2031-10011 CVE-2031-10012" \
		"$(jq -r '.vulnerabilities[].id' c.json | sort -u | paste -sd' ')"
	equal "SPDX-2.3" "$(hew scan --format spdx app | jq -r .spdxVersion)"
	has "CVE-2031-10011" "$(hew scan --format markdown app)"
	hew scan --format json -o whole.json app
	cmp t.json whole.json
	fails 1 hew scan -o nowhere/x.json app
	[ ! -e nowhere ]
}

@test "colours on a terminal alone, and not with NO_COLOR" {
	app
	script -qec "hew scan app" /dev/null </dev/null >tty.out
	has $'\033[1;31mCRITICAL\033[0m' "$(cat tty.out)"
	NO_COLOR=1 script -qec "hew scan app" /dev/null </dev/null >tty.out
	has_not $'\033' "$(cat tty.out)"
	has CRITICAL "$(cat tty.out)"
}

# ---- the database

@test "no database: an error that says how one is had" {
	HEW_DB=$PWD/none fails 6 hew scan debian:bookworm-slim
	has "hew db update" "$LAST"
	has "hew db import" "$LAST"
	fails 6 hew scan --db "$PWD/none" debian:bookworm-slim
	hew scan --db "$HEW_DB" -q debian:bookworm-slim
}

@test "old data: said loudly, an error if asked for" {
	sed 's/2031-01-01T/2001-01-01T/' "$RECORDS" >old.jsonl
	hew db import -q -o old.db old.jsonl
	said hew scan --db old.db debian:bookworm-slim
	equal 0 "$STATUS"
	has "WARNING: the advisory data is" "$(cat "$ERR")"
	fails 1 hew scan --db old.db --max-age 30d debian:bookworm-slim
	has "--max-age 30d" "$LAST"
}

@test "a release that nothing is known of: a warning, and never just no flaws" {
	dockerfile <<-'END'
		FROM debian:bookworm-slim
		RUN sed -i 's/12/99/g; s/bookworm/unheard/g' /etc/os-release /usr/lib/os-release
	END
	build -t odd
	said hew scan odd
	has "WARNING: " "$(cat "$ERR")"
	has 99 "$(cat "$ERR")"
	has_not "no flaws known"$'\n' "$OUT"$'\n'
	has "nothing is known of its release" "$OUT"
}

# ---- where the image is

@test "archives, layouts, a registry: the same as in the store" {
	app
	found app >want
	[ -s want ]
	hew save -o app.tar app
	hew copy -q store:app oci:layout:x
	hew copy -q store:app oci-archive:app.oci:x
	readable_to_user app.tar
	for t in docker-archive:app.tar oci:layout:x oci-archive:app.oci:x ./app.tar; do
		HEW_ROOT=$BATS_TEST_TMPDIR/other found "$t" >got
		cmp want got
	done
	build -o type=oci,tar=false,compression=uncompressed,force-compression=true,dest=plain
	HEW_ROOT=$BATS_TEST_TMPDIR/seventh found oci:plain >got
	cmp want got
	HEW_ROOT=$BATS_TEST_TMPDIR/seventh hew doctor --store --deep
	HEW_ROOT=$BATS_TEST_TMPDIR/third found --input app.tar >got
	cmp want got
	found debian:bookworm-slim >want
	HEW_ROOT=$BATS_TEST_TMPDIR/fourth found debian:bookworm-slim >got
	cmp want got
	HEW_ROOT=$BATS_TEST_TMPDIR/sixth said hew scan debian:bookworm-slim
	has "fetch and unpack debian:bookworm-slim" "$(cat "$ERR")"
	HEW_ROOT=$BATS_TEST_TMPDIR/sixth said hew scan debian:bookworm-slim
	equal "" "$(cat "$ERR")"
	HEW_ROOT=$BATS_TEST_TMPDIR/fifth found docker://debian:bookworm-slim >got
	cmp want got
	fails 6 hew scan sha256:0123456789012345678901234567890123456789012345678901234567890123
	has "no such image" "$LAST"
	fails 6 hew scan ./no-such-folder
	fails 6 hew scan dir:no-such-folder
	fails 2 hew scan "dir:$RECORDS"
	fails 6 hew scan no.such.image/x:1 || fails 7 hew scan no.such.image/x:1
	fails 6 hew scan --input "$RECORDS" || fails 9 hew scan --input "$RECORDS"
}

@test "a folder: lock files count" {
	mkdir p
	cat >p/package-lock.json <<-'E'
		{"name":"p","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"p","version":"1.0.0"},
		"node_modules/left-made-up":{"version":"1.0.5"},"node_modules/other":{"version":"1.0.0"}}}
	E
	readable
	equal "HIGH CVE-2031-10011 left-made-up" "$(found ./p)"
	equal "HIGH CVE-2031-10011 left-made-up" "$(found dir:p)"
	equal "HIGH CVE-2031-10011 left-made-up" "$(found "$PWD/p")"
	has package-lock.json "$(hew scan ./p | grep 10011)"
}

@test "distroless" {
	equal "MEDIUM CVE-2031-10005 media-types" "$(found gcr.io/distroless/static)"
}

@test "another's SBOM, and one of ours" {
	app
	for format in cyclonedx cyclonedx-1.5 spdx; do
		hew sbom --format $format -o app.json app
		readable_to_user app.json
		found sbom:app.json >got
		found app >want
		cmp want got
	done
	found ./app.json >got
	cmp want got
	echo '{"bomFormat":' >broken.json
	fails 9 hew scan sbom:broken.json
}

@test "a damaged database of packages: one warning, and the scan goes on" {
	mkdir -p a/node_modules/left-made-up
	echo '{"name":"left-made-up","version":"1.1.0"}' >a/node_modules/left-made-up/package.json
	dockerfile <<-'END'
		FROM scratch
		COPY a /srv/
		COPY apk /lib/apk/db/installed
		COPY rpm /var/lib/rpm/rpmdb.sqlite
	END
	printf 'P:x\nV:1\n\xff\xfe\x00\x01' >apk
	head -c 5000 /dev/urandom >rpm
	build -t damaged
	said hew scan damaged
	equal 0 "$STATUS"
	equal 1 "$(grep -c 'rpmdb.sqlite' "$ERR")"
	has CVE-2031-10011 "$OUT"
	said hew scan -q damaged
	has_not rpmdb "$(cat "$ERR")"
}

# ---- what the base costs

@test "--base: base against own, and what another tag would remove" {
	app
	dockerfile <<-'END'
		FROM debian:bookworm-slim
		RUN awk 'BEGIN { RS = ""; ORS = "\n\n" } !/^Package: zlib1g\n/' /var/lib/dpkg/status >/x && mv /x /var/lib/dpkg/status
	END
	build -t debian:trimmed
	out=$(hew scan --base app)
	matches "base (debian:bookworm-slim) *2 *1 *1 *1 *0*" "$(grep '^base' <<<"$out")"
	matches "own *2 *1 *0 *1 *0 *1 *0*" "$(grep '^own' <<<"$out")"
	matches "debian:trimmed *1 *1 *0" "$(grep '^debian:trimmed' <<<"$out")"
	hew rmi debian:trimmed
	has "no other tag" "$(hew scan --base app)"
	fails 2 hew scan --base --format json app
}

@test "--instead: other bases, from a registry if need be" {
	app
	dockerfile <<-'END'
		FROM scratch
		COPY a /a
	END
	build -t kept
	"$TOP/test/bases/serve" start "$BATS_TEST_TMPDIR/registry" --empty
	local other
	other=127.0.0.1:$(cat "$BATS_TEST_TMPDIR/registry/port")/bases/thin:1
	build -t "$other" && hew push -q "$other" && hew rmi "$other"
	out=$(hew scan -q --instead kept --instead "$other" app)
	matches "base (debian:bookworm-slim) *2 *" "$(grep '^base' <<<"$out")"
	matches "kept:latest *2 *2 *2" "$(grep '^kept' <<<"$out")"
	matches "$other *2 *2 *2" "$(grep "^$other" <<<"$out")"
	fails 7 hew scan --instead nosuch.test/x:1 app
	has "nosuch.test" "$LAST"
	mkdir folder
	fails 2 hew scan --instead ./folder app
	has "--instead ./folder: it is no image" "$LAST"
}

# ---- hew build --scan

# named NAME: is there an image of that name?
named() { hew inspect "$1" >/dev/null 2>&1; }

@test "build --scan: stops before any name, output or push; passes when nothing is left" {
	app
	build_fails 14 --scan severity=HIGH,CRITICAL -t gated -o out --iidfile iid
	has "4 findings left" "$LAST"
	matches "*left-made-up*HIGH*CVE-2031-10011*own*Dockerfile:3*" "$(grep 10011 "$ERR")"
	[ ! -e out ]
	[ ! -e iid ]
	run ! named gated
	build_fails 5 --scan severity=CRITICAL,exit-code=5 -t gated
	local registry=$BATS_TEST_TMPDIR/registry
	"$TOP/test/bases/serve" start "$registry" --empty
	build_fails 14 --scan severity=CRITICAL --push -t "127.0.0.1:$(cat "$registry/port")/gated:1"
	equal 404 "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$(cat "$registry/port")/v2/gated/manifests/1")"
	build --scan severity=MEDIUM --push -t "127.0.0.1:$(cat "$registry/port")/gated:1"
	equal '["1"]' "$(curl -s "http://127.0.0.1:$(cat "$registry/port")/v2/gated/tags/list" | jq -c .tags)"
	run ! named gated
	build --scan severity=MEDIUM -t gated:1 -t gated:2
	named gated:1
	named gated:2
	equal "$ID" "$(hew inspect gated:2 | jq -r '.[0].Id')"
	has "no findings left" "$(cat "$ERR")"
	echo CVE-2031-10001 >.trivyignore
	build --scan severity=CRITICAL -t gated:3 -o type=image -o out2
	[ -e out2/srv/node_modules ]
	rm .trivyignore
	build --scan severity=LOW,ignore-unfixed -t gated:4
	build_fails 2 --scan severity=AWFUL
	build_fails 2 --scan awful
	build_fails 2 --scan exit-code=0
	build_fails 2 --scan pkg-types=foo
	has_not "[2/2]" "$(cat "$ERR")"
	HEW_DB=none build_fails 6 --scan severity=HIGH
	has "hew db update" "$LAST"
	has_not "[2/2]" "$(cat "$ERR")"
	sound
}

# ---- hew sbom

@test "an SBOM of NAME@DIGEST says where that is, in the store or not" {
	local name=debian@$(skopeo inspect --no-tags --format '{{.Digest}}' docker://docker.io/library/debian:bookworm-slim) purl
	local HEW_ROOT=$BATS_TEST_TMPDIR/other
	export HEW_ROOT
	purl() { hew sbom -q "$name" | jq -r .metadata.component.purl; }
	purl=$(purl)
	matches "pkg:oci/debian@sha256*repository_url=debian" "$purl"
	hew pull -q debian:bookworm-slim
	equal "$purl" "$(purl)"
}

@test "an SBOM is the same on two stores, and at any time" {
	app
	hew save -o app.tar app
	readable_to_user app.tar
	for format in cyclonedx cyclonedx-1.5 spdx json; do
		HEW_ROOT=$BATS_TEST_TMPDIR/one hew sbom --format $format docker-archive:app.tar >one
		HEW_ROOT=$BATS_TEST_TMPDIR/two hew sbom --format $format docker-archive:app.tar >two
		cmp one two
	done
	# what else is in the store does not matter: names, the base, the record of the build
	hew load -i app.tar >/dev/null
	hew tag app other
	hew sbom docker-archive:app.tar >three
	HEW_ROOT=$BATS_TEST_TMPDIR/one hew sbom docker-archive:app.tar >one
	cmp one three
	hew rmi other
	HEW_DB=none hew sbom app >own.json
	equal "$(hew inspect app | jq -r '.[0].Created' | cut -c1-19)" "$(jq -r .metadata.timestamp own.json | cut -c1-19)"
	equal "1.6" "$(jq -r .specVersion own.json)"
	equal "pkg:npm/left-made-up@1.1.0" "$(jq -r '.components[] | select(.name == "left-made-up") | .purl' own.json)"
	has "2001-09-09T01:46:40" "$(SOURCE_DATE_EPOCH=1000000000 hew sbom app | jq -r .metadata.timestamp)"
	fails 2 hew sbom --format sarif app
}

# ---- hew diff

@test "diff: packages, flaws, files" {
	app
	mkdir -p b/node_modules/left-made-up
	echo '{"name":"left-made-up","version":"1.2.0"}' >b/node_modules/left-made-up/package.json
	echo new >b/new
	dockerfile <<-'END'
		FROM debian:bookworm-slim
		COPY b /srv/
		RUN rm /etc/issue && echo x >>/etc/issue.net
	END
	build -t after
	out=$(hew diff app after)
	matches "@made-up/right *npm *lost *3.0.0 *-" "$(grep '^@made-up' <<<"$out")"
	matches "left-made-up *npm *up *1.1.0 *1.2.0" "$(grep '^left' <<<"$out")"
	matches "CVE-2031-10011 *HIGH *lost *left-made-up *1.1.0" "$(grep ^CVE-2031-10011 <<<"$out")"
	matches "flaws *4 *2 *0 gained, 2 lost" "$(grep '^flaws' <<<"$out")"
	matches "files * 1 added (4B), 4 removed (*B), 2 changed (+*)" "$(grep '^files' <<<"$out")"
	matches "left-made-up *npm *down *1.2.0 *1.1.0" "$(hew diff after app | grep '^left')"
	hew diff --files app after >files
	grep -qx '+ /srv/new  4B' files
	grep -q -- '^- /etc/issue  [0-9]*B$' files
	grep -q '^~ /etc/issue.net  [0-9]*B -> [0-9]*B$' files
	equal '["left-made-up","up","1.1.0","1.2.0"]' "$(hew diff --format json app after |
		jq -c '.packages[] | select(.change == "up") | [.name, .change, .before, .after]')"
	equal '[{"path":"/srv/new","size":4}]' "$(hew diff --files --format json app after | jq -c .files.added)"
	said hew diff app app
	has "0 gained, 0 lost, 0 up, 0 down" "$OUT"
	said env HEW_DB=none hew diff app after
	has "flaws are not compared" "$(cat "$ERR")"
	has_not "flaws  " "$OUT"
}

@test "diff: the configuration, field by field, and the size" {
	head -c 3000 /dev/zero >big
	dockerfile <<-'END'
		FROM scratch AS one
		ENV KEPT=1 CHANGED=a LOST=x
		LABEL kept=1 changed=a
		EXPOSE 80
		CMD ["a", "b"]
		USER 5
		FROM scratch AS two
		COPY big /
		ENV KEPT=1 CHANGED=b GAINED=y
		LABEL kept=1 changed=b
		EXPOSE 80 443/udp
		VOLUME /data
		CMD ["a", "c"]
		WORKDIR /srv
		STOPSIGNAL SIGINT
		HEALTHCHECK --interval=5s CMD true
	END
	build --target one -t one
	build --target two -t two
	equal 'user  5 null
workdir  / /srv
cmd  ["a","b"] ["a","c"]
env CHANGED a b
env LOST x null
env GAINED null y
label changed a b
port  null 443/udp
volume  null /data
healthcheck  null ["CMD-SHELL","true"] interval=5s timeout=0s start-period=0s start-interval=0s retries=0
stop-signal  null SIGINT' "$(hew diff --format json one two | jq -r '.config[] | "\(.field) \(.key // "") \(.before) \(.after)"')"
	out=$(hew diff one two)
	matches "env CHANGED *a *b" "$(grep CHANGED <<<"$out")"
	matches "port *- *443/udp" "$(grep ^port <<<"$out")"
	matches "config * 11" "$(grep ^config <<<"$out")"
	matches "size *0B *3kB *+3kB" "$(grep ^size <<<"$out")"
	matches "size *3kB *0B *-3kB (-100.0%)" "$(hew diff two one | grep ^size)"
	equal "[]" "$(hew diff --format json one one | jq -c .config)"
}

# ---- by other names

@test "trivy: its flags, its variables, its exit statuses" {
	app
	ln -s "$HEW" trivy
	if [ -n "${HEW_TEST_UID-}" ]; then trivy() { hew trivy "$@"; }; else trivy() { ./trivy "$@"; }; fi
	matches "Version: *" "$(trivy --version | head -n 1)"
	equal "$(found app)" "$(trivy image -q -f json app | jq -r '.Results[] | .Vulnerabilities[]? |
		"\(.Severity) \(.VulnerabilityID) \(.PkgName)"' | LC_ALL=C sort)"
	said trivy image --exit-code 1 --severity CRITICAL,HIGH --ignore-unfixed --no-progress --scanners vuln app
	equal 1 "$STATUS"
	said trivy image --exit-code 1 --severity MEDIUM --timeout 10m --cache-dir x --skip-db-update app
	equal 0 "$STATUS"
	has "--timeout is ignored" "$(cat "$ERR")"
	export TRIVY_SEVERITY=CRITICAL TRIVY_EXIT_CODE=9 TRIVY_FORMAT=json TRIVY_OUTPUT=out.json TRIVY_VERSION=0.1 TRIVY_SKIP_DIRS=srv
	said trivy image app
	equal 9 "$STATUS"
	equal CVE-2031-10001 "$(jq -r '[.Results[].Vulnerabilities[]?.VulnerabilityID] | unique[]' out.json)"
	# what is said on the command line counts more
	said trivy image --severity MEDIUM app
	equal 0 "$STATUS"
	unset TRIVY_SEVERITY TRIVY_EXIT_CODE TRIVY_OUTPUT
	has_not left-made-up "$(trivy image app | jq -r '.Results[].Vulnerabilities[]?.PkgName')"
	unset TRIVY_FORMAT TRIVY_SKIP_DIRS
	hew save -o app.tar app
	readable_to_user app.tar
	has CVE-2031-10011 "$(trivy image --input app.tar)"
	mkdir p && cp -r a/node_modules p/
	readable
	has CVE-2031-10011 "$(trivy fs p)"
	hew sbom -o sbom.json app
	readable_to_user sbom.json
	has CVE-2031-10011 "$(trivy sbom sbom.json)"
	equal CycloneDX "$(HEW_DB=none trivy image --format cyclonedx app | jq -r .bomFormat)"
	sed 's/,2028-06-30.*/,2001-01-01/' "$TOP/test/data/advisory/debian.csv" >debian.csv
	readable_to_user debian.csv
	hew db import -q -o eol.db debian.csv "$BATS_FILE_TMPDIR/records.jsonl"
	said env HEW_DB=eol.db "$HEW" trivy image --exit-on-eol 6 app
	equal 6 "$STATUS"
	has "WARNING" "$(cat "$ERR")"
	has "2001-01-01" "$(cat "$ERR")"
	said env HEW_DB=eol.db "$HEW" scan --format json app
	equal true "$(jq .Metadata.OS.EOSL <<<"$OUT")"
	said trivy image --exit-on-eol 6 app
	equal 0 "$STATUS"
	# the date is the last day of support: on it nothing is over, by any of the three
	sed "s/2001-01-01/$(date -u +%F)/" debian.csv >debian2.csv && mv debian2.csv debian.csv
	readable_to_user debian.csv
	hew db import -q -o eol.db debian.csv "$BATS_FILE_TMPDIR/records.jsonl"
	said env HEW_DB=eol.db "$HEW" trivy image --format json --exit-on-eol 6 app
	equal 0 "$STATUS"
	equal null "$(jq .Metadata.OS.EOSL <<<"$OUT")"
	has_not "end of life" "$(cat "$ERR")"
	# the templates that Trivy comes with are forms of hew's
	trivy image --format template --template @contrib/gitlab.tpl -o gl-container-scanning-report.json app
	hew scan --format gitlab app | cmp - gl-container-scanning-report.json
	trivy image -q -f template -t @/usr/local/share/trivy/templates/gitlab-codequality.tpl app >quality.json
	hew scan --format gitlab-codequality app | cmp - quality.json
	TRIVY_TEMPLATE=@junit.tpl TRIVY_FORMAT=template trivy image -q app >junit.xml
	hew scan --format junit app | cmp - junit.xml
	for f in x @contrib/html.tpl contrib/junit.tpl @contrib/junit.tpl/ @; do
		fails 1 trivy image --format template --template "$f" app
		has "templates are not read; known are @contrib/gitlab.tpl, gitlab-codequality.tpl and junit.tpl" "$LAST"
	done
	fails 1 trivy image --format template app
	has "--format template needs --template" "$LAST"
	said trivy image --format json --template @contrib/junit.tpl app
	has "--template is ignored" "$(cat "$ERR")"
	equal app "$(jq -r .ArtifactName <<<"$OUT")"
	fails 1 trivy image --nonsense app
	fails 1 trivy k8s
}

@test "grype: --fail-on, --only-fixed, its formats" {
	app
	said hew grype app --fail-on critical
	equal 2 "$STATUS"
	said hew grype app --only-fixed -o table
	equal 0 "$STATUS"
	has_not CVE-2031-10002 "$OUT"
	said hew grype --fail-on high --only-fixed dir:a
	equal 2 "$STATUS"
	said hew grype dir:a/node_modules/@made-up --fail-on medium
	equal 0 "$STATUS"
	equal CycloneDX "$(hew grype app -o cyclonedx-json | jq -r .bomFormat)"
	equal "$(found app)" "$(hew grype app -o json | jq -r '.matches[] |
		"\(.vulnerability.severity | ascii_upcase) \(.vulnerability.id) \(.artifact.name)"' | LC_ALL=C sort)"
	equal '[["99:2.99-1"],"fixed",9.8,"debian","app"]' "$(hew grype app -o json | jq -c '. as $all |
		[.matches[] | select(.artifact.name == "libc6")][0] | [.vulnerability.fix.versions, .vulnerability.fix.state,
		.vulnerability.cvss[0].metrics.baseScore, $all.distro.name, $all.source.target.userInput]')"
	equal "not-fixed" "$(hew grype app -o json | jq -r '.matches[] | select(.artifact.name == "zlib1g") | .vulnerability.fix.state')"
	printf 'fail-on-severity: low\nignore:\n  - vulnerability: CVE-2031-10001\n' >.grype.yaml
	said hew grype app --fail-on critical
	equal 0 "$STATUS"
	rm .grype.yaml
	fails 1 hew grype app -o template
	has "cyclonedx-json" "$LAST"
	fails 1 hew grype app --fail-on nonsense
}

@test "docker scout: cves and quickview" {
	app
	said hew scout cves app --only-severity critical,high --exit-code
	equal 2 "$STATUS"
	has_not CVE-2031-10012 "$OUT"
	said hew scout cves app --only-severity low --only-fixed -e
	equal 0 "$STATUS"
	equal "2.1.0" "$(hew scout cves --format sarif app | jq -r .version)"
	has "base (debian:bookworm-slim)" "$(hew scout quickview app)"
	fails 1 hew scout recommendations app
}
