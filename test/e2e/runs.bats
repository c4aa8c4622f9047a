#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# RUN and what is around it: its network, its mounts, what it may ask for, and the options that say how it is
# run.
load lib/hew

setup_file() {
	suite_setup
	hew pull -q alpine:3.19
	hew pull -q python:3.12-slim
}

setup() {
	test_setup
	HELD=()
}

teardown() {
	local p
	for p in "${HELD[@]}"; do kill -KILL "$p" 2>/dev/null || true; done
	test_teardown
}

# said: what the RUNs of the last build printed, without what they were.
said() { sed -n 's/^#[0-9]* [0-9.]* //p' "$ERR"; }

# ---- pasta

# A world of its own: MACHINE, a network namespace that hew takes for the machine's, and WORLD behind it, where
# outside.test answers over HTTP. The machine has a service on its loopback.
make_world() {
	unshare --net sleep 600 3>&- &
	WORLD=$!
	unshare --net sleep 600 3>&- &
	MACHINE=$!
	HELD+=("$WORLD" "$MACHINE")
	own_network() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
	wait_for own_network "$WORLD"
	wait_for own_network "$MACHINE"
	ip link add w0 netns "$WORLD" type veth peer name m0 netns "$MACHINE"
	within "$WORLD" sh -c 'ip link set lo up; ip link set w0 up; ip addr add 10.99.0.1/24 dev w0'
	within "$MACHINE" sh -c 'ip link set lo up; ip link set m0 up; ip addr add 10.99.0.2/24 dev m0
		ip route add default via 10.99.0.1'
	mkdir "$BATS_TEST_TMPDIR/pages" "$BATS_TEST_TMPDIR/machine"
	echo "the outside" >"$BATS_TEST_TMPDIR/pages/index.html"
	serve "$WORLD" http.server --bind 10.99.0.1 --directory "$BATS_TEST_TMPDIR/pages" 8000
	serve "$MACHINE" http.server --bind 127.0.0.1 --directory "$BATS_TEST_TMPDIR/pages" 8001
	# where an ordinary user may open it
	mknod -m 666 "$BATS_TEST_TMPDIR/tun" c 10 200
	names 10.99.0.1 "$WORLD"
	on_machine=$BATS_TEST_TMPDIR/on_machine
	cat >"$on_machine" <<-EOF2
		#!/bin/sh
		cd "$PWD"
		exec nsenter --net --target $MACHINE unshare --mount sh -c 'mount --bind $BATS_TEST_TMPDIR/tun /dev/net/tun &&
			mount --bind $BATS_TEST_TMPDIR/resolv.conf /etc/resolv.conf && exec "\$@"' _ "\$@"
	EOF2
	chmod 755 "$on_machine"
	BEFORE=$(on_machine_now)
}

# In whose network, command...
within() { nsenter --net --target "$@"; }

serve() { # in whose network, module, arguments
	nsenter --net --target "$1" python3 -u -m "${@:2}" >"$BATS_TEST_TMPDIR/served" 2>&1 3>&- &
	HELD+=($!)
	wait_for grep -q Serving "$BATS_TEST_TMPDIR/served"
}

# names ADDRESS NET: the machine's resolver is there.
names() {
	nsenter --net --target "$2" python3 "$E2E_LIB/name_server.py" "$1" outside.test 10.99.0.1 \
		>"$BATS_TEST_TMPDIR/named" 2>&1 3>&- &
	HELD+=($!)
	wait_for grep -q ready "$BATS_TEST_TMPDIR/named"
	printf 'search example.test\nnameserver %s\n' "$1" >"$BATS_TEST_TMPDIR/resolv.conf"
}

# What is in the machine's network: with the test's own, in one line a process.
on_machine_now() {
	find /proc/[0-9]*/ns/net -maxdepth 0 -lname "$(readlink "/proc/$MACHINE/ns/net")" -printf '%h\n' 2>/dev/null | sort
}

nobody_left() { [ "$(on_machine_now)" = "$BEFORE" ]; }

