#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A shell in a step: of a build that fails, while it waits; of any build before.
load lib/hew

# app LAST: a Dockerfile with all kinds of mounts, whose last command is LAST.
app() {
	mkdir -p src && echo "source $BATS_TEST_NUMBER" >src/file && printf secret-value >../secret
	[ -z "${HEW_TEST_UID-}" ] || chown "$HEW_TEST_UID" ../secret
	dockerfile <<-EOF
		FROM alpine:3.19 AS tools
		RUN mkdir /tools && echo tool >/tools/tool
		FROM alpine:3.19
		RUN adduser -D -u 1234 bob && mkdir -m 1777 -p /tmp /job
		ENV A="from the image"
		ARG API_TOKEN=token
		WORKDIR /job
		COPY --chown=bob src/file copied
		USER bob
		RUN --mount=type=cache,id=shell-$BATS_TEST_NUMBER,target=/cache echo cached >/cache/file
		RUN --mount=type=cache,id=shell-$BATS_TEST_NUMBER,target=/cache --mount=type=tmpfs,target=/tmpfs \\
			--mount=type=bind,source=src,target=/src --mount=from=tools,source=/tools,target=/tools \\
			--mount=from=tools,source=/tools,target=/rw,rw --mount=type=secret,id=s,uid=1234 \\
			--network=none echo written >/tmp/written; $1
	EOF
}

on_terminal() { "$E2E_LIB/terminal" 24 80 "$@"; }

# ---- hew build --on-error shell

@test "--on-error shell: what the failed step left, its mounts, variables, user, place; then the same end" {
	app 'echo rw 2>/dev/null >/rw/new; exit 7'
	[ -z "${HEW_TEST_UID-}" ] || readable
	ends 5 on_terminal hew build --on-error shell --secret id=s,src=../secret . >../out 2>&1 <<-'EOF'
		expect exit code: 7
		expect $ 
		send cat /tmp/written /cache/file /src/file /tools/tool /run/secrets/s; echo " end"\r
		expect written
		expect cached
		expect source
		expect tool
		expect secret-value end
		send echo $A, $API_TOKEN, $(id -un), $(pwd), $(ls /sys/class/net), $(tty)\r
		expect from the image, token, bob, /job, lo, /dev/
		send grep -c ' /tmpfs tmpfs' /proc/mounts; echo new >/cache/new; exit 3\r
		expect 1
		expect ERROR: 
		expect exit code: 7
	EOF
	matches "failed" "$(hew builds show --format json | jq -r .status)"
	run ! hew build -q --secret id=s,src=../secret .
	equal new "$(hew shell -- cat /cache/new)" # a cache is the real one
	nothing_left
	equal "" "$(find "$HEW_ROOT/work" -mindepth 1)"
	sound
}

@test "--on-error shell: exit status and last line are those of the build without it" {
	printf 'FROM alpine:3.19\nRUN echo out; exit 9\n' | dockerfile
	build_fails 5
	local last=$LAST
	[ -z "${HEW_TEST_UID-}" ] || readable
	python3 - "$E2E_LIB/terminal" >../status <<-'EOF'
		import subprocess, sys
		end = subprocess.run([sys.argv[1], "24", "300", "sh", "-c", "hew build --on-error shell . 2>../err2; echo $? >../status2"],
		                     input="expect $\nsend exit\\r\n".replace("$", "# "), text=True)
		print(end.returncode)
	EOF
	equal "0 5" "$(cat ../status) $(cat ../status2)"
	equal "$last" "$(tail -n 1 ../err2)"
}

@test "--on-error shell=COMMAND; a command or a shell that is not there" {
	app 'exit 7'
	[ -z "${HEW_TEST_UID-}" ] || readable
	ends 5 on_terminal hew build --on-error 'shell=cat /tmp/written' --secret id=s,src=../secret . <<-'EOF'
		expect written
		expect ERROR: 
	EOF
	ends 5 on_terminal hew build --on-error 'shell=/no/such thing' --secret id=s,src=../secret . <<-'EOF'
		expect no shell was started
		expect /no/such
		expect ERROR: 
	EOF
	fails 2 hew build --on-error something .
	has "shell or shell=COMMAND" "$LAST"
	printf 'FROM scratch\nCOPY src /src\nRUN ["/src/file"]\n' | dockerfile
	ends 5 on_terminal hew build --on-error shell . <<-'EOF'
		expect no shell was started
		expect no bash, no sh
		expect ERROR: 
	EOF
}

