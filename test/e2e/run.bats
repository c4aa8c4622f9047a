#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hew run as a smoke test of an image: what the process gets, what reaches it, what its end means, and whether
# it is healthy.
load lib/hew

# ---- what is refused, and what the process gets

@test "ports and daemons are refused with the reason" {
	fails 125 hew run -p 8080:80 alpine:3.19
	has "-p 8080:80" "$LAST"
	has "host's network" "$LAST"
	fails 125 hew run --publish 80 alpine:3.19
	fails 125 hew run -d alpine:3.19 sleep 100
	has "no daemon" "$LAST"
	nothing_left
	fails 125 hew run --network bridge alpine:3.19
	fails 125 hew run -v relative alpine:3.19
	fails 125 hew run --tmpfs relative alpine:3.19
	fails 125 hew run --stop-signal SIGNONE alpine:3.19
	fails 125 hew run --check-timeout soon alpine:3.19
	has "1m30s" "$LAST"
}

@test "command, entrypoint, environment, user, directory, name of the host" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN echo 'app:x:1001:1002::/home/app:/bin/sh' >>/etc/passwd
		ENV A=image B=image
		WORKDIR /from/image
		USER app
		ENTRYPOINT ["echo", "entry"]
		CMD ["cmd"]
	EOF
	build -t t
	equal "entry cmd" "$(hew run t)"
	equal "entry given" "$(hew run t given)"
	equal "given" "$(hew run --entrypoint echo t given)"
	equal $'image\nover\nnew\nhere' "$(HERE=here hew run -e B=over -e C=new -e HERE -e ABSENT --entrypoint sh t \
		-c 'echo "$A"; echo "$B"; echo "$C"; echo "$HERE${ABSENT-}"')"
	equal $'1001:1002\n/home/app\n/from/image' "$(hew run --entrypoint sh t -c 'echo $(id -u):$(id -g); echo ~; pwd')"
	equal $'5:6\n/etc\nbox' "$(hew run -u 5:6 -w /etc -h box --entrypoint sh t -c 'echo $(id -u):$(id -g); pwd; hostname')"
}

@test "what it writes is gone afterwards; the image stays as it is" {
	hew pull -q alpine:3.19
	local before
	before=$(hew images --no-trunc -q)
	hew run --rm --name once alpine:3.19 sh -c 'rm -r /etc; echo x >/x'
	equal "/etc/passwd" "$(hew run alpine:3.19 ls /etc/passwd /x 2>/dev/null || true)"
	equal "$before" "$(hew images --no-trunc -q)"
	equal "" "$(find "$HEW_ROOT/work" -mindepth 1)"
	sound
}

@test "an image that is not here is pulled, which is seen, or not with -q" {
	local HEW_ROOT=$BATS_TEST_TMPDIR/store
	export HEW_ROOT
	hew run alpine:3.19 echo hello >out 2>err
	equal hello "$(cat out)"
	matches "*pull alpine:3.19*DONE*" "$(cat err)"
	hew run alpine:3.19 true 2>err
	equal "" "$(cat err)"
	hew rmi -f alpine:3.19 >/dev/null
	hew run -q alpine:3.19 true 2>err
	equal "" "$(cat err)"
	fails 125 hew run no/such:1
	has "no/such:1" "$LAST"
}

@test "--tmpfs: empty, for everybody, and only where it was asked for" {
	printf 'FROM alpine:3.19\nRUN mkdir /t && echo below >/t/below\n' | dockerfile
	build -t t
	equal $'1777\nmine' "$(hew run --tmpfs /t --tmpfs /new/place -u 7 t \
		sh -c 'ls /t; stat -c %a /t; echo mine >/t/x; cat /t/x; grep -c " /new/place tmpfs " /proc/mounts >/dev/null')"
	equal below "$(hew run t ls /t)"
}

@test "--network none has loopback only" {
	equal lo "$(hew run --network none alpine:3.19 ls /sys/class/net)"
	equal "$(ls /sys/class/net)" "$(hew run alpine:3.19 ls /sys/class/net)"
}

# ---- streams and terminals

@test "standard input, output and errors are the process's own" {
	equal "in" "$(echo in | hew run -i alpine:3.19 cat)"
	hew run alpine:3.19 sh -c 'echo out; echo err >&2' >out 2>err
	equal out "$(cat out)"
	equal err "$(cat err)"
	# a reader that goes early ends it: nothing is waited for
	equal y "$(hew run alpine:3.19 yes | head -n 1)"
	head -c 3000000 /dev/zero >zeros
	equal "$(sha256sum <zeros)" "$(hew run -i alpine:3.19 sha256sum <zeros)"
	nothing_left
}