reach() {
	cat >reach.py <<-'EOF2'
		import os, socket, urllib.request
		print(urllib.request.urlopen("http://outside.test:8000/", timeout=20).read().decode().strip())
		for where in ("127.0.0.1", "10.99.0.1", "10.99.0.2"):
		    try:
		        socket.create_connection((where, 8001), timeout=5).close()
		        print("reached the machine at", where)
		    except OSError:
		        pass
		print(",".join(sorted(os.listdir("/sys/class/net"))))
	EOF2
}

@test "pasta: the outside, by name; nothing of the machine's; in a build and in hew run" {
	make_world
	reach
	printf 'FROM python:3.12-slim\nRUN --mount=target=/in python3 /in/reach.py\nRUN cat /etc/resolv.conf\n' | dockerfile
	[ -z "${HEW_TEST_UID-}" ] || readable
	ERR=$BATS_TEST_TMPDIR/err
	"$on_machine" hew build --progress plain --network pasta . 2>"$ERR" || { cat "$ERR"; false; }
	equal $'the outside\nlo,m0\nsearch example.test\nnameserver 10.99.0.1' "$(said)"
	equal $'the outside\nlo,m0' "$("$on_machine" hew run --network pasta -v "$PWD:/in" python:3.12-slim python3 /in/reach.py)"
	wait_for nobody_left
	# the machine itself would have been reached
	has "reached the machine at 127.0.0.1" \
		"$("$on_machine" hew run --network default -v "$PWD:/in" python:3.12-slim python3 /in/reach.py)"
}

@test "pasta: a resolver on the machine's loopback answers" {
	make_world
	reach
	names 127.0.0.53 "$MACHINE"
	equal $'the outside\nlo,m0' "$("$on_machine" hew run --network pasta -v "$PWD:/in" python:3.12-slim python3 /in/reach.py)"
}

# knock NET ADDRESS [PORT]: open or refused.
knock() {
	within "$1" python3 - "$2" "${3-8002}" <<-'EOF2'
		import socket, sys
		try:
		    socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)
		    print("open")
		except ConnectionRefusedError:
		    print("refused")
	EOF2
}

@test "pasta: no port leads into a step" {
	make_world
	mkdir in
	cat >in/listen.py <<-'EOF2'
		import http.server, socketserver
		with socketserver.TCPServer(("", 8002), http.server.SimpleHTTPRequestHandler) as s:
		    open("/in/listens", "w").close()
		    s.serve_forever()
	EOF2
	[ -z "${HEW_TEST_UID-}" ] || readable
	"$on_machine" hew run --network pasta -v "$PWD/in:/in" python:3.12-slim python3 /in/listen.py >/dev/null 2>&1 3>&- &
	HELD+=($!)
	wait_for test -e in/listens
	equal refused "$(knock "$MACHINE" 127.0.0.1)"
	equal refused "$(knock "$MACHINE" 10.99.0.2)"
	equal refused "$(knock "$WORLD" 10.99.0.2)"
	equal open "$(knock "$MACHINE" 127.0.0.1 8001)"
}

# start_step: hew in the background with a step that sleeps. Sets PID.
start_step() {
	printf 'FROM alpine:3.19\nRUN echo %s; exec sleep %s\n' "$RANDOM" "$NAP" | dockerfile
	[ -z "${HEW_TEST_UID-}" ] || readable
	"$on_machine" hew build --network pasta --progress plain . >out 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	PID=$!
	wait_for pgrep -f "^sleep $NAP\$"
}

ends_badly() {
	local rc=0
	wait "$1" || rc=$?
	[ "$rc" -ne 0 ]
}

# child PID NAME: the one that is so called.
child() { pgrep -n -P "$1" -x "$2"; }

@test "pasta ends with its step, whatever ends that" {
	local how
	make_world
	for how in TERM HUP KILL holder job init net; do
		start_step
		wait_for pgrep -f 'pasta --foreground'
		case $how in
		TERM | HUP | KILL) kill -"$how" $PID ;;
		holder) kill -KILL "$(child $PID hew-holder)" ;;
		job) kill -KILL "$(child "$(child $PID hew-holder)" hew-holder)" ;;
		init) kill -KILL "$(child "$(child "$(child $PID hew-holder)" hew-holder)" hew-init)" ;;
		net) kill -KILL "$(child "$(child "$(child $PID hew-holder)" hew-holder)" hew-net)" ;;
		esac
		ends_badly $PID
		wait_for nobody_left
		nothing_left
		nobody_naps
	done
	sound
}

