#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hew.lock: what is written agrees with skopeo, sha256sum and git; builds keep to it when the names have moved,
# and without a network; what is stale, missing or other is told.
# shellcheck disable=SC2034  # what is set is for the libraries
load lib/hew
load lib/registries

export LC_ALL=C GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.org

setup() {
	test_setup
	N_FAULTY=0 REGISTRIES=()
	export HEW_ROOT=$PWD/../store
}

# base TAG TEXT: pushed to the registry at $R out of a store of its own.
base() {
	local at=$BATS_TEST_TMPDIR/base
	mkdir -p "$at/ctx" && echo "$2" >"$at/ctx/text"
	printf 'FROM scratch\nENV BASE=%s\nCOPY text /\n' "$2" >"$at/ctx/Dockerfile"
	[ -z "${HEW_TEST_UID-}" ] || chown -R "$HEW_TEST_UID" "$at"
	HEW_ROOT=$at/store "$HEW" build -q --push -t "$R/base:$1" "$at/ctx" >/dev/null
}

digest_of() { skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$R/base:$1"; }

serve() {
	WWW=$BATS_TEST_TMPDIR/www
	mkdir -p "$WWW/files" "$WWW/git"
	: >"$WWW/requests"
	python3 "$E2E_LIB/source_server.py" "$WWW" >"$BATS_TEST_TMPDIR/http.out" 2>"$BATS_TEST_TMPDIR/http.log" 3>&- &
	server_port
	URL=http://127.0.0.1:$PORT
}

repository() { # text: its only file
	[ -d "$BATS_TEST_TMPDIR/src" ] || {
		git init -q -b main "$BATS_TEST_TMPDIR/src"
		git init -q --bare -b main "$WWW/git/x.git"
	}
	echo "$1" >"$BATS_TEST_TMPDIR/src/file"
	git -C "$BATS_TEST_TMPDIR/src" add -A
	git -C "$BATS_TEST_TMPDIR/src" commit -q -m "$1"
	git -C "$BATS_TEST_TMPDIR/src" push -q "$WWW/git/x.git" main
	COMMIT=$(git -C "$BATS_TEST_TMPDIR/src" rev-parse HEAD)
}

# everything: a registry, a server, a repository, and a Dockerfile that names something of each.
everything() {
	registry
	R=127.0.0.1:$PORT
	base 1 one
	base 2 two
	serve
	repository first
	echo hello >"$WWW/files/file"
	cat >Dockerfile <<-END
		# syntax=docker/dockerfile:1
		ARG V=1
		FROM $R/base:\$V AS base
		ADD $URL/files/file /file
		ADD $URL/git/x.git#main /src/
		FROM scratch
		COPY --from=base / /
		COPY --from=$R/base:1 /text /again
	END
	FILE=$(sha256sum <"$WWW/files/file" | cut -d' ' -f1)
	[ -z "${HEW_TEST_UID-}" ] || readable
}

lines() { grep -v '^#' hew.lock; }

contents() { # of the image t
	ROOTFS=$(N_UNPACKED=$RANDOM$RANDOM && unpack t && echo "$ROOTFS")
	cat "$ROOTFS/text" "$ROOTFS/file" "$ROOTFS/src/file"
}

@test "what is written is what skopeo, sha256sum and git say; nothing else changes" {
	everything
	cp Dockerfile before
	hew lock 2>err >out
	cat >want <<-END
		git $COMMIT $URL/git/x.git#main
		image $(digest_of 1) $R/base:1
		url sha256:$FILE $URL/files/file
	END
	lines | cmp - want
	cmp Dockerfile before
	equal 3 "$(grep -c '^+ ' out)"
	has "./hew.lock: 3 names, 3 new, 0 changed, 0 removed" "$(cat out)"
	cp hew.lock first
	equal "./hew.lock: 3 names, 0 new, 0 changed, 0 removed" "$(hew lock 2>err)"
	cmp hew.lock first
	hew lock --check >out
	hew lock --build-arg V=2 >out
	equal "+ image $R/base:2 $(digest_of 2 | cut -c1-19)" "$(grep '^[+~-]' out)"
	equal 4 "$(lines | wc -l)"
	hew lock -q --prune >out
	equal "" "$(cat out)"
	cmp hew.lock first
}

@test "what has moved is told, and --check says it by its status" {
	everything
	fails 6 hew lock --check
	hew lock -q
	local old new
	old=$(digest_of 1)
	base 1 another
	new=$(digest_of 1)
	cp hew.lock before
	fails 1 hew lock --check
	has "is stale: 0 new, 1 changed" "$LAST"
	equal "~ image $R/base:1 ${old:0:19} -> ${new:0:19}" "$(head -n 1 "$BATS_TEST_TMPDIR/out")"
	cmp hew.lock before
	equal "$(jq -nc --arg n "$R/base:1" --arg o "$old" --arg i "$new" '[{kind: "image", name: $n, was: $o, is: $i}]')" \
		"$(hew lock --format json | jq -c .changes)"
	grep -qxF "image $new $R/base:1" hew.lock
	fails 1 hew lock --check --prune --build-arg V=2
	has "1 new, 0 changed, 0 not used" "$LAST"
}

@test "a locked build takes what the file says, whatever the names stand for now" {
	everything
	hew lock -q
	build --locked -t t
	equal $'one\nhello\nfirst' "$(contents)"
	local id=$ID
	base 1 moved
	repository second
	: >"$WWW/requests"
	build --locked -t t
	equal "$id" "$ID"
	equal "" "$(cat "$WWW/requests")"
	HEW_ROOT=$PWD/../other build --locked -t t
	equal $'one\nhello\nfirst' "$(HEW_ROOT=$PWD/../other contents)"
	build --pull -t t
	equal $'moved\nhello\nsecond' "$(contents)"
}

@test "without a network, from a store that has it; the key is that of a build without the file" {
	everything
	build -t t
	hew lock -q
	build --locked -t t
	equal "" "$(ran)"
	stop_all
	build --locked -t t
	equal "" "$(ran)"
	build --locked --no-cache -t t
	equal $'one\nhello\nfirst' "$(contents)"
}

stop_all() {
	teardown
	REGISTRIES=() SERVERS=()
}

@test "what is missing in the file, or is not what it says, is an error that names it" {
	everything
	build_fails 6 --locked
	has "there is no './hew.lock': run 'hew lock'" "$LAST"
	hew lock -q
	build_fails 6 --locked --build-arg V=2
	has "Dockerfile:3: hew.lock says nothing of the image '$R/base:2': run 'hew lock'" "$LAST"
	echo other >"$WWW/files/file"
	HEW_ROOT=$PWD/../other build_fails 9 --locked
	has "expected is sha256:$FILE" "$LAST"
	sed -i "s|^url .*|url sha256:$FILE $URL/files/other|" hew.lock
	build_fails 6 --locked --no-cache
	has "says nothing of the url '$URL/files/file'" "$LAST"
	sed -i "s|^image .*|image sha256:$(printf %064d 7) $R/base:1|" hew.lock
	build_fails 6 --locked
	printf '<<<<<<< HEAD\n' >>hew.lock
	build_fails 9 --locked
	has "'./hew.lock': line 6" "$LAST"
	fails 9 hew lock
	echo >hew.lock
	build_fails 9 --locked
}

@test "what says its digest itself is left alone; a password stays out of the file; credentials are used" {
	registry
	R=127.0.0.1:$PORT
	base 1 one
	serve
	repository first
	echo hello >"$WWW/files/file"
	printf 'Basic %s' "$(printf 'u:hush-hush' | base64)" >"$WWW/authorization"
	cat >Dockerfile <<-END
		FROM $R/base:1@$(digest_of 1)
		ADD --checksum=sha256:$(sha256sum <"$WWW/files/file" | cut -d' ' -f1) $URL/files/file /file
		ADD $URL/git/x.git#$COMMIT /src/
		ADD ${URL/127/u:hush-hush@127}/private/files/file /secret
	END
	[ -z "${HEW_TEST_UID-}" ] || readable
	hew lock >out
	equal "url sha256:$(sha256sum <"$WWW/files/file" | cut -d' ' -f1) $URL/private/files/file" "$(lines)"
	grep -qF hush-hush hew.lock out && return 1
	build --locked -t t
	equal $'one\nhello\nfirst' "$(contents)"
	rm hew.lock
	fails 2 hew lock "$URL/git/x.git"
	fails 2 hew lock -
}

@test "beside the Dockerfile that is named; in a repository that is the context" {
	registry
	R=127.0.0.1:$PORT
	base 1 one
	mkdir -p sub
	printf 'FROM %s/base:1\n' "$R" >sub/other.Dockerfile
	[ -z "${HEW_TEST_UID-}" ] || readable
	hew lock -q -f sub/other.Dockerfile .
	equal hew.lock "$(cd sub && ls hew.lock)"
	build --locked -f sub/other.Dockerfile
	local id=$ID
	serve
	git init -q -b main repo
	cp sub/other.Dockerfile repo/Dockerfile
	cp sub/hew.lock repo/
	git -C repo add -A && git -C repo commit -q -m x
	git clone -q --bare repo "$WWW/git/r.git"
	base 1 moved
	equal "$id" "$(hew build -q --locked "$URL/git/r.git")"
	cp sub/other.Dockerfile "$WWW/files/Dockerfile"
	build_fails 12 --locked -f "$URL/files/Dockerfile"
}