@test "-t without a terminal changes nothing; with one the process has its own" {
	equal "not a tty" "$(hew run -t alpine:3.19 tty </dev/null)"
	equal "a b" "$(printf 'a b' | hew run -it alpine:3.19 cat)"
	ends 5 "$E2E_LIB/terminal" 24 80 hew run -it -e PS1=:: alpine:3.19 sh <<-'EOF'
		expect ::
		send tty && echo $TERM; kill -WINCH $$; exit 5\r
		expect /dev/
	EOF
	# without -t it sees the user's
	"$E2E_LIB/terminal" 24 80 hew run -i alpine:3.19 sh -c 'test -t 0 && echo terminal; read line; echo "<$line>"' <<-'EOF'
		expect terminal
		send typed\r
		expect <typed>
	EOF
}

@test "a terminal: a paste larger than any buffer arrives whole" {
	"$E2E_LIB/terminal" 24 80 hew run -it alpine:3.19 sh <<-'EOF'
		expect #
		send cat >/tmp/got; echo "$(wc -c </tmp/got) bytes"; exit\r
		expect exit
		paste 2000 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\r
		send \x04
		expect 202000 bytes
	EOF
}

@test "a terminal that is closed takes the process with it" {
	cat >hang_up.py <<-'EOF'
		import os, pty, signal, sys
		signal.alarm(20)
		child, master = pty.fork()
		if child == 0:
		    os.execvp("hew", ["hew", "run", *sys.argv[1:]])
		seen = b""
		while b"ready" not in seen:
		    seen += os.read(master, 1024)
		os.close(master)
		os.waitpid(child, 0)
	EOF
	python3 hang_up.py -it alpine:3.19 sh -c 'echo re""ady; exec sleep 1000'
	nothing_left
	python3 hang_up.py -i alpine:3.19 sh -c 'echo re""ady; exec sleep 1000'
	nothing_left
}

# ---- signals and ends

# running NAME COMMAND...: hew run in the background, until it has said "ready". Sets RUNNING.
running() {
	rm -f run.out # of the one before
	"$@" >run.out 2>&1 3>&- &
	RUNNING=$!
	SERVERS+=("$RUNNING")
	wait_for grep -q ready run.out
}

# ended STATUS: what runs ends with that.
ended() {
	local got=0
	wait "$RUNNING" || got=$?
	[ "$got" -eq "$1" ] || {
		echo "status $got, expected $1; it said: $(cat run.out)"
		return 1
	}
	nothing_left
}

@test "signals are passed on, and the status is what the command makes of them" {
	local n=20 sig
	for sig in TERM INT HUP QUIT USR1 USR2; do
		n=$((n + 1))
		running hew run alpine:3.19 sh -c "trap 'echo got; exit $n' $sig; echo ready; while :; do sleep 0.05; done"
		kill -"$sig" "$RUNNING"
		ended "$n"
		has got "$(cat run.out)"
	done
}

@test "nohup: a hang-up is not passed on" {
	running env --ignore-signal=HUP "$HEW" run alpine:3.19 sh -c 'trap "echo hung up" HUP; echo ready; sleep 2; exit 3'
	kill -HUP "$RUNNING"
	ended 3
	has_not "hung up" "$(cat run.out)"
}

@test "a signal that nobody catches kills, and that is the status" {
	running hew run alpine:3.19 sh -c 'echo ready; exec sleep 1000'
	kill -TERM "$RUNNING"
	ended 143
	running hew run alpine:3.19 sh -c 'echo ready; exec sleep 1000'
	kill -INT "$RUNNING"
	ended 130
	# its children go with it, also those that left it
	running hew run alpine:3.19 sh -c 'trap "" TERM HUP; (setsid sleep 1000 &); echo ready; sleep 0.2; exit 3'
	ended 3
}

@test "hew killed: nothing of the process is left, nor after the next command of what it wrote" {
	running hew run alpine:3.19 sh -c 'trap "" TERM INT HUP; head -c 100000 /dev/zero >/big; echo ready; while :; do sleep 0.1; done'
	kill -KILL "$RUNNING"
	ends 137 wait "$RUNNING"
	nothing_left
	hew run alpine:3.19 true
	equal "" "$(find "$HEW_ROOT/work" "$HEW_ROOT/leases" -mindepth 1)"
	sound
}