@test "pasta that ends takes its step along, and says so" {
	local how
	make_world
	start_step
	kill -KILL "$(pgrep -f 'pasta --foreground')"
	ends_badly $PID
	has "pasta" "$(tail -n 1 "$BATS_TEST_TMPDIR/err")"
	wait_for nobody_left
	for how in clone:1 fork:1 clone:1:enospc fork:1:enospc; do
		HEW_FAULT=sandbox.network.$how "$on_machine" hew build --network pasta . 2>out && false
		has "ERROR: " "$(tail -n 1 out)"
		wait_for nobody_left
	done
	# a machine without an outside
	within "$MACHINE" ip route del default
	fails 11 "$on_machine" hew build --network pasta .
	has "pasta" "$LAST"
	wait_for nobody_left
}

@test "pasta: what the machine has is told by doctor; where it is missing by the build, before anything runs" {
	local none=$BATS_TEST_TMPDIR/none
	mkdir "$none"
	ln -s "$(command -v setpriv)" "$none"
	printf 'FROM alpine:3.19\nRUN true\n' | dockerfile
	[ -z "${HEW_TEST_UID-}" ] || readable
	equal "$(command -v pasta)" "$(hew doctor --format json | jq -r .pasta)"
	equal "" "$(PATH=$none "$HEW" doctor --format json | /usr/bin/jq -r .pasta)"
	has "needs the package passt" "$(PATH=$none "$HEW" doctor)"
	PATH=$none fails_with_path 11 build --network pasta .
	has "install the package passt" "$LAST"
	PATH=$none fails_with_path 125 run --network pasta alpine:3.19 true
	has "install the package passt" "$LAST"
}

fails_with_path() {
	local path=$PATH want=$1
	shift
	PATH=/usr/bin:/bin fails "$want" env PATH="$path" "$HEW" "$@"
}

@test "--network and RUN --network: a Dockerfile takes itself less, and more only with --allow" {
	printf 'FROM alpine:3.19\nRUN --network=default ls /sys/class/net\nRUN --network=none ls /sys/class/net\n' | dockerfile
	build --network none
	equal $'lo\nlo' "$(said)"
	build --network default --no-cache
	equal "$(ls /sys/class/net; echo lo)" "$(said)"
	printf 'FROM alpine:3.19\nRUN --network=host ls /sys/class/net\n' | dockerfile
	build_fails 3 --network none
	has "network.host is not allowed" "$LAST"
	has "Dockerfile:2" "$LAST"
	build --network none --allow network.host
	equal "$(ls /sys/class/net)" "$(said)"
	build
}

# ---- mounts of stages and images

@test "a stage is mounted, not copied: its files as they are, nothing new in the store" {
	dockerfile <<-'EOF'
		FROM alpine:3.19 AS s
		RUN mkdir -p /d/gone /d/old && echo 1 >/d/f && chmod 600 /d/f && chown 3:4 /d/f && touch /d/gone/x /d/old/x
		RUN rm -r /d/gone && rm -r /d/old && mkdir /d/old && touch /d/old/y && chmod 1777 /d && ln -s d/old /link && ln -s /d/f /file
		FROM alpine:3.19
		RUN true
	EOF
	build
	build --target s
	local before
	before=$(ls "$HEW_ROOT/trees" "$HEW_ROOT/layers" | wc -l)
	dockerfile <<-'EOF'
		FROM alpine:3.19 AS s
		RUN mkdir -p /d/gone /d/old && echo 1 >/d/f && chmod 600 /d/f && chown 3:4 /d/f && touch /d/gone/x /d/old/x
		RUN rm -r /d/gone && rm -r /d/old && mkdir /d/old && touch /d/old/y && chmod 1777 /d && ln -s d/old /link && ln -s /d/f /file
		FROM alpine:3.19
		RUN --mount=from=s,target=/m stat -c '%a %u:%g %n' /m/d /m/d/f; ls /m/d /m/d/old; ls /m/etc/passwd; ! touch /m/x 2>/dev/null
		RUN --mount=from=s,source=/d,target=/m stat -c '%a %n' /m; ls /m
		RUN --mount=from=s,source=link,target=/m ls /m
		RUN --mount=from=s,source=/file,target=/f cat /f
		RUN --mount=from=alpine:3.19,source=/etc,target=/m ls /m/passwd
	EOF
	build
	equal '1777 /m/d
600 3:4 /m/d/f
f
old
y
/m/etc/passwd
1777 /m
f
old
y
1
/m/passwd' "$(said | sed 's/^\/m\/d:$//; /^$/d; /:$/d; s/^1777 0:0 /1777 /' | awk '!(/^y$/ && 0)')"
	# the five empty layers of the RUNs are one, which `RUN true` made before
	equal "$before" "$(ls "$HEW_ROOT/trees" "$HEW_ROOT/layers" | wc -l)"
}

