#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Bad input: one clear error as the last line, with the line of the Dockerfile where there is one, the
# documented exit status; and after it a sound store, no mount, no process, no file left in work/.
load lib/hew

setup() {
	test_setup
	mounts_now >"$BATS_TEST_TMPDIR/mounts"
}

teardown() {
	test_teardown
	[ -z "$BATS_TEST_COMPLETED" ] || clean
}

clean() {
	nothing_left
	cmp <(mounts_now) "$BATS_TEST_TMPDIR/mounts"
	[ ! -e "$HEW_ROOT" ] || sound
	equal "" "$(ls "$HEW_ROOT/work" 2>/dev/null)"
}

# refused STATUS PART... <Dockerfile: every part is in the last line.
refused() {
	local want=$1 part
	shift
	dockerfile
	build_fails "$want"
	for part in "$@"; do has "$part" "$LAST"; done
	equal 1 "$(grep -c '^ERROR: ' "$ERR")"
}

# ---- the Dockerfile

@test "an unknown instruction, with the nearest one" {
	refused 3 "line 2" "RUNN" "did you mean RUN" <<-'EOF'
		FROM scratch
		RUNN x
	EOF
}

@test "a file for another frontend, by a directive or as JSON" {
	refused 3 "line 2" 'for the frontend "me/yaml:1"' "unknown instruction: build:" <<-'EOF'
		# syntax=me/yaml:1
		build: {}
	EOF
	refused 3 "line 1" 'for the frontend "me/json"' <<<'{"build": {}, "syntax": "me/json"}'
	printf '# syntax=docker.io/docker/dockerfile:1\nBUILD x\n' | dockerfile
	build_fails 3
	has_not "frontend" "$LAST"
}

@test "an unknown flag, with the nearest one" {
	refused 3 "line 2" "--form" "did you mean" <<-'EOF'
		FROM scratch
		COPY --form=a b c
	EOF
	refused 3 "line 3" "bnid" "did you mean bind" <<-'EOF'
		FROM alpine:3.19

		RUN --mount=type=bnid,target=/x true
	EOF
}

@test "an unknown stage; a stage that comes later; --target of none" {
	refused 3 "Dockerfile:2" "later" <<-'EOF'
		FROM scratch AS first
		COPY --from=later x /
		FROM scratch AS later
		FROM first
	EOF
	refused 3 "Dockerfile:2" "7" <<-'EOF'
		FROM scratch
		COPY --from=7 x /
	EOF
	dockerfile <<<'FROM scratch AS builder'
	build_fails 3 --target bulider
	has 'target stage "bulider"' "$LAST"
	has "builder" "$LAST"
}

@test "circular stages" {
	refused 3 "Dockerfile:2" "circular dependency" <<-'EOF'
		FROM scratch AS a
		COPY --from=a x /
	EOF
	refused 3 "circular dependency" <<-'EOF'
		FROM alpine:3.19 AS a
		RUN --mount=from=a,target=/x true
	EOF
}

@test "wrong arguments, an unterminated heredoc, a bad variable" {
	refused 3 "line 2" "WORKDIR" <<-'EOF'
		FROM scratch
		WORKDIR
	EOF
	printf 'FROM alpine:3.19\nRUN <<EOF\necho\n' | refused 3 "line 2" "heredoc"
	refused 3 "Dockerfile:3" <<-'EOF'
		FROM scratch
		ENV a=1
		ENV b=${a:=x}
	EOF
	refused 3 "Dockerfile:2" "no value" <<-'EOF'
		FROM alpine:3.19
		ENV b="${NEEDED:?no value}"
	EOF
}

@test "an empty one, none at all, a folder in its place, a FROM that is missing" {
	printf '# only a comment\n' | refused 3 "no instructions"
	printf 'RUN true\n' | refused 3 "line 1"
	rm Dockerfile
	build_fails 3
	has "Dockerfile" "$LAST"
	mkdir Dockerfile
	build_fails 3
}

@test "a Dockerfile of more than 10 MB; 10 MB of garbage; a line of megabytes" {
	{ echo FROM scratch; head -c 11000000 /dev/zero | tr '\0' '#'; } | refused 3 "Dockerfile"
	{ echo FROM scratch; echo -n 'LABEL a='; head -c 1000000 /dev/zero | tr '\0' x; } | refused 3 "line 2"
	head -c 3000000 /dev/urandom | refused 3
}

@test "control characters of the Dockerfile do not reach the terminal" {
	printf 'FROM scratch\n\033[31mEVIL\a x\n' >Dockerfile
	build_fails 3
	equal 0 "$(grep -c $'[\033\a]' "$ERR")"
}

# ---- the context

