# SPDX-License-Identifier: Apache-2.0
# Limits of RUN: --resource, docker's older options, --cgroup-parent. Memory is what is limited, because
# what becomes of a step that has too much of it is plain to see. Root makes the groups, hew works in them
# as whoever it is.
load lib/hew

setup() {
	test_setup
	make_group
}

teardown() {
	if [ -n "${GROUP_DIR-}" ]; then
		members | xargs -r kill -KILL 2>/dev/null || true
		tries 50 gone || true
	fi
	test_teardown
}

gone() { find "$GROUP_DIR" -depth -type d -exec rmdir {} + 2>/dev/null && [ ! -d "$GROUP_DIR" ]; }

# tries N COMMAND...: until it succeeds, a tenth of a second apart.
tries() {
	local n=$1
	shift
	until "$@"; do
		[ $((n -= 1)) -gt 0 ] || return 1
		sleep 0.1
	done
}

# A group that is hew's user's: GROUP, in the file system at GROUP_DIR; LIMIT_FILE says how much memory.
make_group() {
	local v1 v2
	v1=$(findmnt -rno TARGET -t cgroup -O memory | head -n 1)
	v2=$(findmnt -rno TARGET -t cgroup2 | head -n 1)
	[ -n "$v1$v2" ] || skip "no control groups are mounted"
	GROUP=hew-e2e-$$-$BATS_TEST_NUMBER LIMIT_FILE=memory.limit_in_bytes
	if [ -z "$v1" ]; then
		LIMIT_FILE=memory.max
		echo +memory >"$v2/cgroup.subtree_control" || skip "root may not limit memory here"
	fi
	GROUP_DIR=${v1:-$v2}/$GROUP
	mkdir "$GROUP_DIR" "$GROUP_DIR/hew"
	[ -z "${HEW_TEST_UID-}" ] || chown -R "$HEW_TEST_UID" "$GROUP_DIR"
}

# As one who was started in a group of his: only that lets an ordinary user move a process in version 2.
delegated() {
	# shellcheck disable=SC2016
	bash -c 'echo $$ >"$1/hew/cgroup.procs" && shift && exec "$@"' delegated "$GROUP_DIR" "$@"
}

steps_groups() { find "$GROUP_DIR" -mindepth 1 -type d -name 'hew-step-*'; }
members() { find "$GROUP_DIR" -name "${1:-*}" -type d -print0 | xargs -0 -I{} cat {}/cgroup.procs; }
step_sleeps() { members 'hew-step-*' | xargs -I{} cat /proc/{}/comm | grep -qx sleep; } 2>/dev/null
no_group() { [ -z "$(steps_groups)" ]; }

limited() { said delegated hew build --progress plain --cgroup-parent "$GROUP" "$@" .; }

@test "a step that takes more memory than it may is killed; within the limit it runs" {
	printf 'FROM alpine:3.19\nARG MIB\nRUN dd if=/dev/zero of=/dev/null bs=${MIB}M count=1 && { grep -v ":/$" /proc/self/cgroup || echo ran; }\n' | dockerfile
	limited --resource memory=24m --build-arg MIB=8
	equal 0 "$STATUS"
	has ran "$(cat "$ERR")"
	has_not "hew: steps run without" "$(cat "$ERR")"
	no_group
	limited --memory 24m --build-arg MIB=48
	equal 5 "$STATUS"
	no_group
}

@test "limits are no part of a key" {
	printf 'FROM alpine:3.19\nRUN echo once >/x\n' | dockerfile
	limited --resource memory=64m
	equal 0 "$STATUS"
	equal 1 "$(ran | grep -c RUN)"
	build --resource memory=65m
	equal "" "$(ran | grep RUN)"
	no_group
}

@test "killed hew, killed holder: the group goes with the step, or with the next build" {
	printf 'FROM alpine:3.19\nARG WHICH\nRUN sleep 1000\n' | dockerfile
	local which
	for which in hew hew-holder; do
		[ -z "${HEW_TEST_UID-}" ] || readable
		delegated hew build -q --cgroup-parent "$GROUP" --resource memory=32m --build-arg "WHICH=$which" . 2>/dev/null &
		tries 100 step_sleeps
		equal 33554432 "$(cat "$(steps_groups)/$LIMIT_FILE")"
		if [ $which = hew ]; then
			kill -KILL "$(hew_pid)"
			tries 50 no_group
		else
			kill -KILL "$(pgrep -P "$(hew_pid)" hew-holder)"
		fi
		wait $! || true
	done
	printf 'FROM alpine:3.19\nRUN true\n' | dockerfile
	limited --resource memory=32m
	equal 0 "$STATUS"
	no_group
	equal "" "$(processes_now)"
}

# The one that was started in the group, and is in no step's.
hew_pid() {
	local p
	while read -r p; do
		[ "$(readlink "/proc/$p/exe")" != "$HEW_PROGRAM" ] || [ "$(cat "/proc/$p/comm")" != hew ] || echo "$p"
	done <"$GROUP_DIR/hew/cgroup.procs"
}

@test "where it is not possible a note says why, and the build goes on" {
	printf 'FROM alpine:3.19\nRUN echo ran\n' | dockerfile
	build --cgroup-parent no-such-group
	has "hew: steps run without --cgroup-parent: there is no control group 'no-such-group'" "$(cat "$ERR")"
	has ran "$(cat "$ERR")"
	build --no-cache --cgroup-parent no-such-group --memory 1g --memory-swap 2g
	has "hew: steps run without --cgroup-parent and limits: open the control group '/no-such-group'" "$(cat "$ERR")"
}

@test "what belongs to somebody else: a note says so" {
	[ -n "${HEW_TEST_UID-}" ] || skip "for root everything is"
	printf 'FROM alpine:3.19\nRUN echo ran\n' | dockerfile
	chown -R 0 "$GROUP_DIR"
	build --cgroup-parent "$GROUP"
	has "hew: steps run without --cgroup-parent: make a group in the control group '/$GROUP': Permission denied (it is not this user's" "$(cat "$ERR")"
}

@test "values that docker would not take" {
	printf 'FROM scratch\n' | dockerfile
	local o
	for o in --resource=disks=3 --resource=memory --resource=memory=many --memory=-1 --memory-swap=1g --cpu-quota=5 \
		--cpu-period=1 -c=1 --cpuset-cpus=x --cpuset-mems= --cgroup-parent=../x; do
		build_fails 2 "$o"
	done
	build_fails 2 --memory 2g --memory-swap 1g
	has "memory-swap is memory and swap together" "$LAST"
	# none of these is a limit
	build --memory 0 --cpu-quota 0
}
