# SPDX-License-Identifier: Apache-2.0
# A folder as a build context: files that change while they are copied, folders whose stat says little,
# many files and large ones.
load lib/hew

teardown() {
	cd /
	touch "$BATS_TEST_TMPDIR/stop"
	[ -z "${WRITER-}" ] || kill "$WRITER" 2>/dev/null || true
	umount -l "$BATS_TEST_TMPDIR/shown" 2>/dev/null || true
	test_teardown
}

# writer whole|torn: until ../stop is there, the file `whole` is another one of 26, complete at every
# moment; or `torn` is written over where it lies.
writer() {
	python3 - "$1" <<-'EOF' 3>&- &
		import os, sys
		name, n = sys.argv[1], 400000
		with open(name, "wb") as f:
		    f.write(b"a" * n)
		generation = 0
		while not os.path.exists("../stop"):
		    generation += 1
		    data = bytes([97 + generation % 26]) * n
		    if name == "torn":
		        with open(name, "r+b") as f:
		            f.write(data)
		    else:
		        with open("../next", "wb") as f:
		            f.write(data)
		        os.rename("../next", name)
		        generation % 40 or os.sched_yield()
	EOF
	WRITER=$!
	until [ -s "$1" ]; do sleep 0.02; done
}

# Of a whole file one letter is all there is.
one_letter() { [ "$(fold -w 1000 "$1" | sort -u | wc -l)" -eq 1 ]; }

while_it_is_written() { # whole|torn
	local i status failed=0
	printf 'FROM scratch\nCOPY %s /d/\n' "$1" | dockerfile
	writer "$1"
	for i in {1..12}; do
		status=0
		hew build -q -o "out$i" . >"../said" 2>&1 || status=$?
		if [ $status -eq 0 ]; then
			[ "$1" != whole ] || one_letter "out$i/d/whole"
		else
			equal 4 $status
			matches "ERROR: *'*$1' changed while it was *" "$(tail -n 1 ../said)"
			failed=$((failed + 1))
		fi
	done
	echo "$failed of 12 failed"
	touch ../stop
	wait "$WRITER"
	# The letter that it has now was hashed and copied many times before.
	build -o out
	cmp "$1" "out/d/$1"
	build -o out
	cmp "$1" "out/d/$1"
	equal "" "$(ran)"
}

@test "a file that is replaced all the time: one of its states, or an error; never a wrong hit" {
	while_it_is_written whole
}

@test "a file that is written over all the time: the same" {
	while_it_is_written torn
}

@test "FUSE: what stat says of a file is not believed" {
	local at=$BATS_TEST_TMPDIR was
	mkdir "$at/real" "$at/shown"
	echo one >"$at/real/f"
	touch -d @1000000000 "$at/real/f"
	# a change of the bytes alone shows nowhere
	bindfs --ctime-from-mtime "$at/real" "$at/shown" 3>&-
	printf 'FROM scratch\nCOPY f /\n' >"$at/shown/Dockerfile"
	[ -z "${HEW_TEST_UID-}" ] || chown -R "$HEW_TEST_UID" "$at/real"
	cd "$at/shown" || return 1
	build -o ../out
	was=$(stat -c '%i %s %f %Y %Z' f)
	echo two >f
	touch -d @1000000000 f
	equal "$was" "$(stat -c '%i %s %f %Y %Z' f)"
	build -o ../out
	equal two "$(cat ../out/f)"
	cd .. || return 1
}

# calls N: how often hew asks the kernel for anything in a build of N files: in CALLS_NEW, and again.
calls() {
	local n=$1 i trace=$BATS_TEST_TMPDIR/trace
	mkdir "$n"
	for ((i = 0; i < n; i++)); do echo "$n $i" >"$n/f$i"; done
	printf 'FROM scratch\nCOPY %s /\n' "$n" | dockerfile
	[ -z "${HEW_TEST_UID-}" ] || readable
	for i in new again again; do
		strace -f -e trace=%file,%desc -o "$trace" "$HEW" build -q . >/dev/null
		CALLS_AGAIN=$(grep -vc resumed "$trace") # the second half of a call that another came between
		[ $i = again ] || CALLS_NEW=$CALLS_AGAIN
	done
}

@test "four times as many files: four times the work, and not sixteen" {
	local new again
	calls 300
	new=$CALLS_NEW again=$CALLS_AGAIN
	calls 1200
	echo "new: $new, then $CALLS_NEW; again: $again, then $CALLS_AGAIN"
	[ "$CALLS_NEW" -le $((5 * new)) ]
	[ "$CALLS_AGAIN" -le $((5 * again)) ]
	[ "$CALLS_AGAIN" -le 5000 ] # a few for a file
}

@test "a folder that is excluded but for something in it is looked through once" {
	local i d=. trace=$BATS_TEST_TMPDIR/trace
	# in each of 20 levels a folder without, before the next level
	for ((i = 0; i < 20; i++)); do
		mkdir -p "$d/a/x/y" "$d/b"
		d=$d/b
	done
	touch "$d/wanted.go"
	printf '*\n!**/*.go\n' >.dockerignore
	printf 'FROM scratch\nCOPY . /\n' | dockerfile
	build -o out
	equal "out/${d#./}/wanted.go" "$(find out -type f)"
	strace -f -e trace=getdents64 -o "$trace" "$HEW" build -q . >/dev/null
	echo "$(wc -l <"$trace") calls"
	# 60 folders; two calls for each that is looked through, and as many when it is walked
	[ "$(wc -l <"$trace")" -le 400 ]
}

@test "a large file needs no memory" {
	truncate -s 200M large
	printf end >>large
	printf 'FROM scratch\nCOPY large /\n' | dockerfile
	[ -z "${HEW_TEST_UID-}" ] || readable
	python3 - "$HEW" <<-'EOF'
		import resource, subprocess, sys
		subprocess.run([sys.argv[1], "build", "-q", "-t", "large", "."], check=True)
		peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
		print(f"{peak} MiB")
		assert peak < 64
	EOF
	hew rmi large
	hew prune -af >/dev/null 2>&1 || true
}

@test "a hundred thousand files" {
	[ -n "${HEW_TEST_SLOW-}" ] || skip "script/test --all"
	python3 - <<-'EOF'
		import os
		for i in range(100000):
		    if i % 1000 == 0:
		        os.makedirs(f"t/d{i // 1000}")
		    with open(f"t/d{i // 1000}/f{i}", "w") as f:
		        f.write(str(i))
	EOF
	printf 'FROM scratch\nCOPY t /\n' | dockerfile
	[ -z "${HEW_TEST_UID-}" ] || chown -R "$HEW_TEST_UID" .
	build -t many
	equal 100000 "$(tar -tf "$(blob "$(config '.rootfs.diff_ids[0]')")" | grep -c 'f[0-9]')"
	sleep 0.1
	build -t many
	strace -f -e trace=read,pread64 -o ../trace "$HEW" build -q . >/dev/null
	[ "$(wc -l <../trace)" -lt 1000 ] # not one of them is read
}