@test "a stage mounted rw: what is written is thrown away, the stage stays" {
	dockerfile <<-'EOF'
		FROM alpine:3.19 AS s
		RUN mkdir /d && echo old >/d/f
		FROM alpine:3.19
		RUN --mount=from=s,source=/d,target=/m,rw echo new >/m/f && rm -r /m/f && touch /m/g && ls /m
		RUN --mount=from=s,target=/m,rw rm -r /m/d /m/etc && ls /m | grep -cx -e d -e etc || true
		RUN --mount=from=s,source=/d,target=/m cat /m/*
		COPY --from=s /d /d
	EOF
	build -t t
	equal $'g\n0\nold' "$(said)"
	unpack t
	equal old "$(cat "$ROOTFS"/d/*)"
	[ ! -e "$ROOTFS/m" ]
	equal "" "$(find "$HEW_ROOT/work" -mindepth 1)"
}

@test "a mount of a stage counts by what it shows, its own folder included" {
	stage() {
		dockerfile <<-EOF
			FROM alpine:3.19 AS s
			RUN mkdir /a /b && $1
			FROM alpine:3.19
			RUN --mount=from=s,source=/a,target=/m ls -a /m >/x
		EOF
		build
		ran | grep -c 'RUN --mount' || true
	}
	equal 1 "$(stage 'echo 1 >/a/f')"
	equal 0 "$(stage 'echo 1 >/a/f; echo 2 >/b/f')"
	equal 1 "$(stage 'echo 2 >/a/f')"
	equal 1 "$(stage 'echo 2 >/a/f; chmod 700 /a')"
	equal 1 "$(stage 'echo 2 >/a/f; chown 5 /a')"
}

@test "a mount's source is a name, not a pattern" {
	mkdir 'c*' cc
	echo star >'c*/f'
	echo plain >cc/f
	dockerfile <<-'EOF'
		FROM alpine:3.19 AS s
		RUN mkdir '/d*' /dd && echo star >'/d*/f' && echo plain >/dd/f
		FROM alpine:3.19
		RUN --mount=from=s,source=/d*,target=/m cat /m/f
		RUN --mount=source=c*,target=/m cat /m/f
	EOF
	build
	equal $'star\nstar' "$(said)"
}

@test "a stage's links and device nodes lead a mount nowhere outside" {
	local victim=$BATS_TEST_TMPDIR/victim link
	mkdir "$victim"
	echo secret >"$victim/secret"
	for link in "$victim" "$victim/secret" ../../../../../../../.."$victim" /proc/self/root"$victim" /proc/1/cwd; do
		printf 'FROM alpine:3.19 AS s\nRUN ln -s %s /link\nFROM alpine:3.19\nRUN --mount=from=s,source=/link,target=/m cat /m /m/*\n' "$link" | dockerfile
		build_fails 4
		has "not found" "$LAST"
	done
	printf 'FROM alpine:3.19 AS s\nRUN true\nFROM alpine:3.19\nRUN --mount=from=s,source=/../../..,target=/m ls -d /m%s 2>&1; ls /m/etc/passwd\n' "$victim" | dockerfile
	build
	has_not secret "$(cat "$ERR")"
	has /m/etc/passwd "$(said)"
}

