# SPDX-License-Identifier: Apache-2.0
# Ways out that an image, a context, a step or a running image may try. In every test a folder of the host's
# ($VICTIM) must be untouched at the end, nothing mounted, nothing running and the store sound. Most have a
# control: the same thing does work where it is meant to.

load lib/hew

setup_file() {
	suite_setup
	for image in alpine:3.19 python:3.12-slim debian:bookworm-slim; do hew pull -q $image; done
}

setup() {
	test_setup
	export VICTIM=$BATS_TEST_TMPDIR/victim
	mkdir "$VICTIM"
	echo host >"$VICTIM/secret"
	echo host >"$VICTIM/other"
	victim_now >"$BATS_TEST_TMPDIR/victim.want"
	mounts_now >"$BATS_TEST_TMPDIR/mounts"
}

teardown() {
	test_teardown
	[ -z "$BATS_TEST_COMPLETED" ] || unharmed
}

victim_now() { find "$VICTIM" -printf '%p %y %m %U:%G %n %s %T@ %l\n' -type f -exec cat {} + | sort; }

unharmed() {
	diff "$BATS_TEST_TMPDIR/victim.want" <(victim_now)
	nothing_left
	diff "$BATS_TEST_TMPDIR/mounts" <(mounts_now)
	sound
	equal "" "$(ls "$HEW_ROOT/work" 2>/dev/null)"
}

craft() { "$E2E_LIB/craft" "$@"; }

# load_crafted <PYTHON: an image named crafted.
load_crafted() { craft image crafted.tar && hew load -q -i crafted.tar; }

# refused_crafted PART <PYTHON: it is not taken, and the error says so.
refused_crafted() {
	craft image crafted.tar
	fails 9 hew load -i crafted.tar
	has "$1" "$LAST"
}

# says WANT IMAGE [hew run's options] <SCRIPT: what the script prints, run by hew run and by a RUN.
says() {
	local want=$1 image=$2 got
	shift 2
	mkdir -p in
	cat >in/script
	got=$(hew run -v "$PWD/in:/in:ro" "$@" "$image" sh /in/script 2>&1) || true
	equal "hew run: $want" "hew run: $got"
	printf 'FROM %s\nRUN --mount=type=bind,source=in,target=/in sh /in/script\n' "$image" >says.Dockerfile
	build --no-cache -f says.Dockerfile
	equal "RUN: $want" "RUN: $(printed)"
}

# printed: what the steps (those that were not cached) of the last build printed.
printed() { sed -n 's/^#[0-9]* [0-9][0-9]*\.[0-9]* //p' "$ERR"; }

# ---- devices

@test "devices: nodes do not open, wherever they are made" {
	only_root "a user namespace makes no device nodes"
	says $'made\n1' alpine:3.19 <<-'EOF'
		for f in /dev/node /dev/shm/node /tmp/node /node; do
			mknod $f c 1 5
			head -c 1 $f >/dev/null 2>&1 && echo "$f opens"
		done
		mknod /disk b 254 0; head -c 1 /disk 2>/dev/null
		test -c /node && echo made
		head -c 1 /dev/zero | wc -c
	EOF
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN --mount=type=cache,target=/cache --mount=type=tmpfs,target=/tmpfs --mount=type=bind,target=/bind,rw \
		    for d in /cache /tmpfs /bind; do mknod $d/n c 1 5; head -c 1 $d/n && exit 1; done; head -c 1 /dev/zero >/dev/null
	EOF
	build
	mkdir volume && mknod volume/n c 1 5
	fails 1 hew run -v "$PWD/volume:/v" alpine:3.19 head -c 1 /v/n || has "Permission denied" "$(cat "$ERR")"
}

@test "devices: nodes that came in a layer, a context or an archive do not open" {
	only_root "a user namespace makes no device nodes"
	load_crafted <<-'EOF'
		busybox()
		node("null2", "c", 1, 3); node("zero2", "c", 1, 5); node("disk", "b", 254, 0)
	EOF
	says "1" crafted <<-'EOF'
		for f in /null2 /zero2 /disk; do head -c 1 $f 2>/dev/null && echo "$f opens"; test -e $f || echo "no $f"; done
		head -c 1 /dev/zero | wc -c
	EOF
	mknod node c 1 5
	craft tar nodes.tar <<<'node("archived", "c", 1, 5)'
	dockerfile <<-'EOF'
		FROM alpine:3.19
		COPY node /
		ADD nodes.tar /
		RUN test -c /node -a -c /archived; ! head -c 1 /node && ! head -c 1 /archived
	EOF
	build
}

@test "devices: 0:0 means deletion, to overlayfs and so to hew" {
	load_crafted <<-'EOF'
		busybox(); file("etc/keep"); file("etc/gone")
		layer(); node("etc/gone", "c", 0, 0)
	EOF
	equal keep "$(hew run crafted sh -c 'cd /etc; ls | grep -E "keep|gone"')"
	echo "FROM crafted" >Dockerfile
	build -o out
	equal keep "$(ls out/etc)"
	mknod node c 0 0
	printf 'FROM scratch\nCOPY node /\n' >Dockerfile
	build_fails 4
	has "0:0" "$LAST"
	says $'1\nno' alpine:3.19 <<<'mknod /etc/passwd2 c 0 0 2>/dev/null; echo $?; test -e /etc/passwd2 || echo no'
}

@test "devices: /dev holds what docker puts there, and no more" {
	says "core fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero" alpine:3.19 <<-'EOF'
		ls /dev | tr '\n' ' ' | sed 's/ $//'
	EOF
}

# ---- /proc and /sys

@test "/proc and /sys cannot be written" {
	cat >open.sh <<-'EOF'
		n=0
		for f in /proc/sysrq-trigger /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sys/vm/drop_caches \
		    /proc/sys/kernel/hostname /proc/sys/net/ipv4/ip_forward /proc/irq/default_smp_affinity \
		    /proc/bus/pci/devices /proc/fs/ext4 /sys/kernel/uevent_helper /sys/power/state /sys/kernel/mm/ksm/run \
		    /sys/kernel/mm/transparent_hugepage/enabled /sys/block /sys/fs/cgroup/cgroup.procs /sys/kernel/profiling; do
			[ -e $f ] && n=$((n + 1))
			[ -f $f ] && (: >>$f) 2>/dev/null && echo "$f opens"
			[ -d $f ] && mkdir $f/new 2>/dev/null && echo "$f is writable"
		done
		mkdir /sys/fs/cgroup/new 2>/dev/null && echo "/sys/fs/cgroup is writable"
		mount -o remount,rw /proc/sys 2>/dev/null && echo "/proc/sys was remounted"
		(: >>/proc/self/oom_score_adj) && echo "its own are its own"
		[ $n -ge 6 ] && echo "there were some"
	EOF
	says $'its own are its own\nthere were some' alpine:3.19 <open.sh
	# as root outside they do open
	has "/proc/sys/kernel/core_pattern opens" "$(unshare --mount sh open.sh 2>/dev/null)"
}

