#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Killed, or told that the disk is full, at every fault point; struck at random; a disk that is full. Afterwards
# nothing runs, nothing is mounted, nothing is left, and the next command gives what it always gives. Without
# HEW_TEST_SLOW: the first pass of each point and a few strikes (HEW_TEST_SEED says which).
load lib/hew

export BATS_TEST_TIMEOUT=900 # the slow sweeps run longer than a test usually may

setup_file() {
	suite_setup
	export REGISTRY
	"$TOP/test/bases/serve" start "$BATS_FILE_TMPDIR/registry" --empty
	REGISTRY=127.0.0.1:$("$TOP/test/bases/serve" port "$BATS_FILE_TMPDIR/registry")
	mkdir "$BATS_FILE_TMPDIR/base"
	cd "$BATS_FILE_TMPDIR/base" || return 1
	echo a >a
	echo b >b
	printf 'FROM scratch\nCOPY --from=alpine:3.19 /bin/busybox /bin/busybox\n' >base
	printf 'FROM scratch\nCOPY a /\nCOPY b /\n' >small
	hew build -q -f base -t "$REGISTRY/base:1" --push .
	hew build -q -f small -t "$REGISTRY/small:1" --push .
}

teardown_file() { "$TOP/test/bases/serve" stop "$BATS_FILE_TMPDIR/registry"; }

# In a mount namespace of its own, so that no other suite's mounts come and go there.
driver() {
	unshare --mount --propagation private python3 "$E2E_LIB/crash_sweep.py" --hew "$HEW" --dir "$PWD/d" \
		--base "$REGISTRY/base:1" --small "$REGISTRY/small:1" --registry "$REGISTRY" "$@"
}

# sweep SCENARIO: every pass of every point, or the first ones
sweep() { driver sweep "$1" ${HEW_TEST_SLOW:+--all}; }

# ---- at every fault point

@test "a build is killed at every fault point" { driver sweep build --how kill ${HEW_TEST_SLOW:+--all}; }

@test "a build's disk is full at every fault point" { driver sweep build --how enospc ${HEW_TEST_SLOW:+--all}; }

@test "the power is cut at every fault point of a build, a pull, a load" {
	for s in build pull load; do
		driver sweep $s --how cut ${HEW_TEST_SLOW:+--all}
	done
}

@test "pull fails at every fault point" { sweep pull; }

@test "push fails at every fault point: the registry stands, the next push goes through" { sweep push; }

@test "load fails at every fault point" { sweep load; }

@test "save fails at every fault point: the file is whole or absent" { sweep save; }

@test "save over a file fails at every fault point: it is the old one or the new one" { sweep save-over; }

@test "an OCI archive fails at every fault point: it is whole or absent" { sweep oci; }

@test "a local folder fails at every fault point: it is whole or absent" { sweep local; }

@test "prune fails at every fault point: the image stays" { sweep prune; }

# ---- at random

@test "struck at random, beside other builds that do not notice" {
	local rounds=40
	[ -z "$HEW_TEST_SLOW" ] || rounds=300
	driver strike --rounds $rounds --seed "${HEW_TEST_SEED:-$RANDOM}" || {
		echo "HEW_TEST_SEED=... repeats it"
		false
	}
}
