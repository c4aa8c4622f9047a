#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# An ordinary user: which ids hew gets, what it says where it gets none, and whose store is whose. What the
# images contain is what root would have built: the other suites ask that, run by a user.
load lib/hew

setup_file() {
	export HEW_TEST_UID=1000
	suite_setup
}

# with_ids LINE COMMAND...: with that line alone in the machine's /etc/subuid and /etc/subgid.
with_ids() {
	printf '%s' "$1" >"$BATS_TEST_TMPDIR/line"
	shift
	# shellcheck disable=SC2016  # the inner shell's
	unshare --mount sh -c 'mount --bind "$1" /etc/subuid && mount --bind "$1" /etc/subgid && shift && exec "$@"' \
		_ "$BATS_TEST_TMPDIR/line" "$@"
}

# hew as root, with a store of its own
hew_as_root() { "$HEW_PROGRAM" "$@"; }

name_of_user() { getent passwd "$HEW_TEST_UID" | cut -d: -f1; }

owners() {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN touch /a /b && chown 33:44 /a && chown 60000 /b && stat -c '%u:%g %n' /a /b /bin/sh >/seen
	EOF
}

@test "ids are the image's, and the user's own outside" {
	owners
	build -t t
	equal "R1 user namespace with subordinate ids" "$(hew doctor --format json | jq -r .rung)"
	unpack t
	equal $'33:44 /a\n60000:0 /b\n0:0 /bin/sh' "$(cat "$ROOTFS/seen")"
	equal "file 644 33:44 0" "$(entry a)"
	equal "$HEW_TEST_UID" "$(stat -c %u "$HEW_ROOT")"
}

@test "root and a user build the same digest" {
	export SOURCE_DATE_EPOCH=1700000000
	dockerfile <<-'EOF'
		FROM alpine:3.19 AS one
		RUN mkdir -m 1777 /d && echo x >/d/x && chown 5:6 /d/x && ln -s x /d/l && ln /d/x /d/h && rm /etc/motd || true
		FROM alpine:3.19
		COPY --from=one --chown=7:8 /d /d
		USER 9:9
		WORKDIR /w
		RUN echo y >/w/y
	EOF
	build -t t
	equal "$ID" "$(HEW_ROOT=$BATS_TEST_TMPDIR/roots hew_as_root build -q .)"
}

@test "no subordinate ids: what needs only one works, the rest says which file lacks a line" {
	export HEW_ROOT=$PWD/single
	printf 'FROM alpine:3.19\nRUN id -u >/who\n' | dockerfile
	readable
	with_ids "" hew build -q -o out .
	equal 0 "$(cat out/who)"
	has "no subordinate ids" "$(with_ids "" hew doctor)"
	printf 'FROM alpine:3.19\nUSER 5\nRUN true\n' | dockerfile
	fails 11 with_ids "" hew build .
	has "/etc/subuid" "$LAST"
	printf 'FROM debian:bookworm-slim\nRUN true\n' | dockerfile
	fails 11 with_ids "" hew build .
	has "/etc/subuid" "$LAST"
	sound
}

@test "no user namespaces: one sentence says what to grant; a build without RUN works" {
	export HEW_ROOT=$PWD/denied
	unshare --user sleep 60 3>&- &
	local ns=$!
	SERVERS+=("$ns")
	own_namespace() { [ "$(readlink "/proc/$ns/ns/user")" != "$(readlink /proc/self/ns/user)" ]; }
	wait_for own_namespace
	echo "0 0 65536" >"/proc/$ns/uid_map"
	echo "0 0 65536" >"/proc/$ns/gid_map"
	denied() { nsenter --user --target "$ns" "$@"; }
	denied sh -c 'echo 0 >/proc/sys/user/max_user_namespaces'
	owners
	readable
	fails 11 denied hew build .
	has "user.max_user_namespaces" "$LAST"
	printf 'FROM alpine:3.19\nCOPY Dockerfile /\n' | dockerfile
	denied hew build -q -t t .
	has "user namespaces are not allowed" "$(denied hew doctor)"
	sound
}

@test "root of somebody else's user namespace" {
	mkdir "$BATS_TEST_TMPDIR/theirs"
	export HEW_ROOT=$BATS_TEST_TMPDIR/theirs/store DOCKER_CONFIG=$BATS_TEST_TMPDIR/theirs
	local out=$BATS_TEST_TMPDIR/theirs/out
	printf 'FROM alpine:3.19\nRUN id -u >/who; touch /x\nRUN rm /x; ls / >/left\n' | dockerfile
	unshare --user --map-root-user "$HEW_PROGRAM" build -q -o "$out" .
	equal 0 "$(cat "$out/who")"
	has_not $'\nx\n' "$(cat "$out/left")"
	has "somebody else made" "$(unshare --user --map-root-user "$HEW_PROGRAM" doctor)"
	printf 'FROM alpine:3.19\nUSER 5\nRUN true\n' | dockerfile
	fails 11 unshare --user --map-root-user "$HEW_PROGRAM" build .
}

@test "the subordinate ids change: owners stay right, nothing old is in the way" {
	export HEW_ROOT=$PWD/moved
	owners
	echo 'RUN --mount=type=cache,target=/c echo one >/c/one' >>Dockerfile
	build -t t
	moved() { with_ids "$(name_of_user):300000:65536" "$@"; }
	has "cached" "$(moved hew build --progress plain -t t . 2>&1)"
	echo 'RUN stat -c "%u:%g" /a >/again; chown 33:44 /again' >>Dockerfile
	readable
	moved hew build -q -t t .
	unpack t
	equal 33:44 "$(cat "$ROOTFS/again")"
	equal "file 644 33:44 6" "$(entry again)"
	moved hew rmi t
	moved hew prune -a
	sound
}

@test "a store has one owner: others are told, whoever they are" {
	export HEW_ROOT=$BATS_TEST_TMPDIR/mine
	printf 'FROM scratch\nLABEL a=b\n' | dockerfile
	build -t t
	fails 8 hew_as_root build .
	has "belongs to user $HEW_TEST_UID" "$LAST"
	fails 8 hew_as_root images
	HEW_ROOT=$BATS_TEST_TMPDIR/roots hew_as_root build -q .
	chmod 755 "$BATS_TEST_TMPDIR/roots"
	HEW_ROOT=$BATS_TEST_TMPDIR/roots fails 8 hew images
	has "belongs to user 0" "$LAST"
	sound
}

@test "what a failed or killed step leaves behind goes, whoever's it is" {
	export HEW_ROOT=$PWD/failed
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN mkdir -p /d/e && touch /d/e/f && chown -R 33:33 /d && chmod 0 /d/e && false
	EOF
	build_fails 5
	printf 'FROM alpine:3.19\nRUN true\n' | dockerfile
	build
	equal "" "$(find "$HEW_ROOT/trash" "$HEW_ROOT/work" -mindepth 1)"
}