@test "/proc and /sys: what docker masks is masked" {
	cat >masked.sh <<-'EOF'
		n=0
		for f in /proc/kcore /proc/keys /proc/timer_list /proc/interrupts /proc/latency_stats /proc/sched_debug; do
			[ -e $f ] || continue
			n=$((n + 1))
			[ "$(head -c 1 $f 2>/dev/null | wc -c)" = 0 ] || echo "$f can be read"
		done
		for d in /proc/acpi /proc/scsi /proc/asound /sys/firmware /sys/devices/virtual/powercap; do
			[ -d $d ] || continue
			n=$((n + 1))
			[ -z "$(ls -A $d)" ] || echo "$d can be read"
		done
		[ $n -ge 4 ] && echo "there were some"
	EOF
	says "there were some" alpine:3.19 <masked.sh
	has "can be read" "$(sh masked.sh)"
}

# ---- rights

@test "capabilities are docker's" {
	local docker="CapInh 0000000000000000
CapPrm 00000000a80425fb
CapEff 00000000a80425fb
CapBnd 00000000a80425fb
CapAmb 0000000000000000
NoNewPrivs 0
Seccomp 2"
	says "$docker" alpine:3.19 <<<"sed -n 's/^\(Cap...\|NoNewPrivs\|Seccomp\):./\1 /p' /proc/self/status"
	equal $'0000000000000000\n0000000000000000\n00000000a80425fb' \
		"$(hew run -u 1000 alpine:3.19 sed -n 's/^Cap\(Prm\|Eff\|Bnd\):.//p' /proc/self/status)"
}

@test "a Dockerfile cannot give itself more" {
	printf 'FROM alpine:3.19\nRUN --security=insecure true\n' >Dockerfile
	build_fails 3 || build_fails 5
	has "Dockerfile:2" "$LAST"
	has "security.insecure is not allowed" "$LAST"
}

