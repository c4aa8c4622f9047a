#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hew lint: findings, costs, reports, and edits after which a file builds as before.
load lib/hew

# findings FILE...: "line rule" of each finding.
findings() { hew lint --format json "$@" | jq -r '.files[].findings[] | "\(.line) \(.rule)"'; }

@test "lint: findings by line, levels decide the status" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN apk add curl
		USER app
		CMD x
	EOF
	said hew lint
	equal 1 "$STATUS"
	equal "Dockerfile:1: info: BaseWithoutDigest: alpine:3.19 can come to stand for another image: only a digest cannot
Dockerfile:2: warning: ApkCacheLeft: apk add leaves its package index in the image (--fix)
Dockerfile:4: warning: JSONArgsRecommended: JSON arguments recommended for CMD to prevent unintended behavior related to OS signals
3 findings: 0 errors, 2 warnings, 1 info; --fix deals with 1
hew lint --explain RULE says why it matters" "$OUT"
	said hew lint --fail-on error Dockerfile
	equal 0 "$STATUS"
	said hew lint --fail-on info .
	equal 1 "$STATUS"
	said hew lint - <<<$'FROM scratch\nUSER 1'
	equal "0 no findings" "$STATUS $OUT"
}

@test "lint: a file that does not parse, or would not build, is a finding" {
	printf 'FROM scratch AS Bad\nBADCMD\n' | dockerfile
	said hew lint
	equal 1 "$STATUS"
	equal "1 StageNameCasing
2 BuildFails" "$(findings . || true)"
	printf 'FROM scratch\nUSER 1\nCOPY --from=later a /\nFROM scratch AS later\nUSER 1\n' | dockerfile
	has "3 BuildFails" "$(findings . || true)"
	fails 4 hew lint no-such-file
	mkdir none
	fails 4 hew lint none
	equal "ERROR: there is no Dockerfile in none: name the file" "$LAST"
	printf 'from scratch\n' | dockerfile
	fails 2 hew lint --fix --format xml
	equal "from scratch" "$(cat Dockerfile)"
	fails 2 hew lint --fail-on never
	# of several none is edited before all are there; what is found before one is no Dockerfile at all is told
	printf 'from scratch\nUSER 1\n' >a
	fails 4 hew lint --fix a missing
	equal "from scratch" "$(head -n 1 a)"
	mkdir -p b/Dockerfile
	said hew lint --fix a b
	has "ERROR" "$(cat "$ERR")"
	has "a: 1 fixed" "$OUT"
	equal "FROM scratch" "$(head -n 1 a)"
}

@test "lint: no store is made, and none is needed" {
	export HEW_ROOT=$PWD/none
	dockerfile <<<'FROM debian'
	has "1 UnpinnedBase" "$(findings . || true)"
	[ ! -e none ]
}

@test "lint: what a folder holds, through its ignore file" {
	mkdir -p conf .git
	touch app.py .git/HEAD conf/id_rsa
	printf 'registry=https://example\n' >.npmrc
	printf 'FROM scratch\nUSER 1\nCOPY . /\n' | dockerfile
	equal "3 GitFolderCopied
3 NoIgnoreFile
3 SecretCopied" "$(findings . || true)"
	printf '.git\nconf/id_*\n' >.dockerignore
	equal "" "$(findings .)"
	printf '//example/:_authToken=x\n' >>.npmrc
	has "SecretCopied" "$(findings . || true)"
	has ".npmrc goes into the image" "$(hew lint || true)"
	printf '*\n!app.py\n' >.dockerignore
	equal "" "$(findings .)"
	# what --exclude leaves out: below a folder by its path there, a file by its name
	printf 'x\n' >.dockerignore
	printf 'FROM scratch\nUSER 1\nCOPY --exclude=.git --exclude=.npmrc --exclude=conf/id_* . /\n' | dockerfile
	equal "" "$(findings .)"
	printf 'FROM scratch\nUSER 1\nCOPY --exclude=id_* conf /\nCOPY --exclude=id_* conf/id_rsa /\n' | dockerfile
	equal "" "$(findings .)"
	printf 'FROM scratch\nUSER 1\nCOPY --exclude=conf/id_* conf /\nCOPY --exclude=x . /\n' | dockerfile
	equal "3 SecretCopied
4 GitFolderCopied
4 SecretCopied" "$(findings . || true)"
}

