#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Same input, same digest; and --verify, which tries whether a Dockerfile's steps do their part.
load lib/hew

setup() {
	test_setup
	ELSEWHERE=
}

teardown() {
	test_teardown
	[ -z "$ELSEWHERE" ] || rm -rf "$ELSEWHERE"
}

# input DIR NAME...: a build context; files are made in that order, and now.
input() {
	local d=$1 n
	shift
	mkdir -p "$d/src/deep" "$d/other"
	for n; do
		printf 'file %s\n' "$n" >"$d/src/$n"
		printf 'deep %s\n' "$n" >"$d/src/deep/$n"
		printf 'other %s\n' "$n" >"$d/other/$n"
	done
	chmod 755 "$d" "$d/src" "$d/src/deep" "$d/other"
	chmod 644 "$d"/*/* "$d/src/deep"/* 2>/dev/null || true
	chmod 755 "$d/src/deep" "$d/src/run"
	ln -s a "$d/src/link"
	tar -C "$d/other" --sort=name --mtime=@1600000000 --owner=7 --group=8 -cf "$d/tree.tar" .
	cat >"$d/Dockerfile" <<-'END'
		FROM alpine:3.19 AS builder
		RUN mkdir -p /out/d && echo hi >/out/d/f && ln -s f /out/d/l && ln /out/d/f /out/d/h && \
			touch /out/new && umask >/out/umask && rm -f /etc/motd && chown 5:6 /out/new
		COPY src /out/src
		ADD tree.tar /out/tar/
		FROM alpine:3.19 AS side
		RUN for i in 9 8 7 6 5 4 3 2 1; do echo $i >/f$i; done; rm /f5
		FROM alpine:3.19
		COPY --from=builder /out /out
		COPY --from=side /f1 /f2 /side/
		COPY --link --chown=3:4 src/a src/run /linked/
		COPY --from=named . /named/
		COPY <<ONE <<TWO /inline/
		one
		ONE
		two
		TWO
		WORKDIR /w
		RUN --mount=type=cache,target=/c --mount=type=bind,source=src,target=/b \
			echo x >/c/y && cp -a /b/deep /w/ && mkdir -m 1777 /w/t && touch -d @5 /w/old
		LABEL b=2 a=1
		CMD ["/linked/run"]
	END
}

# made STORE FOLDER OPTION...: a build with such a store, as whoever runs it. Adds "image id, digest of
# the manifest" to the array MADE.
made() {
	local store=$1 d=$2
	shift 2
	ERR=$BATS_TEST_TMPDIR/err.${#MADE[@]}
	"${AS[@]}" env HEW_ROOT="$store" "$HEW_PROGRAM" build -q --build-context "named=$d/other" \
		-o "type=oci,tar=false,dest=$store.out" -t repro:1 "$@" "$d" >"$store.id" 2>"$ERR" || {
		cat "$ERR"
		return 1
	}
	MADE+=("$(cat "$store.id") $(jq -r '.manifests[0].digest' "$store.out/index.json")")
}

as_user() { # becomes uid 1000, which may read and write these
	local d
	AS=(setpriv --reuid 1000 --regid 1000 --clear-groups --inh-caps=-all env "HOME=$1")
	for d; do
		mkdir -p "$d"
		chown -R 1000:1000 "$d"
	done
}

@test "the same image id and manifest: users, stores, umasks, times, orders, jobs, zones, warm and empty" {
	local AS=() MADE=() here=$BATS_TEST_TMPDIR/here
	ELSEWHERE=$(mktemp -d /var/tmp/hew-repro.XXXXXX)
	chmod 755 "$ELSEWHERE" "$BATS_TEST_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_RUN_TMPDIR"
	mkdir "$here" "$ELSEWHERE/a-longer-way" "$BATS_TEST_TMPDIR/s"
	input "$here" a b c run zz
	input "$ELSEWHERE/a-longer-way/ctx" zz run c b a
	find "$ELSEWHERE" -exec touch -h -d '2001-02-03 04:05:06' {} +
	export SOURCE_DATE_EPOCH=1700000000
	[ -z "${HEW_TEST_UID-}" ] || as_user "$BATS_TEST_TMPDIR/s"
	made "$BATS_TEST_TMPDIR/s/one" "$here" -j 1
	made "$BATS_TEST_TMPDIR/s/one" "$here" -j 8 # warm
	(umask 077 && TZ=Asia/Tokyo LC_ALL=C.UTF-8 made "$BATS_TEST_TMPDIR/s/two" "$ELSEWHERE/a-longer-way/ctx" -j 8 && printf '%s' "${MADE[-1]}" >"$BATS_TEST_TMPDIR/second")
	MADE+=("$(cat "$BATS_TEST_TMPDIR/second")")
	# half of it known from a store that made other things first, and times that are another day's
	(unset SOURCE_DATE_EPOCH && made "$BATS_TEST_TMPDIR/s/three" "$here" --target side)
	made "$BATS_TEST_TMPDIR/s/three" "$ELSEWHERE/a-longer-way/ctx" --no-cache-filter builder
	as_user "$ELSEWHERE/home" "$ELSEWHERE/store"
	(umask 027 && made "$ELSEWHERE/store/x" "$here" -j 2 && printf '%s' "${MADE[-1]}" >"$BATS_TEST_TMPDIR/user")
	MADE+=("$(cat "$BATS_TEST_TMPDIR/user")")
	equal 5 "${#MADE[@]}"
	equal "$(printf "${MADE[0]}\n%.0s" 1 2 3 4 5)" "$(printf '%s\n' "${MADE[@]}")"
	matches "sha256:*\ sha256:*" "${MADE[0]}"
}

@test "without SOURCE_DATE_EPOCH nothing but times differs" {
	local AS=() MADE=() here=$BATS_TEST_TMPDIR/here
	[ -z "${HEW_TEST_UID-}" ] || as_user "$BATS_TEST_TMPDIR/s"
	mkdir -p "$here" "$BATS_TEST_TMPDIR/s"
	input "$here" a b c run zz
	made "$BATS_TEST_TMPDIR/s/one" "$here"
	sleep 1
	made "$BATS_TEST_TMPDIR/s/two" "$here"
	[ "${MADE[0]}" != "${MADE[1]}" ]
	local s
	for s in one two; do
		umoci unpack --image "$BATS_TEST_TMPDIR/s/$s.out:1" "$BATS_TEST_TMPDIR/$s" >umoci.log 2>&1 || cat umoci.log
		(cd "$BATS_TEST_TMPDIR/$s/rootfs" && find . -printf '%p %m %U:%G %y %l %n\n' | sort &&
			find . -type f -exec sha256sum {} + | sort) >"$BATS_TEST_TMPDIR/$s.list"
	done
	equal "" "$(diff "$BATS_TEST_TMPDIR/one.list" "$BATS_TEST_TMPDIR/two.list")"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/one.list")" -gt 100 ]
}

# ---- hew build --verify

# store_is: the names of what is in the store.
store_is() { (cd "$HEW_ROOT" && find blobs/sha256 layers trees cache work -mindepth 1 -maxdepth 1 | sort); }

@test "--verify: a build that is reproducible ends as any other; nothing is kept of the second one" {
	input . a b c run
	build --build-context named=other --timestamp 1700000000 -t ok
	local before id=$ID
	before=$(store_is)
	build --build-context named=other --timestamp 1700000000 -t ok --verify
	equal "$id" "$ID"
	grep -q "verified: built twice, with the same image id" "$ERR"
	equal "$before" "$(store_is)"
	nothing_left
	sound
	# from an empty cache of its own: also where everything was cached, and where nothing was
	build --build-context named=other -t fresh --verify --no-cache
	grep -q "verified: built twice, with the same files (times were not compared" "$ERR"
}

@test "--verify: what differs, in which step, from which byte, and what mends it; no output is made" {
	cat >Dockerfile <<-'EOF'
		FROM alpine:3.19 AS builder
		RUN echo same >/same
		RUN printf 'built at ' >/stamp && date +%s >>/stamp; echo same >/also
		FROM alpine:3.19
		COPY --from=builder /stamp /stamp
	EOF
	build_fails 13 --verify -t bad -o type=oci,dest=out.tar
	matches "ERROR: not reproducible: *RUN printf* (line 3): /stamp: content from byte * on" "$LAST"
	local at
	at=$(sed -n 's/.*content from byte \([0-9]*\) on.*/\1/p' "$ERR" | head -n 1)
	[ "$at" -ge 9 ]
	[ "$at" -le 20 ]
	grep -q "SOURCE_DATE_EPOCH" "$ERR"
	equal 1 "$(grep -c '^    /' "$ERR")"
	[ ! -e out.tar ]
	sound
}