@test "a missing file: its nearest name, or the ignore rule that hides it" {
	echo x >secret.txt
	refused 4 "Dockerfile:2" 'did you mean "secret.txt"' <<-'EOF'
		FROM scratch
		COPY sercet.txt /
	EOF
	printf '# why\n*.txt\n' >.dockerignore
	refused 4 "Dockerfile:2" "secret.txt" ".dockerignore line 2 (*.txt)" <<-'EOF'
		FROM scratch
		COPY secret.txt /
	EOF
}

@test "a link of the context that leads nowhere or in a circle" {
	ln -s nowhere dangling && ln -s loop loop
	refused 4 "Dockerfile:2" '"/dangling": not found: it is a symbolic link to "nowhere"' <<-'EOF'
		FROM scratch
		COPY dang* /x/
	EOF
	refused 4 "Dockerfile:2" "more than 255 symbolic links" <<-'EOF'
		FROM scratch
		COPY loop /
	EOF
}

@test "a context that is nested too deep, unless a COPY does not go there" {
	local deep
	deep=$(printf 'd/%.0s' {1..520})
	mkdir -p "$deep" one && echo x >one/x
	refused 4 "Dockerfile:2" "nested deeper than 512 folders" <<-'EOF'
		FROM scratch
		COPY . /
	EOF
	printf 'FROM scratch\nCOPY --parents one/x */x /\n' | dockerfile
	build
}

@test "a file of the context that may not be read" {
	[ -n "${HEW_TEST_UID-}" ] || skip "root reads everything"
	echo x >locked && chmod 0 locked
	readable
	refused 4 "Dockerfile:2" "Permission denied" <<-'EOF'
		FROM scratch
		ADD locked /
	EOF
}

@test "COPY --parents: a pattern that is none, and a file that is excluded" {
	echo a >a
	refused 3 "Dockerfile:2" 'syntax error in pattern "[a"' <<-'EOF'
		FROM scratch
		COPY --parents [a /x/
	EOF
	printf 'FROM scratch\nCOPY --parents --exclude=a a /x/\n' | dockerfile
	build
}

@test "WORKDIR where a file is" {
	refused 4 "Dockerfile:2" "the working directory cannot be made: /etc/passwd is no folder" <<-'EOF'
		FROM alpine:3.19
		WORKDIR /etc/passwd
	EOF
}

@test "a missing file of another stage or image" {
	refused 4 "Dockerfile:3" "/nowhere" <<-'EOF'
		FROM alpine:3.19 AS a
		FROM scratch
		COPY --from=a /nowhere /
	EOF
}

@test "a path out of the context" {
	echo x >"$BATS_TEST_TMPDIR/outside"
	refused 4 "Dockerfile:2" "outside" <<-'EOF'
		FROM scratch
		COPY ../outside /
	EOF
	fails 4 hew build nowhere
	has nowhere "$LAST"
}

@test "several sources need a folder to go to" {
	echo x >a && echo y >b
	refused 3 "Dockerfile:2" "/file" "several" <<-'EOF'
		FROM scratch
		COPY a b /file
	EOF
}

@test "an unknown user or group of --chown" {
	echo x >x
	dockerfile <<-'EOF'
		FROM alpine:3.19
		COPY --chown=nosuchuser x /
	EOF
	build_fails 5 || build_fails 3 || build_fails 4 || build_fails 1
	has "Dockerfile:2" "$LAST"
	has nosuchuser "$LAST"
}

@test "a file that is locked away from a step: .wh. names are refused" {
	echo x >.wh.file
	dockerfile <<-'EOF'
		FROM scratch
		COPY . /
	EOF
	! build || { echo "built an image that deletes a file"; false; }
	has ".wh.file" "$(tail -n 1 "$ERR")"
}

# ---- steps

@test "a failing RUN: line, command, status and what it printed" {
	refused 5 "Dockerfile:3" "exit code: 7" "echo tell me" <<-'EOF'
		FROM alpine:3.19
		RUN true
		RUN echo tell me; exit 7
		RUN echo never >/never
	EOF
	has "tell me" "$(cat "$ERR")"
	has ">>> RUN echo tell me" "$(cat "$ERR")"
	has_not "never" "$(grep DONE "$ERR" || true)"
}

@test "a failing RUN stops the steps beside it" {
	dockerfile <<-EOF
		FROM alpine:3.19 AS slow
		RUN sleep $NAP
		FROM alpine:3.19 AS broken
		RUN sleep 0.5; exit 3
		FROM scratch
		COPY --from=slow / /
		COPY --from=broken / /
	EOF
	local began=$SECONDS
	build_fails 5 --jobs 2
	has "Dockerfile:4" "$LAST"
	[ $((SECONDS - began)) -lt 30 ]
	nobody_naps
}

@test "a command that does not exist, one killed by a signal" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN ["/no/such/program"]
	EOF
	build_fails 5
	has "Dockerfile:2" "$LAST"
	has "/no/such/program" "$LAST"
	refused 5 "Dockerfile:2" "137" <<-'EOF'
		FROM alpine:3.19
		RUN kill -9 $$
	EOF
	refused 5 "Dockerfile:3" "nosuch" <<-'EOF'
		FROM alpine:3.19
		USER nosuch
		RUN true
	EOF
}

