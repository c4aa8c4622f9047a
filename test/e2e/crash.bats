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
	install -m 644 "$E2E_LIB"/crash_*.py "$BATS_FILE_TMPDIR" # where any user can read it
	mkdir "$BATS_FILE_TMPDIR/base"
	cd "$BATS_FILE_TMPDIR/base" || return 1
	[ -z "${HEW_TEST_UID-}" ] || chown "$HEW_TEST_UID" .
	echo a >a
	echo b >b
	printf 'FROM scratch\nCOPY --from=alpine:3.19 /bin/busybox /bin/busybox\n' >base
	printf 'FROM scratch\nCOPY a /\nCOPY b /\n' >small
	hew build -q -f base -t "$REGISTRY/base:1" --push .
	hew build -q -f small -t "$REGISTRY/small:1" --push .
}

teardown() {
	[ -z "${DISK-}" ] || umount "$DISK" 2>/dev/null || true
	test_teardown
}

teardown_file() { "$TOP/test/bases/serve" stop "$BATS_FILE_TMPDIR/registry"; }

# In a mount namespace of its own, so that no other suite's mounts come and go there.
driver() {
	local as=()
	if [ -n "${HEW_TEST_UID-}" ]; then
		readable
		as=(setpriv --reuid "$HEW_TEST_UID" --regid "$HEW_TEST_UID" --clear-groups)
	fi
	unshare --mount --propagation private "${as[@]}" \
		/usr/bin/python3 "$BATS_FILE_TMPDIR/crash_sweep.py" --hew "$HEW_PROGRAM" --dir "$PWD/d" \
		--base "$REGISTRY/base:1" --small "$REGISTRY/small:1" --registry "$REGISTRY" "$@"
}

# sweep SCENARIO: some passes of every point, or the first ones
sweep() { driver sweep "$1" ${HEW_TEST_SLOW:+--passes 8}; }

# ---- at every fault point

@test "a build is killed at every fault point" { driver sweep build --how kill ${HEW_TEST_SLOW:+--passes 8}; }

@test "a build's disk is full at every fault point" { driver sweep build --how enospc ${HEW_TEST_SLOW:+--passes 8}; }

@test "the power is cut at every fault point of a build, a pull, a load, a prune" {
	for s in build pull load prune prune-more kept; do
		driver sweep $s --how cut ${HEW_TEST_SLOW:+--passes 8}
	done
}

@test "pull fails at every fault point" { sweep pull; }

@test "push fails at every fault point: the registry stands, the next push goes through" { sweep push; }

@test "a cache is written, and fails at every fault point: the next one is whole" { sweep cache-export; }

@test "a cache is used, and fails at every fault point: the build is right" { sweep cache-import; }

@test "what was in a cache mount comes back, and fails at every fault point: all of it or nothing" { sweep mount-import; }

@test "load fails at every fault point" { sweep load; }

@test "save fails at every fault point: the file is whole or absent" { sweep save; }

@test "save over a file fails at every fault point: it is the old one or the new one" { sweep save-over; }

@test "an OCI archive fails at every fault point: it is whole or absent" { sweep oci; }

@test "a local folder fails at every fault point: it is whole or absent" { sweep local; }

@test "run fails at every fault point" { sweep run; }

@test "prune fails at every fault point: the image stays" { sweep prune; }

@test "prune to a limit fails at every fault point: the image stays" { sweep prune-more; }

@test "a build that keeps the store small fails at every fault point" { sweep kept; }

# ---- at random

@test "struck at random, beside other builds that do not notice" {
	local rounds=40
	[ -z "$HEW_TEST_SLOW" ] || rounds=500
	driver strike --rounds $rounds --seed "${HEW_TEST_SEED:-$RANDOM}" >said || {
		cat said
		echo "HEW_TEST_SEED=... repeats it"
		false
	}
	echo "# $(tail -n 1 said)" >&3
}

# ---- a disk that is full

# What is written elsewhere than in the store.
@test "a full disk for an output: one clear error, and nothing half-written" {
	DISK=$PWD/disk
	mkdir disk ctx
	mount -t tmpfs -o size=200k,uid="${HEW_TEST_UID:-0}" none disk
	echo old >disk/over
	[ -z "${HEW_TEST_UID-}" ] || chown "$HEW_TEST_UID" disk/over
	head -c 300000 /dev/urandom >ctx/data
	printf 'FROM scratch\nCOPY data /\n' >ctx/Dockerfile
	hew build -q -t large ctx
	for to in "save large -o disk/new" "save large -o disk/over" "build -o type=oci,dest=disk/new ctx" \
		"build -o disk/new ctx" "build -o type=tar,dest=disk/new ctx" "save large -o /dev/full"; do
		# shellcheck disable=SC2086
		fails 10 hew $to
		has "No space left" "$LAST"
		equal over "$(ls -A disk)"
		equal old "$(cat disk/over)"
	done
	sound
}

# The rest of the disk but LEFT KiB is somebody else's; 0: nothing at all is left.
fill() {
	local free
	rm -f "$DISK/fill"
	free=$(df --output=avail -k "$DISK" | tail -n 1)
	head -c $(((free - $1) * 1024)) /dev/zero >"$DISK/fill"
	[ "$1" -gt 0 ] || cat /dev/zero >>"$DISK/fill" 2>/dev/null || true
}

@test "a full disk: one clear error, the store intact; rmi and prune make room, the build works" {
	DISK=$PWD/disk
	mkdir disk ctx
	mount -t tmpfs -o size=24m,uid="${HEW_TEST_UID:-0}" none disk
	export HEW_ROOT=$DISK/store SOURCE_DATE_EPOCH=1700000000
	head -c 300000 /dev/urandom >ctx/data
	printf 'FROM %s\nCOPY data /old\n' "$REGISTRY/base:1" >ctx/old
	cat >ctx/Dockerfile <<-EOF
		FROM $REGISTRY/base:1
		COPY data /data
		RUN ["/bin/busybox", "cp", "/data", "/copy"]
	EOF
	local want left n=0
	want=$(HEW_ROOT=$PWD/elsewhere hew build -q ctx)
	for left in 0 8 100 400 600 1500 2500 8000; do
		hew build -q -t old -f ctx/old ctx
		fill "$left"
		if [ "$left" -lt 8000 ]; then
			fails 10 hew build -q -t new ctx
			has "No space left" "$LAST"
			has "hew prune -a" "$LAST"
			equal 1 "$(grep -c ERROR "$ERR")"
			n=$((n + 1))
		else
			equal "$want" "$(hew build -q -t new ctx)"
		fi
		sound
		# nothing left at all, for rmi and what comes after it, or for prune alone
		[ $((n % 2)) -eq 0 ] || fill 0
		has "Untagged: old" "$(hew rmi old)"
		[ $((n % 2)) -eq 1 ] || fill 0
		has_not ": 0B" "$(hew prune -a)"
		sound
		[ "$left" -ge 8000 ] || equal "" "$(hew images -q)"
		rm "$DISK/fill"
		equal "$want" "$(hew build -q -t new ctx)"
		hew doctor --store --deep
		equal "" "$(find "$HEW_ROOT"/{work,leases,trash} -mindepth 1)"
		hew rmi new
		hew prune -a
	done
	equal 7 "$n"
}