@test "--verify: modes, owners, links, kinds, missing files, times; the usual causes by name" {
	cat >Dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN n=$(date +%s) && mkdir -p /var/log /d && echo $n >/var/log/some.log && \
			touch /d/only.$n && ln -s $n /d/link && touch /d/owner && chown $((n % 60000)) /d/owner
	EOF
	build_fails 13 --verify
	matches "ERROR: not reproducible: *: /d/* and other files" "$LAST"
	grep -q "/d/link: link to [0-9]* and [0-9]*" "$ERR"
	grep -q "/d/owner: owner [0-9]*:0 and [0-9]*:0" "$ERR"
	grep -q "/d/only.[0-9]*: only in the first build" "$ERR"
	grep -q "/d/only.[0-9]*: only in the second build" "$ERR"
	grep -q "/var/log/some.log: content from byte" "$ERR"
	grep -q "usual cause: logs: rm -rf /var/log" "$ERR"
	# the usual remedy
	cat >Dockerfile <<-'EOF'
		FROM alpine:3.19
		ARG SOURCE_DATE_EPOCH
		RUN date -d @$SOURCE_DATE_EPOCH >/stamp && date >/var/log/x && rm -rf /var/log/*
	EOF
	build --verify --timestamp 1700000000
	grep -q "with the same image id" "$ERR"
}

@test "--verify: the second build begins with empty cache mounts" {
	cat >Dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN --mount=type=cache,target=/c ls /c | wc -l >/n; touch /c/$(cat /proc/sys/kernel/random/uuid)
	EOF
	build --no-cache
	build --no-cache # so there is something in it by now
	build_fails 13 --verify
	matches "ERROR: not reproducible: *: /n: content from byte 0 on" "$LAST"
}

@test "--verify: a second build that fails, and a context that is read once" {
	printf 'FROM alpine:3.19\nRUN --mount=type=cache,target=/c test -e /c/x || { touch /c/x; false; }\n' >Dockerfile
	build_fails 5
	build_fails 5 --verify
	has "verify: the second build" "$LAST"
	fails 2 hew build --verify - < <(tar -c Dockerfile)
	has "cannot be read twice" "$LAST"
	nothing_left
	sound
}
