# SPDX-License-Identifier: Apache-2.0
# Bad input: one clear message with the line, the documented status, a sound store, nothing left.

load lib/hew

clean() {
	sound
	nothing_left
}

@test "a Dockerfile that does not parse names the line and the nearest word" {
	dockerfile <<<'FROM scratch
RUNN x'
	build_fails 3
	has "line 2" "$LAST"
	has "did you mean RUN" "$LAST"
	dockerfile <<<'FROM scratch
COPY --form=a b c'
	build_fails 3
	has "line 2" "$LAST"
	hew doctor
}

@test "unknown stage, circular stages, unknown target" {
	dockerfile <<<'FROM scratch AS a
COPY --from=a x /'
	build_fails 3
	has "Dockerfile:2" "$LAST"
	has "circular dependency" "$LAST"
	build_fails 3 --target q
	has 'target stage "q"' "$LAST"
}

@test "a missing file: the ignore rule that hides it, or the nearest name" {
	dockerfile <<<'FROM scratch
COPY sercet.txt /'
	echo x >secret.txt
	build_fails 4
	has 'did you mean "secret.txt"' "$LAST"
	echo '*.txt' >.dockerignore
	dockerfile <<<'FROM scratch
COPY secret.txt /'
	build_fails 4
	has ".dockerignore line 1 (*.txt)" "$LAST"
	clean
}

@test "a failing RUN stops the build with its status and command" {
	mounts_now >before
	dockerfile <<<'FROM alpine:3.19
RUN echo tell me; exit 7'
	build_fails 5
	has "Dockerfile:2" "$LAST"
	has "exit code: 7" "$LAST"
	has "tell me" "$(cat "$ERR")"
	mounts_now >after
	cmp before after
	clean
}

@test "unknown user, unknown image, unreachable registry" {
	dockerfile <<<'FROM alpine:3.19
USER nosuch
RUN true'
	build_fails 5
	has "nosuch" "$LAST"
	dockerfile <<<'FROM alpine:0.0'
	build_fails 6
	dockerfile <<<'FROM 127.0.0.1:1/x:y'
	build_fails 7
	clean
}

@test "a Dockerfile of more than 10 MB is refused" {
	{ echo FROM scratch; head -c 11000000 /dev/zero | tr '\0' '#'; } >Dockerfile
	build_fails 3
}

@test "disk full: said so, and the store is sound" {
	mkdir small && mount -t tmpfs -o size=6m none small
	dockerfile <<<'FROM alpine:3.19
RUN dd if=/dev/zero of=/big bs=1M count=20'
	mkdir ctx && mv Dockerfile ctx/
	HEW_ROOT=$PWD/small/store fails 10 hew build ctx || HEW_ROOT=$PWD/small/store fails 5 hew build ctx
	HEW_ROOT=$PWD/small/store hew doctor --store
	umount small
}

@test "interrupted: nothing is left" {
	dockerfile <<<'FROM alpine:3.19
RUN sleep 60'
	(exec hew build . >out 2>err) &
	pid=$!
	wait_for grep -q "RUN sleep" err
	sleep 0.3
	kill -INT $pid
	rc=0
	wait $pid || rc=$?
	equal 130 "$rc"
	nothing_left
	(exec hew build . >out 2>err) &
	pid=$!
	wait_for grep -q "RUN sleep" err
	sleep 0.3
	kill -KILL $pid
	nothing_left
	sound
	equal "" "$(ls "$HEW_ROOT/work")"
}