@test "lint: what the store knows of the cost" {
	head -c 300000 /dev/urandom >big
	dockerfile <<-'EOF'
		FROM alpine:3.19
		COPY big /opt/
		RUN mkdir -p /var/cache/apk && head -c 200000 /dev/urandom >/var/cache/apk/index; true || apk add x
		RUN rm /opt/big
		USER 1
	EOF
	equal null "$(hew lint --format json | jq '.files[0].findings[] | select(.rule == "DeletedInLaterLayer").costBytes')"
	build
	said hew lint --format json
	equal 300000 "$(jq '.files[0].findings[] | select(.rule == "DeletedInLaterLayer").costBytes' <<<"$OUT")"
	equal 200000 "$(jq '.files[0].findings[] | select(.rule == "ApkCacheLeft").costBytes' <<<"$OUT")"
	has "stays in the image [0.3 MB]" "$(hew lint || true)"
}

@test "lint: SARIF" {
	printf 'FROM debian\nRUN cd /x && \\\n  y\n' | dockerfile "a b.Dockerfile"
	said hew lint --format sarif "a b.Dockerfile"
	equal "2.1.0 1 hew lint" "$(jq -r '"\(.version) \(.runs | length) \(.runs[0].tool.driver.name)"' <<<"$OUT")"
	# every result names a rule of the list, by name and by place, at a level and at a line that is there
	equal true "$(jq '.runs[0] as $r | [$r.results[] | . as $x |
		($r.tool.driver.rules[$x.ruleIndex].id == $x.ruleId) and ($x.message.text | length > 0) and
		(["note", "warning", "error"] | index($x.level) != null) and
		($x.locations[0].physicalLocation.artifactLocation.uri == "a%20b.Dockerfile") and
		($x.locations[0].physicalLocation.region | .startLine >= 1 and .endLine >= .startLine and .endLine <= 3)] | all' <<<"$OUT")"
	equal true "$(jq '[.runs[0].tool.driver.rules[] | (.id | length > 0) and (.shortDescription.text | length > 0) and (.fullDescription.text | length > 0)] | all' <<<"$OUT")"
	equal "$(jq '.runs[0].tool.driver.rules | length' <<<"$OUT")" "$(hew lint --list | tail -n +2 | wc -l)"
	has UnpinnedBase "$(jq -r '.runs[0].results[].ruleId' <<<"$OUT")"
}

@test "lint: rules are explained" {
	said hew lint --explain AptListsLeft
	has "rm -rf /var/lib/apt/lists" "$OUT"
	has "# hew: skip=AptListsLeft" "$OUT"
	has "https://docs.docker.com/go/dockerfile/rule/undefined-var/" "$(hew lint --explain UndefinedVar)"
	fails 2 hew lint --explain AptListLeft
	has "did you mean AptListsLeft?" "$LAST"
}

@test "lint --fix: the file is edited in place, keeps its mode and layout, and a second time nothing" {
	printf '# a remark\nFrom alpine:3.19 as Base\n\nRUN apk add \\\n    # why\n    curl\nADD app /\n' | dockerfile
	echo x >app
	chmod 640 Dockerfile
	said hew lint --fix
	equal '# a remark
FROM alpine:3.19 AS base

RUN apk add --no-cache \
    # why
    curl
COPY app /' "$(cat Dockerfile)"
	equal 640 "$(stat -c %a Dockerfile)"
	has "Dockerfile: 5 fixed" "$OUT"
	local before
	before=$(stat -c '%i %y' Dockerfile)
	said hew lint --fix
	has_not "fixed" "$OUT"
	equal "$before" "$(stat -c '%i %y' Dockerfile)"
	fails 2 hew lint --fix - <Dockerfile
	# what does not build is not touched
	printf 'From scratch\nBADCMD\n' | dockerfile
	said hew lint --fix
	equal "From scratch" "$(head -n 1 Dockerfile)"
}