# ---- caches

# both SHARING... : two steps at once with the same cache, each with the sharing given; what each saw of the
# other's file while both ran.
both() {
	local s=$1 step
	{
		for step in a b; do
			printf 'FROM alpine:3.19 AS %s\nARG N\nRUN --mount=type=cache,target=/sync --mount=type=cache,target=/c,sharing=%s ' $step "$s"
			printf 'touch /sync/%s.$N /c/%s.$N; n=0; while [ $n -lt %s ] && ! { [ -e /sync/a.$N ] && [ -e /sync/b.$N ]; }; do n=$((n+1)); sleep 0.02; done; echo %s saw $(ls /c | grep "[.]$N" | wc -l)\n' \
				$step $step "$2" $step
			s=${3-$s}
		done
		printf 'FROM alpine:3.19\nCOPY --from=a /etc/passwd /a\nCOPY --from=b /etc/passwd /b\n'
	} | dockerfile
	build --jobs 2 --build-arg N="$RANDOM$RANDOM"
	said | sort
}

@test "cache sharing: shared is at once, private gets another one, locked waits" {
	equal $'a saw 2\nb saw 2' "$(both shared 500)"
	equal $'a saw 1\nb saw 1' "$(both private 500)"
	has "b saw 1" "$(both shared 25 private)" # whoever is first
	# the second comes after the first has given up waiting for it
	equal $'saw 1\nsaw 2' "$(both locked 10 | cut -c3- | sort)"
	equal $'saw 1\nsaw 2' "$(both locked 10 shared | cut -c3- | sort)"
	equal "" "$(find "$HEW_ROOT/locks" -mindepth 1 ! -name '.*')"
}

@test "a private cache is kept, and used again" {
	printf 'FROM alpine:3.19\nARG N\nRUN --mount=type=cache,target=/p,sharing=private echo x >>/p/x; wc -l </p/x\n' | dockerfile
	build --build-arg N=1
	build --build-arg N=2
	equal 2 "$(said)"
}

@test "a cache begins with what from and source say, owned as asked for" {
	dockerfile <<-'EOF'
		FROM alpine:3.19 AS s
		RUN mkdir -p /seed/d && echo seed >/seed/d/f
		FROM alpine:3.19
		ARG N
		RUN --mount=type=cache,target=/c,id=seeded,from=s,source=/seed,uid=5,gid=6,mode=0710 stat -c '%a %u:%g' /c; cat /c/d/f; echo more >>/c/d/f
	EOF
	build --build-arg N=1
	equal $'710 5:6\nseed' "$(said)"
	build --build-arg N=2
	equal $'710 5:6\nseed\nmore' "$(said)"
	# also where it is mounted without them first
	sed 's/id=seeded/id=twice/; s/RUN --mount/RUN --mount=type=cache,target=\/b,id=twice --mount/' Dockerfile |
		build --build-arg N=3 -f -
	equal $'710 5:6\nseed' "$(said)"
	# what it would begin with counts
	sed -i 's/echo seed/echo other/' Dockerfile
	build --build-arg N=2
	has "seed" "$(said)"
}

@test "a cache that several steps begin is whole for each of them" {
	local s
	{
		printf 'FROM alpine:3.19 AS seed\nRUN mkdir /s && cd /s && seq 400 | xargs touch\n'
		for s in 1 2 3; do
			printf 'FROM alpine:3.19 AS s%s\n' $s
			echo "RUN --mount=type=cache,id=begun,target=/c,from=seed,source=/s ls /c | wc -l >/$s"
		done
		echo "FROM scratch"
		for s in 1 2 3; do echo "COPY --from=s$s /$s /"; done
	} | dockerfile
	build --jobs 3 -o out
	equal "400 400 400" "$(cat out/[123] | xargs)"
	build -o out
	equal "" "$(ran)"
}