@test "system calls that docker refuses are refused" {
	mkdir in
	# shellcheck disable=SC2016
	cat >in/calls.py <<-'EOF'
		import ctypes, errno, os, platform
		arm = platform.machine() == "aarch64"
		libc = ctypes.CDLL(None, use_errno=True)
		def call(name, x86, aarch64, *args):
		    if os.fork() == 0: # some of them, where they work, change the process
		        ctypes.set_errno(0)
		        r = libc.syscall(aarch64 if arm else x86, *args)
		        print(name, "works" if r >= 0 else errno.errorcode[ctypes.get_errno()], flush=True)
		        os._exit(0)
		    os.wait()
		NEWUSER, NEWNS, SIGCHLD = 0x10000000, 0x20000, 17
		call("mount", 165, 40, b"none", b"/tmp", b"tmpfs", 0, 0)
		call("umount2", 166, 39, b"/proc", 2)
		call("move_mount", 429, 429, -1, b"", -1, b"", 0)
		call("open_tree", 428, 428, -100, b"/", 1)
		call("pivot_root", 155, 41, b"/", b"/")
		call("unshare user", 272, 97, NEWUSER)
		call("unshare mount", 272, 97, NEWNS)
		call("setns", 308, 268, 0, 0)
		call("clone user", 56, 220, NEWUSER | SIGCHLD, 0, 0, 0, 0)
		call("clone3", 435, 435, 0, 0)
		call("keyctl", 250, 219, 0, -3, 0)
		call("add_key", 248, 217, b"user", b"x", b"x", 1, -3)
		call("bpf", 321, 280, 0, 0, 0)
		call("perf_event_open", 298, 241, 0, 0, -1, -1, 0)
		call("io_uring_setup", 425, 425, 1, 0)
		call("userfaultfd", 323, 282, 0)
		call("open_by_handle_at", 304, 265, 0, 0, 0)
		call("init_module", 175, 105, 0, 0, b"")
		call("kexec_load", 246, 104, 0, 0, 0, 0)
		call("reboot", 169, 142, 0, 0, 0, 0)
		call("swapon", 167, 224, b"/x", 0)
		call("syslog", 103, 116, 3, 0, 0)
		call("settimeofday", 164, 170, 0, 0)
		call("socket alg", 41, 198, 38, 5, 0)
		call("socket vsock", 41, 198, 40, 1, 0)
		call("one nobody knows", 1000, 1000)
		call("getpid", 39, 172)
		call("ptrace of nobody", 101, 117, 16, 999999, 0, 0)
	EOF
	says "$(sed -n 's/^call("\([^"]*\)".*/\1 EPERM/p' in/calls.py |
		sed 's/^\(clone3\|one nobody knows\) .*/\1 ENOSYS/; s/^getpid .*/getpid works/; s/^ptrace.*/ptrace of nobody ESRCH/')" \
		python:3.12-slim <<<'python3 /in/calls.py'
	# outside, in namespaces that end with it, the kernel's own answers
	has "unshare user works" "$(unshare --mount --pid --fork --kill-child python3 in/calls.py)"
}

@test "keys of the caller's session are not the step's" {
	mkdir in
	cat >in/keys.py <<-'EOF'
		import ctypes, ctypes.util, os, platform, sys
		add_key, request_key, keyctl = (248, 249, 250) if platform.machine() == "x86_64" else (217, 218, 219)
		libc = ctypes.CDLL(None, use_errno=True)
		if len(sys.argv) > 1: # a session with a key, and then the command
		    if libc.syscall(keyctl, 1, None) < 0 or libc.syscall(add_key, b"user", b"hew-escape", b"secret", 6, -3) < 0:
		        sys.exit(77)
		    os.execvp(sys.argv[1], sys.argv[1:])
		print("found" if libc.syscall(request_key, b"user", b"hew-escape", None, 0) > 0 else "not found")
	EOF
	equal found "$(python3 in/keys.py python3 in/keys.py)"
	equal "not found" "$(python3 in/keys.py hew run -v "$PWD/in:/in" python:3.12-slim python3 /in/keys.py)"
	printf 'FROM python:3.12-slim\nRUN --mount=type=bind,source=in,target=/in python3 /in/keys.py\n' >Dockerfile
	ERR=$PWD/err
	python3 in/keys.py hew build --progress plain . 2>"$ERR"
	equal "not found" "$(printed)"
}

@test "set-user-id programs and file capabilities work inside" {
	dockerfile <<-'EOF'
		FROM python:3.12-slim
		RUN cp "$(readlink -f /usr/local/bin/python3)" /suid && cp /suid /plain && cp /suid /capable && chmod 4755 /suid
		RUN python3 -c 'import os, struct; os.setxattr("/capable", "security.capability", struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0))'
		USER 1000
		RUN /suid -c 'import os; print("suid", os.geteuid())'; /plain -c 'import os; print("plain", os.geteuid())'
		RUN for p in /capable /plain; do $p -c 'print([l.split()[1] for l in open("/proc/self/status") if l.startswith("CapEff")][0])'; done
	EOF
	build -t suid
	equal $'suid 0\nplain 1000\n0000000000000400\n0000000000000000' "$(printed)"
	equal 0 "$(hew run -u 1000 suid /suid -c 'import os; print(os.geteuid())')"
}

@test "nobody else on the machine gets at the programs of images" {
	export HEW_ROOT=$PWD/open
	local nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	mkdir -m 755 "$HEW_ROOT"
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN cp /bin/busybox /suid && chmod 4755 /suid
	EOF
	build
	[ -n "$(find "$HEW_ROOT/trees" -name suid -perm -4000)" ]
	# a folder that is open by itself: what is in it is not
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR" "$PWD" "$HEW_ROOT"
	"${nobody[@]}" test -e "$HEW_ROOT/oci-layout"
	equal "" "$("${nobody[@]}" find "$HEW_ROOT" -mindepth 2 2>/dev/null)"
}

# ---- processes

@test "processes of the host are not there" {
	sleep 4331 3>&- &
	SERVERS+=($!)
	mkdir in
	cat >in/attack.py <<-'EOF'
		import ctypes, os, sys
		pid = int(sys.argv[1])
		libc = ctypes.CDLL(None, use_errno=True)
		for what, sig in ("probe", 0), ("kill", 9):
		    try: os.kill(pid, sig); print(what, "works")
		    except OSError as e: print(what, e.strerror)
		libc.ptrace.restype = ctypes.c_long
		print("ptrace", libc.ptrace(16, pid, 0, 0), os.strerror(ctypes.get_errno()))
		print(os.path.exists("/proc/%d" % pid), max(int(p) for p in os.listdir("/proc") if p.isdigit()) < 100)
		try: os.kill(1, 9); print("process 1 lives")
		except OSError as e: print(e.strerror)
		print(os.access("/proc/1/root/etc", os.F_OK), os.access("/proc/1/cwd", os.F_OK))
	EOF
	# above every pid of the new namespace
	[ ${SERVERS[0]} -gt 100 ]
	says $'probe No such process\nkill No such process\nptrace -1 No such process\nFalse True\nprocess 1 lives\nFalse False' \
		python:3.12-slim <<<"python3 /in/attack.py ${SERVERS[0]}"
	kill -0 "${SERVERS[0]}"
}

@test "processes: orphans are reaped, and what is left behind is killed" {
	says $'a zombie\nnone' alpine:3.19 <<-'EOF'
		zombies() { grep -ls '^State:.Z' /proc/[0-9]*/status | wc -l; }
		# a parent that does not wait: the way to count sees one
		sh -c '(exit 0) & exec sleep 20' & parent=$!
		until [ "$(zombies)" = 1 ]; do :; done
		echo "a zombie"
		kill $parent
		i=0; while [ $i -lt 50 ]; do (true & true) & i=$((i + 1)); done
		wait
		i=0; until [ "$(zombies)" = 0 ] || [ $i -gt 500 ]; do i=$((i + 1)); done
		[ $i -le 500 ] && echo none
	EOF
	says started alpine:3.19 <<-'EOF'
		(sleep 4332 >/dev/null 2>&1 &)
		setsid sleep 4332 >/dev/null 2>&1 &
		trap '' TERM HUP
		echo started
	EOF
	[ -z "$(pgrep -f 'sleep 4332')" ]
}

# ---- the network

@test "network none: no interface but loopback, nothing of the host's on it" {
	mkdir served in && echo page >served/page
	serve_folder "$PWD/served"
	cat >in/script <<-EOF
		sed -n 's/^ *\([a-z0-9]*\):.*/\1/p' /proc/net/dev
		wget -q -O - http://127.0.0.1:$PORT/page 2>/dev/null || echo refused
	EOF
	equal $'lo\nrefused' "$(hew run --network none -v "$PWD/in:/in" alpine:3.19 sh /in/script)"
	has page "$(hew run -v "$PWD/in:/in" alpine:3.19 sh /in/script)"
	printf 'FROM alpine:3.19\nRUN --network=none --mount=type=bind,source=in,target=/in sh /in/script\n' >Dockerfile
	build
	equal $'lo\nrefused' "$(printed)"
	printf 'FROM alpine:3.19\nRUN --mount=type=bind,source=in,target=/in sh /in/script\n' >Dockerfile
	build --no-cache --network none
	equal $'lo\nrefused' "$(printed)"
	build
	has page "$(printed)"
}

@test "abstract sockets of the host are out of reach" {
	mkdir in
	cat >in/abstract.py <<-'EOF'
		import ctypes, socket, sys, time
		s = socket.socket(socket.AF_UNIX)
		if sys.argv[1] == "serve":
		    s.bind("\0" + sys.argv[2]); s.listen(); print("listens", flush=True); time.sleep(4333)
		try: s.connect("\0" + sys.argv[2]); print("connected")
		except OSError as e: print("not connected")
	EOF
	local name=hew-escape-$BASHPID
	python3 in/abstract.py serve $name >served 3>&- &
	SERVERS+=($!)
	wait_for grep -q listens served
	equal connected "$(python3 in/abstract.py connect $name)"
	local inside=(-v "$PWD/in:/in" python:3.12-slim python3 /in/abstract.py connect "$name")
	equal "not connected" "$(hew run --network none "${inside[@]}")"
	# on the host's network it takes the kernel's help (Landlock, Linux 6.12)
	local abi
	abi=$(python3 -c 'import ctypes; print(ctypes.CDLL(None).syscall(444, None, 0, 1))')
	[ "$abi" -lt 6 ] || equal "not connected" "$(hew run "${inside[@]}")"
}

# ---- working directories and descriptors

@test "working directories: no descriptor leads out" {
	local n
	for n in 3 4 5 6 7 8 9 10 11 12 self; do
		[ "$n" != self ] || n=../cwd
		fails 126 hew run -w "/proc/self/fd/$n" alpine:3.19 cat "../../../../../../..$VICTIM/secret" 7</ 9<"$VICTIM" ||
			fails 127 hew run -w "/proc/self/fd/$n" alpine:3.19 cat "../../../../../../..$VICTIM/secret" 7</ 9<"$VICTIM"
		has "chdir" "$LAST"
		printf 'FROM alpine:3.19\nWORKDIR /proc/self/fd/%s\nRUN cat ../../../../../../../..%s/secret\n' "$n" "$VICTIM" >Dockerfile
		build_fails 5 7</ 9<"$VICTIM"
		has "chdir" "$LAST"
	done
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN ln -s /proc/self/fd /fds; ln -s /proc/1/root /host; ln -s /proc/self/root /self
	EOF
	build -t links
	for n in /fds/7 /host /self /proc/1/cwd /proc/1/root/etc; do
		fails 126 hew run -w "$n" links pwd 7</ || fails 127 hew run -w "$n" links pwd 7</
	done
	equal /etc "$(hew run -w /etc links pwd)"
	equal / "$(hew run -w /../../.. links pwd)"
}

@test "descriptors of the caller are not inherited" {
	# the fourth is the listing itself
	equal $'0\n1\n2\n3' "$(hew run alpine:3.19 ls /proc/self/fd 7</ 9<"$VICTIM")"
	printf 'FROM alpine:3.19\nRUN ls /proc/self/fd\n' >Dockerfile
	build 7</ 9<"$VICTIM"
	equal $'0\n1\n2\n3' "$(printed)"
}

@test "descriptors that the caller has closed are none of the host's files; a folder is no input" {
	local nothing='for i in 0 1 2; do [ "$(readlink /proc/$$/fd/$i)" = /dev/null ] || exit 9; done'
	hew run alpine:3.19 sh -c "$nothing" <&- >&- 2>&-
	# nor does what is told go into what has been opened in their place
	printf 'FROM alpine:3.19\nRUN echo told\n' >Dockerfile
	hew build -t told . <&- >&- 2>&-
	hew run told true
	sound
	fails 125 hew run alpine:3.19 ls -la /proc/self/fd/0/ </
	has "is a folder" "$LAST"
}

@test "the program of hew: running it from inside is no handle on it" {
	# CVE-2019-5736: the image's libraries, in the host's program, reach for its file
	cat >evil.c <<-'EOF'
		#include <fcntl.h>
		#include <stdio.h>
		#include <unistd.h>
		__attribute__((constructor)) static void reach(void)
		{
		        char line[200];
		        int fd = open("/proc/self/exe", O_RDONLY);
		        unsetenv("LD_PRELOAD");
		        snprintf(line, sizeof line, "cat /proc/self/fd/%d | head -c 4 | tail -c 3; echo; "
		                 "(echo evil >/proc/self/fd/%d) 2>&1", fd, fd);
		        execl("/bin/sh", "sh", "-c", line, (char *)0);
		}
	EOF
	sed -i 's/#include <unistd.h>/&\n#include <stdlib.h>/' evil.c
	gcc -shared -fPIC -o evil.so evil.c
	local before
	before=$(sha256sum "$HEW")
	dockerfile <<-'EOF'
		FROM debian:bookworm-slim
		COPY evil.so /
		RUN printf '#!/proc/self/exe\n' >/script && chmod 755 /script
		ENV LD_PRELOAD=/evil.so
	EOF
	build -t evil
	for entry in /proc/self/exe /script; do
		has $'ELF\nsh: 1: cannot create /proc/self/fd/3: Read-only file system' "$(hew run --entrypoint $entry evil 2>&1)"
	done
	printf 'FROM evil\nRUN ["/proc/self/exe"]\n' >Dockerfile
	! build || has "Read-only file system" "$(printed)"
	fails 126 hew run --entrypoint /proc/1/exe evil
	equal "$before" "$(sha256sum "$HEW")"
}

@test "chroot inside: its way out leads to the image's root" {
	mkdir in
	cat >in/chroot.py <<-'EOF'
		import os, sys
		os.mkdir("/tmp/jail"); os.chdir("/"); os.chroot("/tmp/jail")
		for _ in range(64): os.chdir("..")
		os.chroot(".")
		print(os.path.exists("/in/chroot.py"), os.path.exists(sys.argv[1]))
	EOF
	says "True False" python:3.12-slim <<<"python3 /in/chroot.py $VICTIM/secret"
}

@test "a terminal: the process has one of its own, not the user's" {
	ends 7 "$E2E_LIB/terminal" 33 77 hew run -it alpine:3.19 sh <<-'EOF'
		expect #
		send stty size; echo do''ne\r
		expect 33 77
		expect done
		size 11 22
		send stty size; ls /dev/console\r
		expect 11 22
		expect /dev/console
		send sh -c "echo be''gun; exec sleep 4334"\r
		expect begun
		send \x03
		send echo still he''re\r
		expect still here
		send exit 7\r
	EOF
	# the new size is there before what is typed after, even where its signal is late or never comes
	local never='import os, signal, sys; signal.pthread_sigmask(0, [signal.SIGWINCH]); os.execvp(sys.argv[1], sys.argv[1:])'
	"$E2E_LIB/terminal" 33 77 python3 -c "$never" hew run -it alpine:3.19 sh <<-'EOF'
		expect #
		size 11 22
		send stty size; exit\r
		expect 11 22
	EOF
	# and without -t nothing can be typed into the user's
	cat >type.py <<-'EOF'
		import fcntl, termios
		try: fcntl.ioctl(0, termios.TIOCSTI, b"x"); print("typed")
		except OSError: print("refused")
	EOF
	"$E2E_LIB/terminal" 24 80 hew run -v "$PWD:/in" python:3.12-slim python3 /in/type.py <<<'expect refused'
}

# ---- layers

@test "layers: names are absolute, or go through links: all of it stays inside" {
	load_crafted <<-'EOF'
		busybox()
		file("/absolute"); file(VICTIM + "/absolute2")
		symlink("out", VICTIM); file("out/one")
		symlink("up", "../../../../../../../.." + VICTIM); file("up/two")
		symlink("chain", "out"); file("chain/three")
		symlink("dir/../round", VICTIM + "/"); file("round//./four")
		hard("out/five", "bin/busybox")
		layer()
		file("out/six", b"in another layer\n")
		symlink("seven", VICTIM + "/secret"); file("seven", b"replaced\n")
	EOF
	equal "/absolute
/out
/out/six
/seven" "$(hew run crafted sh -c 'find / -xdev -name "absolute" -o -xdev -name "[o-s]*[xntu]" | grep -v -e bin -e /proc -e tmp | sort')"
	equal replaced "$(hew run crafted cat /seven)"
	equal "absolute2 five four one three two" "$(hew run crafted ls "$VICTIM" | tr '\n' ' ' | sed 's/ $//')"
	# and so they are when they are copied, exported or unpacked by others
	printf 'FROM scratch\nCOPY --from=crafted %s /inside\nCOPY --from=crafted /up/ /up\n' "$VICTIM" >Dockerfile
	build -o out
	equal "absolute2 five four one three two" "$(ls out/inside | tr '\n' ' ' | sed 's/ $//')"
	equal "absolute2 five four one three two" "$(ls out/up | tr '\n' ' ' | sed 's/ $//')"
}

@test "layers: a name that climbs is refused, loaded, pulled or added" {
	local name
	for name in ../escaped ../../../../../../../../tmp/escaped a/../../escaped /../escaped; do
		export name
		refused_crafted "'$name' climbs out" <<<'busybox(); file(os.environ["name"])'
		refused_crafted "'$name' climbs out" <<<'busybox(); hard("x", os.environ["name"])'
		craft tar climbing.tar <<<'file(os.environ["name"])'
		printf 'FROM scratch\nADD climbing.tar /a/b/c/\n' >Dockerfile
		build_fails 9
		has "Dockerfile:2" "$LAST"
		has "'$name' climbs out" "$LAST"
	done
	"$TOP/test/bases/serve" start "$PWD/registry" --empty
	local image
	image=127.0.0.1:$("$TOP/test/bases/serve" port "$PWD/registry")/crafted:1
	skopeo copy -q --dest-tls-verify=false docker-archive:crafted.tar "docker://$image"
	printf 'FROM %s\nRUN true\n' "$image" >Dockerfile
	build_fails 9
	has "climbs out" "$LAST"
	fails 125 hew run "$image" true
	"$TOP/test/bases/serve" stop "$PWD/registry"
	# climbing that stays inside is only an odd way to say it
	craft tar fine.tar <<<'file("a/../b/./../c")'
	printf 'FROM scratch\nADD fine.tar /\n' >Dockerfile
	build -o out
	equal c "$(ls out)"
}

@test "layers: hard links to what is not in the layer are refused" {
	refused_crafted "no such file" <<<'busybox(); hard("stolen", VICTIM + "/secret")'
	refused_crafted "no such file" <<<'busybox(); symlink("out", VICTIM); hard("stolen", "out/secret")'
	refused_crafted "no such file" <<<'busybox(); file("below"); layer(); hard("stolen", "below")'
	load_crafted <<<'busybox(); symlink("out", "bin"); hard("same", "out/busybox")'
	equal 2 "$(hew run crafted stat -c %h /same)"
}

@test "layers: the root of a layer is a directory" {
	refused_crafted "not a directory" <<<'busybox(); symlink(".", VICTIM)'
	refused_crafted "not a directory" <<<'symlink("/", VICTIM); busybox()'
	refused_crafted "not a directory" <<<'node("./", "c", 0, 0)'
}

@test "layers: whiteouts reach no further than the layers below" {
	load_crafted <<-'EOF'
		busybox(); file("d/gone"); file("d/kept"); symlink("out", VICTIM); folder(VICTIM[1:])
		layer(); file("d/.wh.gone", b""); file("out/.wh.secret", b""); file("out/.wh..wh..opq", b"")
		layer(); file(VICTIM[1:] + "/.wh.other", b""); file(".wh..wh.plnk/1", b""); file(".wh..wh.aufs", b"")
	EOF
	equal kept "$(hew run crafted ls /d)"
	local name
	for name in .wh. .wh... d/.wh.. .wh.d/x d/.wh.x/y; do
		name=$name refused_crafted "no valid whiteout" <<<'busybox(); file(os.environ["name"], b"")'
	done
}

@test "whiteouts: their names are taken from no context, archive or step" {
	local name
	for name in .wh.etc .wh..wh..opq .wh..wh.aufs; do
		rm -rf d && mkdir d && : >"d/$name"
		printf 'FROM alpine:3.19\nCOPY d /etc/\n' >Dockerfile
		build_fails 4
		has "$name" "$LAST"
		name=$name craft tar named.tar <<<'file("d/" + os.environ["name"], b"")'
		printf 'FROM alpine:3.19\nADD named.tar /\n' >Dockerfile
		build_fails 4
		has "$name" "$LAST"
		printf 'FROM alpine:3.19\nRUN : >/etc/%s\n' "$name" >Dockerfile
		build_fails 4
		has "Dockerfile:2" "$LAST"
		has "$name" "$LAST"
	done
	: >d.wh.x
	printf 'FROM scratch\nCOPY d.wh.x /\n' >Dockerfile
	build
}

@test "overlayfs' attributes mean nothing when an image or a step sets them" {
	load_crafted <<-'EOF'
		busybox(); file("d/below"); file("u/below"); file("secret", b"below\n")
		layer()
		y = lambda name, value="y": {"SCHILY.xattr." + name: value}
		folder("d", pax=y("trusted.overlay.opaque")); file("d/above")
		folder("u", pax=y("user.overlay.opaque")); file("u/above")
		file("w", b"", pax=y("trusted.overlay.whiteout"))
		file("m", b"", pax={**y("trusted.overlay.metacopy", ""), **y("trusted.overlay.redirect", "/secret")})
		folder("r", pax=y("trusted.overlay.redirect", "/bin"))
	EOF
	equal $'above\nbelow' "$(hew run crafted ls /d)"
	equal $'above\nbelow' "$(hew run crafted ls /u)"
	equal $'/m\n/w\n' "$(hew run crafted sh -c 'ls /m /w; cat /m; ls /r')"$'\n'
	dockerfile <<-'EOF'
		FROM python:3.12-slim
		RUN mkdir /d && touch /d/below /empty
		RUN touch /d/above; python3 -c 'import os; os.setxattr("/d", "user.overlay.opaque", b"y"); os.setxattr("/empty", "user.overlay.whiteout", b"y")'
		RUN ! python3 -c 'import os; os.setxattr("/d", "trusted.overlay.opaque", b"y")' 2>/dev/null
		FROM scratch
		COPY --from=0 /d /d
		COPY --from=0 /empty /
	EOF
	build -t t
	unpack t
	equal $'above\nbelow' "$(ls "$ROOTFS/d")"
	[ -e "$ROOTFS/empty" ]
	equal "" "$(getfattr -R -m overlay "$ROOTFS" 2>/dev/null)"
}

# ---- contexts

@test "contexts: links lead nowhere outside" {
	local name
	ln -s "$VICTIM/secret" absolute
	ln -s ../victim/secret relative
	ln -s "$VICTIM" folder
	ln -s .. up
	ln -s absolute chain
	for name in absolute relative folder folder/ folder/secret up/victim/secret chain ../victim/secret; do
		printf 'FROM scratch\nCOPY %s /x\n' "$name" >Dockerfile
		build_fails 4
		printf 'FROM alpine:3.19\nRUN --mount=type=bind,source=%s,target=/x cat /x /x/*\n' "$name" >Dockerfile
		build_fails 4
		printf 'FROM alpine:3.19\nADD %s /x\n' "$name" >Dockerfile
		build_fails 4
	done
	# copied with a folder they stay links
	printf 'FROM scratch\nCOPY . /\n' >Dockerfile
	build -o "$BATS_TEST_TMPDIR/copied"
	equal "$VICTIM/secret" "$(readlink "$BATS_TEST_TMPDIR/copied/absolute")"
	# and those that lead inside are followed
	mkdir real && echo inside >real/file && ln -s real link && ln -s /real/file rooted
	printf 'FROM alpine:3.19\nCOPY link/file rooted /x/\nRUN cat /x/file /x/rooted\n' >Dockerfile
	build
	equal $'inside\ninside' "$(printed)"
}

@test "contexts: a folder that turns into a link while it is read" {
	local pid rc=0
	mkdir -p c/d
	truncate -s 400M c/d/1 "$VICTIM/1" # the same, and it takes a while to read
	echo mine >c/d/2
	echo host >"$VICTIM/2" # no longer and no shorter
	victim_now >"$BATS_TEST_TMPDIR/victim.want"
	printf 'FROM scratch\nCOPY d /d\n' >Dockerfile
	hew build -q -f Dockerfile -o out c >/dev/null 2>err 3>&- &
	pid=$!
	reads() { find "/proc/$pid/fd" -lname "$PWD/c/d/1" 2>/dev/null | grep -q .; }
	until reads; do kill -0 $pid; done
	mv c/d c/moved
	ln -s "$VICTIM" c/d
	wait $pid || rc=$?
	equal "4 " "$rc $(cat out/d/2 2>/dev/null)"
	matches "ERROR: Dockerfile:2: *'d/2'*" "$(tail -n 1 err)"
}

@test "contexts: a link as .dockerignore or as the context itself" {
	echo '*' >"$VICTIM/../rules"
	ln -s "$VICTIM" link
	printf 'FROM scratch\nCOPY secret /\n' >Dockerfile
	# named by the user: theirs to name
	hew build -q -f Dockerfile link
	mkdir c && cp Dockerfile c && ln -s "$VICTIM/secret" c/secret
	fails 4 hew build c
}

@test "contexts: a fifo is not opened, a socket left out" {
	mkfifo fifo
	python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")'
	printf 'FROM alpine:3.19\nCOPY . /x\nRUN cd /x; test -p fifo; ls\n' >Dockerfile
	build
	equal $'Dockerfile\nfifo' "$(printed)"
}

@test "ADD: an archive unpacked where links lead out stays inside" {
	craft tar evil.tar <<-'EOF'
		file("out/one"); file("/two"); symlink("l", VICTIM + "/secret"); file("l", b"replaced\n")
		symlink("own", VICTIM); file("own/three"); hard("own/four", "two")
	EOF
	dockerfile <<-EOF
		FROM alpine:3.19
		RUN mkdir -p /x $VICTIM && ln -s $VICTIM /x/out && ln -s $VICTIM /dst && ln -s ../../../../../..$VICTIM /up
		ADD evil.tar /x/
		ADD evil.tar /dst/
		ADD evil.tar /up/deep/
		RUN cat /x/l $VICTIM/l $VICTIM/deep/l; find $VICTIM -name one | sort
	EOF
	build
	has $'replaced\nreplaced\nreplaced' "$(printed)"
	has "$VICTIM/deep/out/one" "$(printed)"
}

@test "ADD: an address names no file of the host, and none outside the destination" {
	local path
	cat >serve.py <<-'EOF'
		import http.server
		class Answer(http.server.BaseHTTPRequestHandler):
		    def do_GET(self):
		        self.send_response(302 if self.path.startswith("/redirect") else 200)
		        self.send_header("Location", "file:///etc/passwd")
		        self.send_header("Content-Disposition", 'attachment; filename="../../evil"')
		        self.send_header("Content-Length", "5")
		        self.end_headers()
		        self.wfile.write(b"page\n")
		server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
		print(server.server_port, flush=True)
		server.serve_forever()
	EOF
	python3 serve.py >port 2>/dev/null 3>&- &
	SERVERS+=($!)
	wait_for grep -q . port
	PORT=$(cat port)
	printf 'FROM scratch\nADD http://127.0.0.1:%s/redirect /d/\n' "$PORT" >Dockerfile
	build_fails 7
	has "Dockerfile:2" "$LAST"
	printf 'FROM scratch\nADD file:///etc/passwd /d/\n' >Dockerfile
	build_fails 4
	for path in /a/.. /.. /a/%2e%2e%2f%2e%2e%2fevil /%2e%2e /%00x / '/?x=/../evil'; do
		printf 'FROM alpine:3.19\nADD http://127.0.0.1:%s%s /d/e/\nRUN find /d -type f; cat /d/e/*\n' "$PORT" "$path" >Dockerfile
		build --no-cache
		equal $'/d/e/__unnamed__\npage' "$(printed)"
	done
	printf 'FROM alpine:3.19\nADD http://127.0.0.1:%s/x/a%%20b%%2b.txt /d/e/\nRUN ls /d/e\n' "$PORT" >Dockerfile
	build
	equal "a b+.txt" "$(printed)"
}

@test "COPY: destinations that are links stay inside" {
	echo copied >file
	dockerfile <<-EOF
		FROM alpine:3.19 AS from
		RUN echo stage >/file; ln -s $VICTIM /source
		FROM alpine:3.19
		RUN mkdir -p $VICTIM && ln -s $VICTIM /dst && ln -s ../../../../../../../..$VICTIM /up && ln -s $VICTIM/secret /file
		COPY file /dst/one
		COPY --from=from /file /up/two
		COPY file /file
		COPY --from=from /source /copied
		WORKDIR /dst/made
		RUN cat $VICTIM/one $VICTIM/two /file; ls -d $VICTIM/made
	EOF
	build_fails 4
	has "/source" "$LAST"
	sed -i '/source \/copied/d' Dockerfile
	build
	equal "copied
stage
copied
$VICTIM/made" "$(printed)"
}

# ---- mounts

@test "mount targets that are links, and what they hold, stay inside" {
	echo cat >file # too short to be masked
	load_crafted <<-'EOF'
		busybox()
		symlink("link", VICTIM); symlink("dangling", VICTIM + "/new"); symlink("up", "../../../../../../.." + VICTIM + "/up")
	EOF
	dockerfile <<-EOF
		FROM crafted
		RUN --mount=type=tmpfs,target=/link/t --mount=type=cache,target=/dangling/c --mount=type=bind,target=/up \
		    --mount=type=secret,id=s,target=/link/secret \
		    echo x >/link/t/x; echo x >/dangling/c/x; cat /up/file $VICTIM/secret; find $VICTIM -type f | grep -v /up/
	EOF
	build -t t --secret id=s,src=file
	equal "cat
cat
$VICTIM/new/c/x
$VICTIM/secret
$VICTIM/t/x" "$(printed | LC_ALL=C sort -t / -k 1,1r)"
	# nothing of the places they were put is in the image
	unpack t
	[ ! -e "$ROOTFS$VICTIM" ]
	mkdir v
	[ -z "${HEW_TEST_UID-}" ] || readable
	equal made "$(hew run -v "$PWD/v:/link/v" --tmpfs /up/t crafted sh -c "echo made >$VICTIM/v/file; cat $VICTIM/v/file")"
	equal made "$(cat v/file)"
}

@test "mount targets: no magic link is followed" {
	local target
	for target in /proc/self/root/x /proc/1/root/x /proc/self/cwd/x /proc/self/fd/5 /proc/self/exe; do
		printf 'FROM alpine:3.19\nRUN --mount=type=tmpfs,target=%s true\n' "$target" >Dockerfile
		build_fails 5
		has "$target" "$LAST"
	done
	printf 'FROM alpine:3.19\nRUN --mount=type=tmpfs,target=../../../x mkdir /x/y\n' >Dockerfile
	build
}

@test "a cache full of links leads no later mount out" {
	dockerfile <<-EOF
		FROM alpine:3.19
		RUN --mount=type=cache,target=/c ln -s $VICTIM /c/out; ln -s ../../../../../../../..$VICTIM /c/up
		RUN --mount=type=cache,target=/c --mount=type=tmpfs,target=/c/out/t --mount=type=tmpfs,target=/c/up/u \
		    touch /c/out/t/x /c/up/u/x; find $VICTIM | sort
	EOF
	build
	equal "$VICTIM
$VICTIM/t
$VICTIM/t/x
$VICTIM/u
$VICTIM/u/x" "$(printed)"
}

@test "sources of mounts: nothing but the context, a stage, an image or the store" {
	local m
	for m in type=bind,source=/../../etc type=bind,source=../victim "type=bind,from=s,source=/link/secret"; do
		printf 'FROM alpine:3.19 AS s\nRUN ln -s %s /link\nFROM alpine:3.19\nRUN --mount=%s,target=/x ls /x\n' "$VICTIM" "$m" >Dockerfile
		build_fails 4
	done
	printf 'FROM alpine:3.19\nRUN --mount=type=bind,source=../../..,target=/x ls /x\n' >Dockerfile
	build
	equal Dockerfile "$(printed)" # the context's own root
	printf 'FROM alpine:3.19\nRUN --mount=type=cache,id=../../../../../../..%s,target=/x touch /x/y; ls /x\n' "$VICTIM" >Dockerfile
	build
	equal y "$(printed)"
}

@test "control groups: the step's own, and not to be changed" {
	says $'none\nread-only' alpine:3.19 <<-'EOF'
		grep -v ':/$' /proc/self/cgroup || echo none
		mkdir /sys/fs/cgroup/x 2>/dev/null || echo read-only
	EOF
}

@test "/etc/resolv.conf, hosts and hostname as links" {
	load_crafted <<-'EOF'
		busybox(); folder(VICTIM[1:])
		symlink("etc/resolv.conf", VICTIM + "/secret"); symlink("etc/hosts", VICTIM + "/hosts")
		symlink("etc/hostname", "../../../../../.." + VICTIM + "/other")
	EOF
	equal "$(grep -c nameserver /etc/resolv.conf)" "$(hew run crafted grep -c nameserver "$VICTIM/secret")"
	equal "name" "$(hew run -h name crafted cat "$VICTIM/other")"
	has localhost "$(hew run crafted cat "$VICTIM/hosts")"
	printf 'FROM crafted\nRUN cat /etc/resolv.conf >/seen\n' >Dockerfile
	build -t t
	unpack t
	equal "" "$(ls "$ROOTFS$VICTIM")"
	equal "$VICTIM/secret" "$(readlink "$ROOTFS/etc/resolv.conf")"
	load_crafted <<<'busybox(); symlink("etc", VICTIM)'
	equal $'hostname\nhosts\nresolv.conf' "$(hew run crafted ls "$VICTIM")"
}

@test "/proc, /sys and /dev as links or files" {
	local name
	for name in proc sys dev; do
		name=$name load_crafted <<<'busybox(); symlink(os.environ["name"], VICTIM)'
		fails 126 hew run crafted true
		has "'/$name' must not be a link" "$LAST"
		name=$name load_crafted <<<'busybox(); file(os.environ["name"])'
		fails 126 hew run crafted true
		has "'/$name' is not a directory" "$LAST"
	done
}

# ---- what images and archives say of themselves

# configured JSON: the image crafted, with this in its config.
configured() {
	more=$1 load_crafted <<<'busybox(); folder("tmp"); config.update(json.loads(os.environ["more"]))'
}

@test "configs: odd users are refused, not root" {
	local user
	for user in ../../etc/passwd 'root\nx' -1 4294967295 4294967296 99999999999999999999 0x0 ' 0' +0 0:0:0 \
		0:4294967295 nobody-here; do
		configured "{\"User\":\"$user\"}"
		fails 125 hew run crafted id || fails 126 hew run crafted id
		has "unable to find" "$LAST"
		printf 'FROM crafted\nRUN id\n' >Dockerfile
		build_fails 5 || build_fails 4
	done
	configured '{"User":"7:8"}'
	equal "uid=7 gid=8 groups=8" "$(hew run crafted id)"
}

@test "configs: odd environments, directories and commands" {
	configured '{"Env":["A=1\nB=2","NONE","=x","","PATH=/bin","LD_PRELOAD=/x.so"]}'
	equal $'1\nB=2' "$(hew run crafted sh -c 'echo "$A"')"
	local dir odd
	for dir in /../../x /x/y/../.. x ../../x; do
		configured "{\"WorkingDir\":\"$dir\"}"
		equal "$(realpath -m "/$dir")" "$(hew run crafted pwd)"
		printf 'FROM crafted\nRUN pwd\n' >Dockerfile
		build --no-cache
		equal "$(realpath -m "/$dir")" "$(printed)"
	done
	for dir in /proc/self/cwd /proc/1/root /bin/busybox; do
		configured "{\"WorkingDir\":\"$dir\"}"
		fails 126 hew run crafted pwd || fails 127 hew run crafted pwd
		has chdir "$LAST"
	done
	configured '{"Entrypoint":[""],"Cmd":null}'
	fails 127 hew run crafted
	for odd in 'User":7' 'User":"root\u0000x"' 'Env":"x"' 'Cmd":[1]' 'Entrypoint":"sh"'; do
		more="{\"$odd}" refused_crafted "config" <<<'busybox(); config.update(json.loads(os.environ["more"]))'
	done
}

@test "configs: control characters do not reach the terminal" {
	configured '{"Labels":{"a\u001b[31m":"b\u0007"},"WorkingDir":"/a\u001b[31m","User":"x\u001b[31m","StopSignal":"\u001b"}'
	printf 'FROM crafted\nRUN true\n' >Dockerfile
	{ hew inspect crafted; hew history crafted; hew images; hew run crafted true || true
		hew build --progress plain . || true; } >all 2>&1
	equal 0 "$(grep -c $'[\033\a]' all)"
	has "a\\u001b[31m" "$(cat all)"
	printf 'FROM alpine:3.19\nRUN printf "\\033[31mred\\007\\033]0;title\\007\\n"; exit 1\n' >Dockerfile
	build_fails 5
	equal 0 "$(grep -c $'[\033\a]' "$ERR")"
	equal red "$(printed)"
}

@test "archives: entries that are links or lie elsewhere, and names that are none" {
	local name
	cat >archives.py <<-'EOF'
		import io, json, os, tarfile
		victim = os.environ["VICTIM"] + "/secret"
		config = json.dumps({"architecture": "amd64", "os": "linux", "config": {},
		                     "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "0" * 64]}})
		def archive(name, *members):
		    with tarfile.open(name, "w") as t:
		        for path, data, link in members:
		            m = tarfile.TarInfo(path)
		            m.size = len(data)
		            if link: m.type, m.linkname = tarfile.SYMTYPE, link
		            t.addfile(m, io.BytesIO(data.encode()))
		def docker(name, where, layer, *more):
		    archive(name, ("config.json", config, ""), *more,
		            ("manifest.json", json.dumps([{"Config": where, "RepoTags": ["a:1"], "Layers": [layer]}]), ""))
		def index(digest):
		    return json.dumps({"schemaVersion": 2, "manifests": [
		        {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": "sha256:" + digest, "size": 5}]})
		layout = ("oci-layout", '{"imageLayoutVersion":"1.0.0"}', "")
		docker("layer-link.tar", "config.json", "layer.tar", ("layer.tar", "", victim))
		docker("layer-outside.tar", "config.json", victim)
		docker("config-outside.tar", "../../../../../../../.." + victim, "layer.tar")
		archive("blob-outside.tar", layout, ("index.json", index("../../../../../../.." + victim), ""))
		archive("blob-link.tar", layout, ("index.json", index("a" * 64), ""), ("blobs/sha256/" + "a" * 64, "", victim))
		os.makedirs("blob-link/blobs/sha256")
		os.symlink(victim, "blob-link/blobs/sha256/" + "a" * 64)
		open("blob-link/index.json", "w").write(index("a" * 64)); open("blob-link/oci-layout", "w").write(layout[1])
	EOF
	python3 archives.py
	for name in *.tar blob-link; do
		! hew load -i "$name" 2>err || {
			echo "$name was loaded"
			false
		}
		matches "ERROR: load '$name': *" "$(tail -n 1 err)"
		has_not "host" "$(tail -n 1 err)"
	done
	for name in ../../x:1 'a;b' x:../y -o 'a b' A:1 $'a\033[31m:1'; do
		name=$name craft image named.tar <<<'tags[:] = [os.environ["name"]]; file("x")'
		if hew load -i named.tar 2>err; then false; fi
		has "ERROR: load 'named.tar': tag" "$(tail -n 1 err)"
		equal 0 "$(grep -c $'\033' err)"
	done
	craft image good.tar <<<'tags[:] = ["good:1"]; file("x")'
	hew load -i good.tar
}

@test "an output folder with links in it" {
	mkdir out out/sub
	ln -s "$VICTIM" out/folder
	ln -s "$VICTIM/secret" out/file
	ln -s "$VICTIM/new" out/dangling
	ln "$VICTIM/other" out/hard
	victim_now >"$BATS_TEST_TMPDIR/victim.want" # which has another name now
	load_crafted <<<'file("folder/one"); file("file"); file("dangling"); file("hard"); file("sub/two")'
	echo "FROM crafted" >Dockerfile
	build -o out
	equal crafted "$(cat out/file)"
	equal crafted "$(cat out/hard)"
	equal crafted "$(cat out/folder/one)"
	[ ! -L out/folder ]
	ln out/hard out/again # what the folder held is a file of its own now
	equal 1 "$(stat -c %h "$VICTIM/other")"
	sed -i 's/^\(.*other f 644 0:0\) 2/\1 1/' "$BATS_TEST_TMPDIR/victim.want"
}