@test "--on-error shell without a terminal: it says so, and fails as ever" {
	printf 'FROM alpine:3.19\nRUN exit 9\n' | dockerfile
	build_fails 5 --on-error shell </dev/null
	has "no shell was started" "$(cat "$ERR")"
	printf 'FROM alpine:3.19\nRUN true\n' | dockerfile
	build --on-error shell
	has_not "no shell" "$(cat "$ERR")"
}

@test "--on-error shell: other steps have ended; Ctrl-C is the shell's; a step that chmods / " {
	dockerfile <<-'EOF'
		FROM alpine:3.19 AS a
		RUN sleep 1000
		FROM alpine:3.19 AS b
		RUN sleep 0.3; mkdir -p /d; chown 1234 /; chmod 700 /; exit 4
		FROM alpine:3.19
		COPY --from=a / /a
		COPY --from=b / /b
	EOF
	[ -z "${HEW_TEST_UID-}" ] || readable
	ends 5 on_terminal hew build -j 4 --on-error shell . <<-'EOF'
		expect # 
		send stat -c '%a %u' /; trap 'echo cau""ght' INT; sh -c 'echo rea""dy; exec tail -f /dev/null'\r
		expect 700 1234
		expect ready
		send \x03
		expect caught
		expect # 
		send pgrep sleep || echo al""one\r
		expect alone
		expect # 
		send exit\r
		expect exit code: 4
	EOF
	nothing_left
}

@test "--on-error shell: who waits for the failed step's cache does not keep the shell waiting" {
	dockerfile <<-EOF
		FROM alpine:3.19 AS a
		RUN --mount=type=cache,id=locked-$BATS_TEST_NUMBER,target=/c,sharing=locked sleep 0.3; exit 4
		FROM alpine:3.19 AS b
		RUN sleep 0.1
		RUN --mount=type=cache,id=locked-$BATS_TEST_NUMBER,target=/c,sharing=locked sleep 1000
		FROM alpine:3.19
		COPY --from=a / /a
		COPY --from=b / /b
	EOF
	[ -z "${HEW_TEST_UID-}" ] || readable
	ends 5 on_terminal hew build -j 4 --on-error shell . <<-'EOF'
		expect # 
		send exit\r
		expect exit code: 4
	EOF
	nothing_left
}

# ---- hew shell

@test "hew shell: the step that failed, before it; of its mounts and variables what is kept" {
	app 'exit 7'
	build_fails 5 --secret id=s,src=../secret
	equal "bob /job from the image lo" "$(hew shell -- sh -c 'echo $(id -un) $(pwd) $A $(ls /sys/class/net)')"
	equal "cached source $BATS_TEST_NUMBER tool" "$(hew shell -- sh -c 'echo $(cat /cache/file /src/file /tools/tool)')"
	equal "gone" "$(hew shell -- sh -c '[ -e /tmp/written ] || echo gone')"
	hew shell -- true 2>../err
	has "secret s: nothing of it is kept" "$(cat ../err)"
	has "API_TOKEN: its value is not kept" "$(cat ../err)"
	equal "mine root" "$(hew shell -e API_TOKEN=mine -u root -- sh -c 'echo $API_TOKEN $(id -un)')"
	nothing_left
}