@test "BUILDKIT_CACHE_MOUNT_NS: other caches" {
	printf 'FROM alpine:3.19\nARG N\nRUN --mount=type=cache,target=/ns echo x >>/ns/x; wc -l </ns/x\n' | dockerfile
	build --build-arg N=1
	build --build-arg N=2 --build-arg BUILDKIT_CACHE_MOUNT_NS=mine
	equal 1 "$(said)"
	build --build-arg N=3
	equal 2 "$(said)"
}

# ---- mounts as they are written

@test "mounts: keys in any case, values with variables, relative targets" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		ARG D=dir I=ident M=0750
		WORKDIR /w
		RUN --mount=TYPE=Cache,Target=$D/c,ID=$I,Mode=$M,SHARING=Locked stat -c '%a %n' /w/dir/c; touch /w/dir/c/here
		RUN --mount=type=cache,id=ident,dst=/other ls /other
		RUN --mount=type=tmpfs,destination=t,size=${S:-64k} ! head -c 100000 /dev/zero >/w/t/x 2>/dev/null && echo full
		RUN --mount=type=secret,target=sub/name tr a-z A-Z <sub/name
		RUN --mount=type=secret,source=name,env=V,target=f,mode=0444,uid=7,gid=8 echo "$V" | tr a-z A-Z; stat -c '%a %u:%g' f
		RUN --mount=type=secret,id=name,env=ONLY echo "$ONLY" | tr a-z A-Z; ls /run/secrets 2>/dev/null || true
		RUN --mount=target=ctx,ro cat ctx/file; ! touch ctx/x 2>/dev/null
	EOF
	printf hidden >"$BATS_TEST_TMPDIR/name"
	echo file >file
	build --secret id=name,src="$BATS_TEST_TMPDIR/name"
	equal '750 /w/dir/c
here
full
HIDDEN
HIDDEN
444 7:8
HIDDEN
file' "$(said)"
	printf 'FROM alpine:3.19 AS s\nFROM alpine:3.19\nARG S=s\nRUN --mount=from=$S,target=/m true\n' | dockerfile
	build_fails 3
	has "variable expansion" "$LAST"
	printf 'FROM alpine:3.19\nRUN --mount=type=tmpfs,target=/ true\n' | dockerfile
	build_fails 3
}

@test "places to mount on leave no trace: no entry, no time" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN mkdir -p /a/b && touch -d '2001-02-03 04:05:06' /a/b && touch -d '2001-02-03 04:05:07' /a
		RUN --mount=type=cache,target=/a/b/c/d --mount=type=tmpfs,target=/a/t --mount=type=secret,id=s,target=/a/s \
		    --mount=type=bind,target=/a/b/ctx echo x >/a/b/c/d/x && test -s /a/s && ls /a >/made
	EOF
	echo s >"$BATS_TEST_TMPDIR/s"
	build -t t --secret id=s,src="$BATS_TEST_TMPDIR/s"
	equal "made" "$(tar -tf "$(blob "$(config '.rootfs.diff_ids[-1]')")")"
	unpack t
	equal $'b' "$(ls "$ROOTFS/a")"
	equal "" "$(ls "$ROOTFS/a/b")"
	equal "$(date -ud '2001-02-03 04:05:07' +%s) $(date -ud '2001-02-03 04:05:06' +%s)" "$(mtime a) $(mtime a/b)"
}

@test "a secret's value is in no key, no history, no record and no log" {
	printf 'hunter2-value' >"$BATS_TEST_TMPDIR/secret"
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN --mount=type=secret,id=s --mount=type=secret,id=s,env=TOKEN test "$TOKEN" = "$(cat /run/secrets/s)" && echo same
		RUN --mount=type=secret,id=s,env=TOKEN echo "it is $TOKEN"; printf 'hunter'; sleep 0.1; printf '2-value, again'
	EOF
	build -t t --secret id=s,src="$BATS_TEST_TMPDIR/secret"
	equal $'same\nit is ***\n***, again' "$(said)"
	has_not hunter2 "$(cat "$ERR")"
	has_not hunter2 "$(hew history --no-trunc t; hew inspect t)"
	equal "" "$(grep -rl hunter2 "$HEW_ROOT" || true)"
	# nor does another value run the step again
	printf 'hunter3-value' >"$BATS_TEST_TMPDIR/secret"
	build --secret id=s,src="$BATS_TEST_TMPDIR/secret"
	equal "" "$(ran | grep RUN || true)"
}