# ---- --check

# app CHECK [INSTRUCTION...]: a service that is up after a moment, says what ends it, and has that HEALTHCHECK.
app() {
	{
		printf 'FROM alpine:3.19\nRUN mkdir -m 1777 -p /tmp\n'
		printf '%s\n' "${@:2}"
		printf 'HEALTHCHECK %s\n' "$1"
		cat <<-'END'
			CMD ["sh", "-c", "trap 'echo got TERM; exit 3' TERM; trap 'echo got USR1; exit 4' USR1; sleep 0.3; echo up >/tmp/up; while :; do sleep 0.05; done"]
		END
	} | dockerfile
	build -t app
}

@test "--check: healthy as soon as the check succeeds; then the command is stopped" {
	app "CMD echo asked; test -e /tmp/up"
	SECONDS=0
	hew run --check app >out 2>err
	[ "$SECONDS" -lt 10 ] # docker's first check comes after 30
	equal "got TERM" "$(cat out)"
	matches "healthy after [0-9].[0-9]s" "$(cat err)"
	nothing_left
}

@test "--check: not healthy is status 1, with what the check said" {
	app '--interval=200ms --retries=2 CMD echo first line; echo "because of this"; exit 7'
	fails 1 hew run --check app
	matches "ERROR: not healthy after *: check [2-9] ended with status 7: because of this" "$LAST"
	has "first line" "$(cat "$ERR")"
	has "got TERM" "$(cat "$BATS_TEST_TMPDIR/out")"
	app '--interval=100ms --retries=1 CMD ["/no/such", "program"]'
	fails 1 hew run --check app
	has "ended with status 127" "$LAST"
	has "/no/such" "$LAST"
	nothing_left
}

@test "--check: the start period and --check-timeout give it time, a check has its own" {
	app '--interval=100ms --retries=1 --start-period=10s CMD test -e /tmp/up'
	hew run --check app
	app 'CMD false'
	fails 1 hew run --check --check-timeout 1 app
	matches "ERROR: not healthy after [12].*" "$LAST"
	fails 1 hew run --check --check-timeout 500ms app
	app '--timeout=300ms --interval=100ms --retries=1 CMD echo waiting; sleep 1000'
	fails 1 hew run --check app
	has "took too long: waiting" "$LAST"
	nothing_left
}

@test "--check: a command that ends is not healthy, whatever its status" {
	app 'CMD test -e /never'
	fails 1 hew run --check app true
	has "ended with status 0" "$LAST"
	fails 1 hew run --check app sh -c 'exit 9'
	has "ended with status 9" "$LAST"
	fails 127 hew run --check app no-such-command
	# asked to stop from outside
	running hew run --check app sh -c 'echo ready; exec sleep 1000'
	kill -TERM "$RUNNING"
	ended 1
}

@test "--check: the check is the image's user, in its directory, with its shell and variables" {
	app 'CMD ["sh", "-c", "echo $(id -u):$(id -g) $(pwd) $A $(cat /tmp/up); false"]' \
		'ENV A=value' 'WORKDIR /w' 'USER 12:34'
	fails 1 hew run --check --check-timeout 1s app
	has ": 12:34 /w value up" "$LAST"
	app 'CMD shown' 'SHELL ["/bin/echo", "my shell"]'
	hew run --check app
	# it sees the command's processes and files
	app '--interval=100ms --retries=50 CMD grep -q "got TERM" /proc/2/cmdline && cat /tmp/up'
	hew run --check app
}

@test "--check: stopped by the image's signal or another, and killed if that is not enough" {
	app '--interval=100ms --retries=50 CMD test -e /tmp/up' 'STOPSIGNAL SIGUSR1'
	equal "got USR1" "$(hew run --check app)"
	equal "got TERM" "$(hew run --check --stop-signal 15 app)"
	SECONDS=0
	hew run --check --stop-timeout 1 app sh -c 'trap "" USR1; touch /tmp/up; while :; do sleep 0.1; done'
	[ "$SECONDS" -lt 10 ]
	nothing_left
}

@test "--check: an image without a check is told apart from an unhealthy one" {
	fails 125 hew run --check alpine:3.19
	has "no HEALTHCHECK" "$LAST"
	app NONE
	fails 125 hew run --check app
}

@test "--check: on a terminal too" {
	app "CMD test -e /tmp/up"
	"$E2E_LIB/terminal" 24 80 hew run -it --check app <<-'EOF'
		expect got TERM
	EOF
}