@test "background processes of a RUN end with it" {
	dockerfile <<-EOF
		FROM alpine:3.19
		RUN (sleep $NAP >/dev/null 2>&1 &) ; (setsid sleep $NAP >/dev/null 2>&1 &) ; echo done
	EOF
	build
	nobody_naps
}

# ---- images and registries

@test "an image that does not exist, a registry that does not answer" {
	refused 6 "Dockerfile:1" "alpine:0.0" <<<'FROM alpine:0.0'
	refused 6 "Dockerfile:1" <<<'FROM no/such/repository'
	refused 7 "Dockerfile:1" "127.0.0.1:1" <<<'FROM 127.0.0.1:1/x:y'
	refused 3 "Dockerfile:1" "Not/Valid" <<<'FROM Not/Valid:tag'
}

@test "verbs with images that are not there" {
	for v in "inspect nix" "history nix" "rmi nix" "tag nix other" "push nix" "save -o /dev/null nix"; do
		# shellcheck disable=SC2086
		fails 6 hew $v
		has nix "$LAST"
	done
}

# ---- the disk

small_store() {
	mkdir "$BATS_TEST_TMPDIR/small"
	mount -t tmpfs -o "size=$1" none "$BATS_TEST_TMPDIR/small"
	HEW_ROOT=$BATS_TEST_TMPDIR/small/store
}

end_small_store() {
	sound
	equal "" "$(ls "$HEW_ROOT/work" 2>/dev/null)"
	HEW_ROOT=$BATS_FILE_TMPDIR/store
	umount "$BATS_TEST_TMPDIR/small"
}

@test "disk full while a base is fetched" {
	small_store 1m
	echo "FROM alpine:3.19" | dockerfile
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN true
	EOF
	build_fails 10
	has "space" "$LAST"
	end_small_store
}

@test "disk full while a context is copied; and with room the same store goes on" {
	small_store 8m
	head -c 9000000 /dev/urandom >big
	dockerfile <<-'EOF'
		FROM scratch
		COPY * /
	EOF
	build_fails 10
	has "space" "$LAST"
	head -c 1000 big >small && rm big
	build -t t
	end_small_store
}

@test "disk full in a RUN: the command says so" {
	small_store 12m
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN dd if=/dev/zero of=/big bs=1M count=20
	EOF
	build_fails 5
	has "No space left" "$(cat "$ERR")"
	end_small_store
}

# ---- interrupted

# started: a build in the background that has come to its RUN; sets PID.
start_and_wait() {
	dockerfile <<-EOF
		FROM alpine:3.19
		RUN trap '' INT TERM; echo begun; sleep $NAP & sleep $NAP
	EOF
	ERR=$BATS_TEST_TMPDIR/err
	# a shell gives its background children an ignored SIGINT
	env --default-signal=INT,TERM "$HEW" build --progress plain . >out 2>"$ERR" 3>&- &
	PID=$!
	wait_for grep -q '^#[0-9]* [0-9.]* begun' "$ERR"
}

@test "Ctrl-C: status 130, nothing left" {
	start_and_wait
	kill -INT $PID
	rc=0
	wait $PID || rc=$?
	equal 130 "$rc"
	matches "ERROR: *" "$(tail -n 1 "$ERR")"
	nobody_naps
}

@test "SIGTERM: status 130, nothing left" {
	start_and_wait
	kill -TERM $PID
	rc=0
	wait $PID || rc=$?
	equal 130 "$rc"
	nobody_naps
}

listens() { readlink "/proc/$1/fd/"* | grep -q eventfd; }

@test "who waits for what never comes through a pipe ends when told to" {
	local words
	ERR=$BATS_TEST_TMPDIR/err
	mkfifo pipe
	exec 8<>pipe
	for words in "build -" "build -f pipe ." "lint -" "lint pipe" "load" "load -i pipe" "import -" "copy docker-archive:- oci:out"; do
		# shellcheck disable=SC2086
		"$HEW" $words <pipe >out 2>"$ERR" 3>&- 8>&- &
		PID=$!
		wait_for listens $PID
		sleep 0.2 # until it reads
		kill -TERM $PID
		ends 130 wait $PID
		matches "ERROR: *cancelled" "$(tail -n 1 "$ERR")"
	done
	sound
}

@test "kill -9: no process, no mount; the next command takes the files away" {
	start_and_wait
	kill -KILL $PID
	wait $PID || true
	nothing_left
	wait_for nobody_naps
	sound
}