# ---- what a RUN may ask for

@test "RUN --security=insecure: with --allow, all rights; its result is another one" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN --security=insecure grep -E '^(CapEff|Seccomp):' /proc/self/status; mkdir /m && mount -t tmpfs none /m && echo mounted
		RUN grep -E '^(CapEff|Seccomp):' /proc/self/status
	EOF
	build_fails 3
	has "security.insecure is not allowed" "$LAST"
	has "Dockerfile:2" "$LAST"
	build --allow security.insecure
	local seen
	seen=$(said)
	has $'Seccomp:    0\nmounted' "$seen"
	equal $'CapEff:    00000000a80425fb\nSeccomp:    2' "$(tail -n 2 <<<"$seen")"
	sed -i 's/--security=insecure/--security=sandbox/; s/ && mount -t.*$//' Dockerfile
	build
	printf 'FROM alpine:3.19\nRUN --device=vendor.com/class=name true\n' | dockerfile
	build_fails 3 --allow device=vendor.com/class
	has "devices of the host" "$LAST"
	fails 2 hew build --allow security.secure .
}

@test "heredocs: a script by its own interpreter, in /dev/pipes; the shell that SHELL names" {
	dockerfile <<-'EOF'
		FROM python:3.12-slim
		RUN <<SCRIPT
		#!/usr/bin/env python3
		import os, stat, sys
		s = os.stat(sys.argv[0])
		print(sys.argv[0], oct(stat.S_IMODE(s.st_mode)), s.st_uid)
		SCRIPT
		SHELL ["/usr/bin/env", "python3", "-c"]
		RUN print("by", "SHELL")
		RUN <<EOF2
		for x in "ab":
		    print(x)
		EOF2
		SHELL ["/bin/sh", "-ec"]
		RUN <<-EOF2
			false || echo goes on
		EOF2
	EOF
	build -t t
	equal '/dev/pipes/SCRIPT 0o755 0
by SHELL
a
b
goes on' "$(said)"
	unpack t
	[ ! -e "$ROOTFS/dev/pipes" ]
}

@test "USER: groups by name and by number; WORKDIR: made with owner and mode, and found as it is" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN echo 'app:x:1001:1002::/:/bin/sh' >>/etc/passwd && printf 'main:x:1002:\nextra:x:1003:other,app\nmore:x:1004:app\n' >>/etc/group
		USER app
		RUN id -u; id -g; id -G
		USER 1001
		RUN id -u; id -g; id -G
		USER app:more
		RUN id -G
		USER 1001:1009
		RUN id -G
		USER 77
		RUN id -u; id -G
		USER app
		WORKDIR /made/deep
		RUN stat -c '%a %u:%g %n' /made /made/deep; touch here
		WORKDIR /tmp
		RUN stat -c '%a %u:%g %n' .
	EOF
	build
	equal '1001
1002
1002 1003 1004
1001
1002
1002 1003 1004
1004
1009
77
0
755 1001:1002 /made
755 1001:1002 /made/deep
1777 0:0 .' "$(said)"
}

# ---- options

@test "--add-host: all forms; the name counts for the key, the address does not" {
	printf 'FROM alpine:3.19\nRUN tail -n +3 /etc/hosts | tr "\\t" " "\n' | dockerfile
	build --add-host one:1.2.3.4 --add-host two=1.2.3.5 --add-host six:fd00::1 --add-host 'br=[fd00::2]' --add-host me:host-gateway
	equal $'1.2.3.4 one\n1.2.3.5 two\nfd00::1 six\nfd00::2 br\n127.0.0.1 me' "$(said)"
	build --add-host one:9.9.9.9 --add-host two=1.2.3.5 --add-host six:fd00::1 --add-host 'br=[fd00::2]' --add-host me:host-gateway
	equal "" "$(ran)"
	build --add-host other:9.9.9.9
	equal '9.9.9.9 other' "$(said)"
	for bad in one one: :1.2.3.4 one:1.2.3 'a b:1.2.3.4' one:name; do
		fails 2 hew build --add-host "$bad" .
		has "NAME:IP" "$LAST"
	done
}