# same_or_fewer NAME: of the image built before (NAME-before) and after --fix (NAME-after).
same_or_fewer() {
	hew run "$1-before" find / -xdev | sort >files.before
	hew run "$1-after" find / -xdev | sort >files.after
	[ "$(wc -l <files.after)" -gt 1000 ]
	equal "" "$(comm -13 files.before files.after)"
	FEWER=$(comm -23 files.before files.after)
	equal "$(hew inspect "$1-before" | jq -S '.[0].Config')" "$(hew inspect "$1-after" | jq -S '.[0].Config')"
}

@test "lint --fix: an image with packages of Debian builds as before, without the lists" {
	mkdir -p repo pkg/DEBIAN pkg/usr/share/thing
	printf 'Package: thing\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example>\nDescription: x\n' >pkg/DEBIAN/control
	echo thing >pkg/usr/share/thing/file
	dpkg-deb --root-owner-group -b pkg repo/thing_1_all.deb >/dev/null
	{ cat pkg/DEBIAN/control; echo "Filename: ./thing_1_all.deb"; echo "Size: $(stat -c %s repo/thing_1_all.deb)"
		echo "SHA256: $(sha256sum <repo/thing_1_all.deb | cut -d' ' -f1)"; } >repo/Packages
	dockerfile <<-'EOF'
		FROM debian:bookworm-slim as base
		COPY repo /repo
		RUN rm -f /etc/apt/sources.list.d/* && echo 'deb [trusted=yes] file:/repo ./' >/etc/apt/sources.list
		RUN apt-get update && \
		    apt-get install -y --no-install-recommends thing
		Env greeting hello to you
	EOF
	build -t debian-before
	said hew lint --fix
	has "&& rm -rf /var/lib/apt/lists/*" "$(cat Dockerfile)"
	has 'ENV greeting="hello to you"' "$(cat Dockerfile)"
	build -t debian-after
	same_or_fewer debian
	has "/var/lib/apt/lists/" "$FEWER"
	equal "" "$(grep -v '^/var/lib/apt/lists/' <<<"$FEWER" || true)"
	equal thing "$(hew run debian-after cat /usr/share/thing/file)"
}

@test "lint --fix: an image with packages of Python builds as before, without the cache" {
	mkdir -p thing thing-1.dist-info
	echo 'X = 1' >thing/__init__.py
	printf 'Metadata-Version: 2.1\nName: thing\nVersion: 1\n' >thing-1.dist-info/METADATA
	printf 'Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n' >thing-1.dist-info/WHEEL
	printf 'thing/__init__.py,,\nthing-1.dist-info/METADATA,,\nthing-1.dist-info/WHEEL,,\nthing-1.dist-info/RECORD,,\n' >thing-1.dist-info/RECORD
	python3 -m zipfile -c thing-1-py3-none-any.whl thing thing-1.dist-info
	dockerfile <<-'EOF'
		FROM python:3.12-slim
		ADD thing-1-py3-none-any.whl /w/
		run pip install --no-index --disable-pip-version-check /w/*.whl
		EXPOSE 80/TCP
		RUN python -c 'import thing'
	EOF
	build -t python-before
	said hew lint --fix
	equal "COPY thing-1-py3-none-any.whl /w/
RUN pip install --no-cache-dir --no-index --disable-pip-version-check /w/*.whl
EXPOSE 80/tcp" "$(sed -n 2,4p Dockerfile)"
	build -t python-after
	same_or_fewer python
}