@test "hew shell: any step, by line or words, after it or before it; the last without one" {
	app true
	build --secret id=s,src=../secret
	equal written "$(hew shell -- cat /tmp/written)"
	equal written "$(hew shell 11 -- cat /tmp/written)"
	run ! hew shell --before 11 -- cat /tmp/written
	equal "1234" "$(hew shell COPY -- stat -c %u copied)"
	run ! hew shell --before "COPY --chown" -- stat copied
	equal "/job root" "$(hew shell WORKDIR -- sh -c 'echo $(pwd) $(id -un)')"
	equal tool "$(hew shell 2 -- cat /tools/tool)"
	run ! hew shell --before adduser -- grep bob /etc/passwd
	fails 2 hew shell RUN -- true
	has "in several steps" "$LAST"
	fails 6 hew shell nonsense -- true
	has "hew builds show" "$LAST"
	# all cached: the same, but for what was not made
	build --secret id=s,src=../secret
	equal written "$(hew shell -- cat /tmp/written)"
	hew shell -- true 2>../err
	has "/src: the step was cached" "$(cat ../err)"
}

@test "hew shell: exit statuses, standard input, changes thrown away" {
	app true
	build --secret id=s,src=../secret
	fails 127 hew shell -- /no/such
	local rc=0
	hew shell -- sh -c 'exit 42' 2>/dev/null || rc=$?
	equal 42 "$rc"
	equal "hello" "$(echo 'echo hello' | hew shell 2>/dev/null)"
	hew shell -u root -- sh -c 'echo no >/cache/file && echo no >/job/new' 2>/dev/null
	equal cached "$(hew shell -- sh -c 'cat /cache/file; ls /job | grep new')"
	equal "" "$(find "$HEW_ROOT/work" -mindepth 1)"
	sound
}

@test "hew shell: a heredoc's script lies where it lay" {
	dockerfile <<-'END'
		FROM alpine:3.19
		RUN <<EOF
		#!/bin/sh
		echo from the script >/out
		EOF
	END
	build
	equal "from the script" "$(hew shell --before -- sh -c 'sh /dev/pipes/EOF && cat /out')"
}

@test "hew shell on a terminal; --build" {
	app 'exit 7'
	build_fails 5 --secret id=s,src=../secret
	printf 'FROM alpine:3.19\nRUN echo other >/other\n' | dockerfile
	build
	ends 6 on_terminal hew shell --build ^1 <<-'EOF'
		expect before it
		expect Its command: /bin/sh -c echo written
		expect $ 
		send id -un; tty; exit 6\r
		expect bob
		expect /dev/
	EOF
	equal other "$(hew shell -- cat /other)"
	fails 6 hew shell --build nonsense -- true
	printf 'RNU\n' | dockerfile
	build_fails 3
	fails 6 hew shell -- true
	has "did not come to a step" "$LAST"
}

@test "hew shell: what a Dockerfile names does not reach the terminal as it is" {
	printf 'FROM alpine:3.19\nRUN --mount=type=secret,id=a\033[35mb true \033[36m\n' | dockerfile
	build
	on_terminal hew shell <<-'EOF'
		expect true \x1b[36m: after it
		expect secret a\x1b[35mb: nothing of it is kept
		send exit\r
	EOF
}

@test "hew shell: layers that are gone are missed clearly, base layers are fetched" {
	local HEW_ROOT=$BATS_TEST_TMPDIR/store
	export HEW_ROOT
	printf 'FROM alpine:3.19\nRUN echo made >/made\nRUN exit 3\n' | dockerfile
	build_fails 5
	equal made "$(hew shell -- cat /made)"
	hew prune -af >/dev/null
	fails 6 hew shell -- true
	has "not here any more" "$LAST"
	printf 'FROM alpine:3.19\nWORKDIR /w\n' | dockerfile
	build
	equal 3.19 "$(hew shell --before -- cut -d. -f1,2 /etc/alpine-release)"
}

@test "hew shell in a root filesystem without a shell" {
	cp "$HEW_PROGRAM" program
	printf 'FROM scratch\nCOPY program /\n' | dockerfile
	build
	fails 6 hew shell
	has "no shell" "$LAST"
	fails 127 hew shell -- /nothing
	printf 'FROM alpine:3.19\n' | dockerfile
	build
	fails 6 hew shell
	has "has no steps" "$LAST"
}