@test "--ulimit, --shm-size: they hold, and count" {
	printf 'FROM alpine:3.19\nRUN ulimit -Sn; ulimit -Hn; ulimit -c; df -k /dev/shm | tail -n 1 | tr -s " " | cut -d" " -f2\n' | dockerfile
	build --ulimit nofile=100:200 --ulimit core=0 --shm-size 1m
	equal $'100\n200\n0\n1024' "$(said)"
	build --ulimit nofile=100:200 --ulimit core=0 --shm-size 1m
	equal "" "$(ran)"
	build --ulimit nofile=150 --ulimit core=0
	equal $'150\n150\n0\n65536' "$(said)"
	build --ulimit nofile=150 --ulimit core=0 --shm-size 0 # the default, as for docker
	equal "" "$(ran)"
	for bad in nofile nofile= nofile=x nofile=2:1 nofile=-1:5 files=1; do fails 2 hew build --ulimit "$bad" .; done
	fails 2 hew build --shm-size much .
}

@test "BUILDKIT_SANDBOX_HOSTNAME: the host name; it counts" {
	printf 'FROM alpine:3.19\nRUN hostname; grep -o "localhost [a-z]*$" /etc/hosts | head -n 1\n' | dockerfile
	build
	equal $'buildkitsandbox\nlocalhost buildkitsandbox' "$(said)"
	build --build-arg BUILDKIT_SANDBOX_HOSTNAME=other
	equal $'other\nlocalhost other' "$(said)"
	build --build-arg BUILDKIT_MULTI_PLATFORM=1 --build-arg BUILDKIT_BUILD_NAME=x --build-arg BUILDKIT_SYNTAX=y
	equal "" "$(ran)"
}

@test "--annotation: of the manifest and of its descriptor; others are refused" {
	printf 'FROM scratch\nCOPY Dockerfile /\n' | dockerfile
	build --annotation a=1 --annotation manifest:b=x=y --annotation 'manifest[linux/'"$(go_arch)"'],manifest-descriptor:c=3' \
		--annotation 'manifest[plan9/mips]:d=4' -o type=oci,dest=out.tar --metadata-file meta.json
	mkdir out
	tar -xf out.tar -C out
	equal '{"a":"1","b":"x=y","c":"3"}' "$(jq -c .annotations "out/blobs/sha256/$(jq -r '.manifests[0].digest[7:]' out/index.json)")"
	equal 3 "$(jq -r '.manifests[0].annotations.c' out/index.json)"
	equal 3 "$(jq -r '."containerimage.descriptor".annotations.c' meta.json)"
	local bad
	for bad in index index-descriptor 'index[linux/'"$(go_arch)"']' manifest,index; do
		fails 12 hew build --annotation "$bad:a=1" .
		has "index annotations not supported for single platform export" "$LAST"
	done
	for bad in layer '' 'manifest,' 'manifest[' 'manifest[]' 'manifest[linux/amd64' 'manifest[no/such/thing/x]'; do
		fails 2 hew build --annotation "$bad:a=1" .
	done
	fails 2 hew build --annotation a .
}

@test "docker's options without a meaning here: one note each, and the build goes on" {
	printf 'FROM scratch\nLABEL a=1\n' | dockerfile
	local n=0 o
	for o in --builder=x --compress --force-rm --isolation=default --rm --security-opt=x --allow=device; do
		hew build -q "$o" . 2>notes
		equal 1 "$(wc -l <notes)"
		has "hew: --" "$(cat notes)"
		n=$((n + 1))
	done
	equal 7 $n
	hew build -q --security-opt=a --security-opt=b . 2>notes
	equal 1 "$(wc -l <notes)"
	hew build -q --sbom=false --provenance=none --load . 2>notes
	hew build -q --sbom=false --attest type=provenance,disabled=true . 2>>notes
	equal "" "$(cat notes)"
	fails 2 hew build --print=outline .
	has "--call outline" "$LAST"
	fails 2 hew build --attest type=vibes .
}
