#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What comes into a build from outside: git repositories, URLs, archives, contexts of every kind, ssh agents.
# The servers are real: git's own http-backend and daemon, sshd, an http server (lib/source_server.py).
load lib/hew

export LC_ALL=C GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.org
export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000'

# serve: lib/source_server.py over $WWW. Sets URL.
serve() {
	WWW=$BATS_TEST_TMPDIR/www
	mkdir -p "$WWW/files" "$WWW/git"
	: >"$WWW/requests"
	python3 "$E2E_LIB/source_server.py" "$WWW" >"$BATS_TEST_TMPDIR/http.out" 2>"$BATS_TEST_TMPDIR/http.log" 3>&- &
	server_port
	URL=http://127.0.0.1:$PORT
}

# repository NAME: $WWW/git/NAME.git and a work tree $SRC for it, with a first commit of what standard
# input's commands leave there.
repository() {
	SRC=$BATS_TEST_TMPDIR/src-$1
	git init -q -b main "$SRC"
	git init -q --bare -b main "$WWW/git/$1.git"
	git -C "$SRC" remote add origin "$WWW/git/$1.git"
	(cd "$SRC" && bash -eu)
	commit first
}

# commit MESSAGE: all of $SRC, pushed with the tags. Sets COMMIT.
commit() {
	git -C "$SRC" add -A
	git -C "$SRC" commit -q --allow-empty -m "$1"
	git -C "$SRC" push -q origin --all
	git -C "$SRC" push -q origin --tags
	COMMIT=$(git -C "$SRC" rev-parse HEAD)
}

requests() { grep -c -- "$1" "$WWW/requests" || true; }

# ---- ADD of git repositories

@test "ADD git: files, modes and links of the default branch, root's, without .git; a new commit misses" {
	serve
	repository app <<-'EOF'
		mkdir -p bin deep/er
		echo one >a
		printf '#!/bin/sh\n' >bin/run && chmod 755 bin/run
		ln -s ../a deep/link
		echo x >deep/er/x
	EOF
	printf 'FROM scratch\nADD %s/git/app.git /src/\n' "$URL" | dockerfile
	build -t t
	grep -q "fetching $URL/git/app.git at ${COMMIT:0:12}" "$ERR"
	unpack t
	equal "file 644 0:0 4" "$(entry src/a)"
	equal "file 755 0:0 10" "$(entry src/bin/run)"
	equal "link 0:0 ../a" "$(entry src/deep/link)"
	equal "dir 755 0:0" "$(entry src/deep/er)"
	equal $'a\nbin\ndeep' "$(ls -A "$ROOTFS/src")"
	build -t t
	equal "" "$(ran)"
	echo two >"$SRC/a"
	commit second
	build -t t
	matches "*ADD $URL/git/app.git /src/" "$(ran)"
	unpack t
	equal two "$(cat "$ROOTFS/src/a")"
	nothing_left
	sound
}

@test "ADD git: a commit that is held is not fetched again, not even for another image" {
	serve
	repository app <<<'echo held >a'
	printf 'FROM scratch\nADD %s/git/app.git#%s /a/\n' "$URL" "$COMMIT" | dockerfile
	build
	kill "${SERVERS[0]}"
	printf 'FROM alpine:3.19\nADD %s/git/app.git#%s /b/\n' "$URL" "$COMMIT" | dockerfile
	build -t t
	unpack t
	equal held "$(cat "$ROOTFS/b/a")"
}

@test "ADD git: branches, tags, folders, commits; as fragment and as query" {
	serve
	repository app <<<'mkdir d; echo main >f; echo in >d/g'
	local first=$COMMIT
	git -C "$SRC" tag -a v1 -m v1
	git -C "$SRC" checkout -q -b side
	echo side >"$SRC/f"
	commit side
	git -C "$SRC" tag light
	git -C "$SRC" checkout -q main
	commit tags
	local u=$URL/git/app.git
	dockerfile <<-EOF
		FROM scratch
		ADD $u#side /1/
		ADD $u#v1 /2/
		ADD $u#main:d /3/
		ADD $u#:d /4/
		ADD $u#$first /5/
		ADD $u?branch=side /6/
		ADD $u?tag=light /7/
		ADD $u?ref=refs/tags/v1&subdir=d /8/
		ADD $u?commit=$first /9/
		ADD $u?branch=main&commit=${COMMIT:0:12} /10/
		ADD $u?fetch-by-commit=true&commit=$first&ref=main /11/
		ADD --checksum=${COMMIT:0:20} $u /12/
		ADD --checksum=$first $u#v1 /13/
	EOF
	build -t t
	unpack t
	local got
	got=$(cd "$ROOTFS" && for i in 1 2 5 6 7 9 10 11 12 13; do cat "$i/f"; done | paste -sd' ')
	equal "side main main side side main main main main main" "$got"
	for i in 3 4 8; do equal g "$(ls -A "$ROOTFS/$i")"; done
}

@test "ADD git: --keep-git-dir, and the time of the commit" {
	serve
	repository app <<<'echo x >f'
	git -C "$SRC" tag -a v1 -m v1 && commit second
	local u=$URL/git/app.git
	dockerfile <<-EOF
		FROM scratch
		ADD --keep-git-dir $u#v1 /kept/
		ADD $u?keep-git-dir&branch=main /query/
		ADD $u?mtime=commit /timed/
	EOF
	build -t t
	unpack t
	git config --file "$ROOTFS/kept/.git/config" --get remote.origin.url | grep -qxF "$u"
	equal first "$(git -c safe.directory='*' -C "$ROOTFS/kept" log -1 --format=%s)"
	equal "v1" "$(git -c safe.directory='*' -C "$ROOTFS/kept" tag)"
	equal "" "$(git -c safe.directory='*' -C "$ROOTFS/query" status --porcelain)"
	equal second "$(git -c safe.directory='*' -C "$ROOTFS/query" log -1 --format=%s)"
	equal "1700000000 1700000000" "$(mtime timed/f) $(mtime timed)"
	[ ! -e "$ROOTFS/timed/.git" ]
	printf 'FROM scratch\nADD --keep-git-dir=false %s?keep-git-dir=true /x/\n' "$u" | dockerfile
	build_fails 3
	has "inconsistent keep-git-dir" "$LAST"
}

# epoch_is SECONDS ARGS...: what a build with these options has for the image's time and SOURCE_DATE_EPOCH ("": none).
epoch_is() {
	local want=$1 made
	shift
	build -f ./Dockerfile "$@" -t epoch
	equal "$want" "$(config '.config.Labels.epoch')"
	made=$(date -d "$(config .created)" +%s)
	if [ -n "$want" ]; then
		equal "$want" "$made"
		equal "$want" "$(config '.history[-1].created | fromdate')"
	else
		[ "$made" -gt 1750000000 ]
	fi
}

@test "SOURCE_DATE_EPOCH: of a context, a named one, a stage; a commit's time, a server's, an archive's" {
	serve
	repository app <<<'echo one >a'
	mkdir in ctx
	echo old >in/old
	echo new >in/new
	touch -d @1500000000 in/old
	touch -d @1600000000 in/new
	tar -C in -czf "$WWW/files/in.tgz" .
	echo alone >"$WWW/files/alone"
	touch -d @1650000000 "$WWW/files/in.tgz" "$WWW/files/alone"
	dockerfile <<-EOF
		ARG SOURCE_DATE_EPOCH
		ARG FILE=alone
		FROM scratch AS of-git
		ADD --keep-git-dir=false $URL/git/app.git /
		FROM scratch AS of-file
		ARG FILE KIND=files
		ADD $URL/\$KIND/\${FILE} /
		FROM scratch
		ARG SOURCE_DATE_EPOCH
		LABEL epoch=\$SOURCE_DATE_EPOCH
		COPY --from=of-git / /
	EOF
	local arg=--build-arg=SOURCE_DATE_EPOCH
	epoch_is "" "$arg="
	epoch_is "" "$arg=context"
	epoch_is "" "$arg=other" --build-context other=ctx
	epoch_is 1700000000 "$arg=other" --build-context "other=$URL/git/app.git"
	epoch_is 1650000000 "$arg=other" --build-context "other=$URL/files/in.tgz"
	epoch_is 1600000000 "$arg=other" --build-context "other=$URL/timeless/in.tgz"
	epoch_is 1700000000 "$arg=OF-GIT"
	epoch_is 1650000000 "$arg=of-file"
	epoch_is 1600000000 "$arg=of-file" --build-arg KIND=timeless --build-arg FILE=in.tgz
	epoch_is "" "$arg=of-file" --build-arg KIND=timeless
	SOURCE_DATE_EPOCH=of-git epoch_is 1700000000
	SOURCE_DATE_EPOCH=of-git epoch_is 1400000000 "$arg=1400000000"
	SOURCE_DATE_EPOCH=of-git epoch_is 1300000000 --timestamp 1300000000
	cp Dockerfile "$SRC/Dockerfile"
	commit dockerfile
	hew build -q "$arg=context" -t epoch "$URL/git/app.git" >id
	equal 1700000000 "$(config .created "$(cat id)" | date -f - +%s)"
	build_fails 3 "$arg=none"
	has "invalid SOURCE_DATE_EPOCH: none" "$LAST"
}

@test "ADD git: submodules in submodules, or none; what they name is http, ssh or git and no folder of ours" {
	serve
	repository inner <<<'echo inner >i'
	repository middle <<<"echo middle >m; git submodule -q add $URL/git/inner.git in"
	repository outer <<<"echo outer >o; git -c protocol.file.allow=always submodule -q add ../middle.git mid"
	printf 'FROM scratch\nADD %s/git/outer.git /all/\nADD %s/git/outer.git?submodules=false /top/\n' "$URL" "$URL" |
		dockerfile
	build -t t
	unpack t
	equal inner "$(cat "$ROOTFS/all/mid/in/i")"
	equal $'.gitmodules\nmid\no' "$(ls -A "$ROOTFS/all")"
	equal "" "$(find "$ROOTFS" -name .git)"
	equal "" "$(ls -A "$ROOTFS/top/mid")"
	printf '[submodule "x"]\n\tpath = mid\n\turl = file://%s/git/inner.git\n' "$WWW" >"$SRC/.gitmodules"
	commit evil
	build_fails 7
	has "transport 'file' not allowed" "$LAST"
	has "submodules" "$LAST"
}

@test "ADD git: what looks like an option, leads outside or is no ref is refused" {
	serve
	repository app <<<'mkdir d; ln -s /etc abs; ln -s ../.. up; ln -s d/../d ok; echo 1 >d/f'
	local u=$URL/git/app.git
	try() { # STATUS WORDS SOURCE [FLAG]
		printf 'FROM scratch\nADD %s %s /x/\n' "${4-}" "$3" | dockerfile
		build_fails "$1"
		has "$2" "$LAST"
	}
	try 3 'cannot be the name of a branch' "$u#--upload-pack=touch"
	try 3 'cannot be the name of a branch' "$u?ref=-x"
	try 3 'names no host' "ssh://-oProxyCommand=x/y"
	try 3 'names no repository' "git@host:-x"
	try 3 'unexpected query "brnch" (did you mean "branch"?)' "$u?brnch=x"
	try 3 'branch conflicts with tag' "$u?branch=x&tag=y"
	try 6 'does not contain ref nope' "$u#nope"
	try 6 'named by all digits' "$u#${COMMIT:0:8}"
	try 6 "has no folder 'abs'" "$u#:abs"
	try 6 "has no folder 'd/none'" "$u#:d/none"
	try 9 'expected checksum to match 0123456789, got' "$u" --checksum=0123456789
	printf 'FROM scratch\nADD %s#:up /up/\nADD %s#:ok /ok/\n' "$u" "$u" | dockerfile
	build -t t
	unpack t
	equal 1 "$(cat "$ROOTFS/ok/f")" # links end inside of the checkout
	[ -L "$ROOTFS/up/abs" ]
	printf 'FROM scratch\nCOPY %s /x/\n' "$u" | dockerfile
	build_fails 3
	has "source can't be a git ref for COPY" "$LAST"
}

@test "ADD git: the user's configuration and hooks have no say, the umask neither" {
	serve
	repository app <<<'echo x >f'
	local home=$BATS_TEST_TMPDIR/home
	[ -z "${HEW_TEST_UID-}" ] || home=$BATS_FILE_TMPDIR/home
	mkdir -p "$home/hooks"
	printf '#!/bin/sh\necho ran >%s/ran\n' "$BATS_TEST_TMPDIR" >"$home/hooks/post-checkout"
	chmod 755 "$home/hooks/post-checkout"
	printf '[core]\n\thooksPath = %s/hooks\n' "$home" >"$home/.gitconfig"
	chmod -R a+rX "$home"
	printf 'FROM scratch\nADD %s/git/app.git /x/\n' "$URL" | dockerfile
	unset GIT_CONFIG_GLOBAL
	umask 077
	HOME=$home build -t t
	umask 022
	rm "$home/.gitconfig"
	[ ! -e "$BATS_TEST_TMPDIR/ran" ]
	unpack t
	equal "file 644 0:0 2" "$(entry x/f)"
}

@test "ADD git: git:// by the daemon; no git program is one clear sentence" {
	serve
	repository app <<<'echo daemon >f'
	local port
	port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	git daemon --export-all --base-path="$WWW/git" --listen=127.0.0.1 --port="$port" --reuseaddr \
		>/dev/null 2>&1 3>&- &
	SERVERS+=($!)
	wait_for git ls-remote "git://127.0.0.1:$port/app.git"
	printf 'FROM scratch\nADD git://127.0.0.1:%s/app.git /x/\n' "$port" | dockerfile
	build -t t
	unpack t
	equal daemon "$(cat "$ROOTFS/x/f")"
	mkdir "$BATS_TEST_TMPDIR/bin"
	ln -s "$(command -v setpriv)" "$BATS_TEST_TMPDIR/bin/setpriv"
	fails 12 env PATH="$BATS_TEST_TMPDIR/bin" "$HEW" build "$PWD"
	has "there is no git program here: install the package git" "$LAST"
}

@test "ADD git: GIT_AUTH_TOKEN and GIT_AUTH_HEADER, for the host or all; kept nowhere" {
	serve
	repository app <<<'echo private >f'
	local u=$URL/private/git/app.git host=127.0.0.1:$PORT
	printf 'basic %s' "$(printf 'x-access-token:s3cr3t-t0ken' | base64)" >"$WWW/authorization"
	printf 'FROM scratch\nADD %s /x/\n' "$u" | dockerfile
	build_fails 8
	has "--secret id=GIT_AUTH_TOKEN" "$LAST"
	export WRONG=wrong RIGHT=s3cr3t-t0ken
	build_fails 8 --secret id=GIT_AUTH_TOKEN,env=WRONG
	build --no-cache --secret id=GIT_AUTH_TOKEN,env=RIGHT
	HEADER=$(cat "$WWW/authorization")
	export HEADER
	build --no-cache --secret "id=GIT_AUTH_HEADER.$host,env=HEADER" --secret id=GIT_AUTH_TOKEN,env=WRONG
	build --no-cache --secret "id=GIT_AUTH_TOKEN.$host,env=RIGHT" --secret id=GIT_AUTH_HEADER,env=WRONG
	run grep -rlaF -e s3cr3t-t0ken -e "${HEADER#basic }" "$HEW_ROOT"
	equal "" "$output"
	sed -i "s|http://|http://x-access-token:s3cr3t-t0ken@|" Dockerfile # by git's own rules a URL may say it
	build --no-cache
}

@test "ADD git: SIGTERM and SIGKILL while git waits for a server leave no process and no file" {
	serve
	printf 'FROM scratch\nADD %s/hang/x.git /x/\n' "$URL" | dockerfile
	[ -z "${HEW_TEST_UID-}" ] || readable
	gits() { pgrep -f "remote-http.*$PORT/hang" || true; }
	local signal pid rc
	for signal in TERM KILL; do
		"$HEW" build --progress plain . >/dev/null 2>"$BATS_TEST_TMPDIR/err" 3>&- &
		pid=$!
		wait_for pgrep -f "remote-http.*$PORT/hang"
		kill -s "$signal" "$pid"
		rc=0
		wait "$pid" || rc=$?
		[ "$signal" = KILL ] || equal 130 "$rc"
		nothing_left
		for _ in {1..100}; do [ -n "$(gits)" ] || break; sleep 0.05; done
		equal "" "$(gits)"
	done
	sound
	equal "" "$(find "$HEW_ROOT/work" -mindepth 1)"
}

# ---- git over ssh, and agents

# sshd_start: on 127.0.0.1:$SSH_PORT, for root with $KEY.
sshd_start() {
	local d=$BATS_TEST_TMPDIR/sshd
	mkdir -p "$d" /run/sshd
	KEY=$BATS_TEST_TMPDIR/key
	ssh-keygen -q -t ed25519 -N '' -f "$d/host"
	ssh-keygen -q -t ed25519 -N '' -C 'the test key' -f "$KEY"
	cp "$KEY.pub" "$d/authorized"
	[ -z "${HEW_TEST_UID-}" ] || chown "$HEW_TEST_UID" "$KEY" "$KEY.pub"
	SSH_PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	printf '%s\n' "Port $SSH_PORT" "ListenAddress 127.0.0.1" "HostKey $d/host" "AuthorizedKeysFile $d/authorized" \
		"PidFile none" "StrictModes no" "UsePAM no" "PermitRootLogin yes" "PasswordAuthentication no" >"$d/config"
	/usr/sbin/sshd -D -e -f "$d/config" >"$d/log" 2>&1 3>&- &
	SERVERS+=($!)
	wait_for grep -q listening "$d/log"
	export GIT_SSH_COMMAND="ssh -F none -o BatchMode=yes -o UserKnownHostsFile=$BATS_TEST_TMPDIR/known -o StrictHostKeyChecking=accept-new"
}

# as_user COMMAND...: as whoever runs hew.
as_user() { # [exec] COMMAND...
	local become=
	[ "$1" != exec ] || { become=$1 && shift; }
	if [ -n "${HEW_TEST_UID-}" ]; then
		$become setpriv --reuid "$HEW_TEST_UID" --regid "$HEW_TEST_UID" --clear-groups "$@"
	else
		$become "$@"
	fi
}

@test "ADD git: over ssh with a key of --ssh, and none without" {
	serve
	repository app <<<'echo by ssh >f'
	sshd_start
	printf 'FROM scratch\nADD ssh://root@127.0.0.1:%s%s/git/app.git /x/\n' "$SSH_PORT" "$WWW" | dockerfile
	unset SSH_AUTH_SOCK
	build_fails 8
	has "Permission denied" "$LAST"
	has "--ssh default" "$LAST"
	build -t t --ssh "default=$KEY"
	unpack t
	equal "by ssh" "$(cat "$ROOTFS/x/f")"
	nothing_left
	run pgrep -f 'ssh-agent -D -a agent.sock'
	equal "" "$output"
}

# What a step sees of an agent: the number of keys, the first one's comment, and whether they could be removed.
agent_script() {
	cat >ask.py <<-'EOF'
		import os, socket, struct, sys
		def ask(*message):
		    s = socket.socket(socket.AF_UNIX)
		    s.connect(sys.argv[1] if len(sys.argv) > 1 else os.environ["SSH_AUTH_SOCK"])
		    s.sendall(struct.pack(">I", len(bytes(message))) + bytes(message))
		    n = struct.unpack(">I", s.recv(4, socket.MSG_WAITALL))[0]
		    return s.recv(n, socket.MSG_WAITALL)
		removed = ask(19)[0]
		answer = ask(11)
		count = struct.unpack(">I", answer[1:5])[0]
		comment = ""
		if count:
		    blob = struct.unpack(">I", answer[5:9])[0]
		    n = struct.unpack(">I", answer[9 + blob:13 + blob])[0]
		    comment = answer[13 + blob:13 + blob + n].decode()
		print(count, comment, "removed" if removed == 6 else "refused", os.environ.get("SSH_AUTH_SOCK"))
	EOF
}

@test "RUN --mount=type=ssh: keys and a running agent; a step may sign, not remove" {
	agent_script
	KEY=$BATS_TEST_TMPDIR/key
	ssh-keygen -q -t ed25519 -N '' -C 'the test key' -f "$KEY"
	chmod 711 "$BATS_TEST_TMPDIR"
	[ -z "${HEW_TEST_UID-}" ] || chown "$HEW_TEST_UID" "$KEY"
	dockerfile <<-'EOF'
		FROM python:3.12-slim
		RUN --mount=type=bind,source=ask.py,target=/ask.py --mount=type=ssh,required=true \
		    python3 /ask.py >/default && stat -c '%F %a %u:%g' $SSH_AUTH_SOCK >>/default
		RUN --mount=type=bind,source=ask.py,target=/ask.py --mount=type=ssh,id=other,uid=1234,gid=99,mode=0640,target=/agent \
		    setpriv --reuid 1234 --regid 99 --clear-groups python3 /ask.py /agent >/other && stat -c '%F %a %u:%g' /agent >>/other
		RUN --mount=type=ssh,id=missing test ! -S /run/buildkit/ssh_agent.0
		RUN test ! -e /run/buildkit/ssh_agent.0 && test ! -e /agent
	EOF
	local socket=$BATS_TEST_TMPDIR/ctx/a.sock
	as_user exec ssh-agent -D -a "$socket" >/dev/null 2>&1 3>&- &
	SERVERS+=($!)
	wait_for test -S "$socket"
	SSH_AUTH_SOCK=$socket as_user ssh-add -q "$KEY"
	build -t t --ssh "default=$KEY" --ssh "other=$socket"
	unpack t
	equal $'1 the test key refused /run/buildkit/ssh_agent.0\nsocket 600 0:0' "$(cat "$ROOTFS/default")"
	equal $'1 the test key refused /agent\nsocket 640 1234:99' "$(cat "$ROOTFS/other")"
	SSH_AUTH_SOCK=$socket as_user ssh-add -l | grep -q 'the test key'
	build -t t # not in keys: neither whose nor whether
	equal "" "$(ran)"
	SSH_AUTH_SOCK=$socket build -t t --ssh default
	equal "" "$(ran)"
	nothing_left
}

@test "RUN --mount=type=ssh: an agent of ours ends with hew, however that ends" {
	KEY=$BATS_TEST_TMPDIR/key
	ssh-keygen -q -t ed25519 -N '' -f "$KEY"
	[ -z "${HEW_TEST_UID-}" ] || chown "$HEW_TEST_UID" "$KEY"
	printf 'FROM alpine:3.19\nRUN --mount=type=ssh echo started; sleep 100\n' | dockerfile
	[ -z "${HEW_TEST_UID-}" ] || readable
	agents() { pgrep -f 'ssh-agent -D -a agent.sock' || true; }
	local signal pid
	for signal in TERM KILL; do
		"$HEW" build --progress plain --ssh "default=$KEY" . >/dev/null 2>"$BATS_TEST_TMPDIR/err" 3>&- &
		pid=$!
		wait_for grep -q '[0-9] started' "$BATS_TEST_TMPDIR/err"
		[ -n "$(agents)" ]
		kill -s "$signal" "$pid"
		wait "$pid" || true
		nothing_left
		for _ in {1..100}; do [ -n "$(agents)" ] || break; sleep 0.05; done
		equal "" "$(agents)"
	done
	sound
	equal "" "$(find "$HEW_ROOT/work" -mindepth 1)"
}

@test "--ssh: what is missing or no agent says so" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN --mount=type=ssh,required=true true
	EOF
	unset SSH_AUTH_SOCK
	build_fails 5
	has "ssh agent default: not given (give it with --ssh default)" "$LAST"
	build_fails 2 --ssh default
	has "SSH_AUTH_SOCK is not set" "$LAST"
	build_fails 2 --ssh default=/nonexistent
	has "open '/nonexistent'" "$LAST"
	echo nonsense >key && chmod 600 key
	ssh-keygen -q -t ed25519 -N secret -f locked
	[ -z "${HEW_TEST_UID-}" ] || readable
	build_fails 2 --ssh default=key
	has "the ssh key 'key' cannot be used" "$LAST"
	build_fails 2 --ssh default=locked
	has "a key with a passphrase has to be in an agent" "$LAST"
	nothing_left
}

# ---- ADD of URLs

@test "ADD http: mode, owner, time and name; --chmod and --chown" {
	serve
	echo hello >"$WWW/files/a b.txt"
	touch -d @1600000000 "$WWW/files/a b.txt"
	echo c >"$WWW/files/c"
	dockerfile <<-EOF
		FROM alpine:3.19
		ADD $URL/files/a%20b.txt /plain/
		ADD --chmod=755 --chown=7:8 $URL/files/a%20b.txt?x=y /made/named
		ADD $URL/files/a%20b.txt $URL/bare/a%20b.txt#z /two/
		ADD --exclude=*.txt $URL/files/a%20b.txt $URL/files/c /left/
	EOF
	build -t t
	unpack t
	equal "file 600 0:0 6" "$(entry 'plain/a b.txt')"
	equal 1600000000 "$(mtime 'plain/a b.txt')"
	equal "file 755 7:8 6" "$(entry made/named)"
	equal "a b.txt" "$(ls "$ROOTFS/two")"
	equal c "$(ls "$ROOTFS/left")"
}

@test "ADD http: nothing is fetched twice that has an ETag or a checksum" {
	serve
	echo one >"$WWW/files/f"
	printf 'FROM scratch\nADD %s/files/f /f\n' "$URL" | dockerfile
	build
	equal 1 "$(requests '^GET')"
	build
	equal "" "$(ran)"
	equal "1 1" "$(requests '^GET') $(requests '^HEAD .* 304')"
	printf 'FROM alpine:3.19\nADD %s/files/f /g\n' "$URL" | dockerfile # another step, the same file
	build -t t
	equal 1 "$(requests '^GET')"
	unpack t
	equal one "$(cat "$ROOTFS/g")"
	echo two >"$WWW/files/f"
	build -t t
	equal 2 "$(requests '^GET')"
	unpack t
	equal two "$(cat "$ROOTFS/g")"
	printf 'FROM scratch\nADD %s/careless/f /f\n' "$URL" | dockerfile # says the ETag, ignores the condition
	build
	build
	equal "1 1" "$(requests '^GET /careless') $(requests '^HEAD /careless.* 200')"
	printf 'FROM scratch\nADD %s/bare/f /f\n' "$URL" | dockerfile # without one there is nothing to go by
	build
	build
	equal 2 "$(requests '^GET /bare')"
	local sum
	sum=$(sha256sum <"$WWW/files/f")
	printf 'FROM scratch\nADD --checksum=sha256:%s %s/files/f /f\n' "${sum%% *}" "$URL" | dockerfile
	build
	: >"$WWW/requests"
	build
	equal "" "$(cat "$WWW/requests")"
	kill "${SERVERS[0]}"
	build --no-cache -t t
	unpack t
	equal two "$(cat "$ROOTFS/f")"
	sound
}

@test "ADD http: a wrong checksum, a refusal, a server that is not there" {
	serve
	echo x >"$WWW/files/f"
	printf 'FROM scratch\nADD --checksum=sha256:%064d %s/files/f /f\n' 7 "$URL" | dockerfile
	build_fails 9
	has "digest mismatch: it is sha256:73cb3858a687a8494ca3323053016282f3dad39d42cf62ca4e79dda2aac7d9ac" "$LAST"
	printf 'FROM scratch\nADD --checksum=md5:12 %s/files/f /f\n' "$URL" | dockerfile
	build_fails 3
	has "--checksum" "$LAST"
	printf 'FROM scratch\nADD %s/files/none /f\n' "$URL" | dockerfile
	build_fails 6
	has "the server answers with status 404 (check the address)" "$LAST"
	has "Dockerfile:2" "$LAST"
	kill "${SERVERS[0]}"
	build_fails 7
	has "cannot connect to" "$LAST"
}

@test "ADD http: HTTP_AUTH_TOKEN and HTTP_AUTH_HEADER go to their host and no further" {
	serve
	echo x >"$WWW/files/f"
	printf 'Bearer t0ken' >"$WWW/authorization"
	printf 'FROM scratch\nADD %s/private/files/f /f\n' "$URL" | dockerfile
	build_fails 8
	has "status 401 (if it wants credentials: --secret id=HTTP_AUTH_TOKEN_<host>" "$LAST"
	export TOKEN=t0ken HEADER='Bearer t0ken'
	build --secret id=HTTP_AUTH_TOKEN_127.0.0.1,env=TOKEN
	build --no-cache --secret id=HTTP_AUTH_HEADER_127.0.0.1,env=HEADER
	: >"$WWW/requests"
	printf 'FROM scratch\nADD %s/to/http%%3A//localhost:%s/files/f /f\n' "$URL" "$PORT" | dockerfile
	build --secret id=HTTP_AUTH_TOKEN_127.0.0.1,env=TOKEN
	equal "GET 302 Bearer t0ken
GET 200 -" "$(awk '{ print $1, $3, $4 $5 }' "$WWW/requests" | sed 's/Bearert0/Bearer t0/')"
}

@test "ADD: a password in an address reaches the server, and no image, log, record or lock file" {
	serve
	echo x >"$WWW/files/f"
	repository app <<<'echo private >f'
	printf 'basic %s' "$(printf 'joe:s3same-0pen' | base64)" >"$WWW/authorization"
	local u=${URL/:\/\//://joe:s3same-0pen@}/private
	printf 'FROM scratch\nADD %s/files/f /f\nADD %s/git/app.git /x/\n' "$u" "$u" | dockerfile
	build --progress plain -t t --provenance mode=max --metadata-file meta
	cat "$ERR" >>said
	build_fails 9 --progress plain -f - <<<"FROM scratch
ADD --checksum=sha256:$(printf %064d 7) $u/files/f /f"
	has "joe:xxxxx@" "$LAST"
	cat "$ERR" >>said
	build_fails 6 --progress rawjson -f - <<<"FROM scratch
ADD $u/files/none /f"
	cat "$ERR" >>said
	hew history --no-trunc t >>said
	hew why t >>said 2>&1
	hew builds show >>said
	hew lock -q .
	build --locked --no-cache
	run grep -rlaF s3same-0pen "$HEW_ROOT" said meta hew.lock
	equal "" "$output"
}

@test "a password in the address of context or Dockerfile: no record and no message has it" {
	serve
	echo x >f
	printf 'FROM scratch\nCOPY f /\n' | dockerfile
	tar -cf "$WWW/files/a@b.tar" Dockerfile f
	printf 'FROM scratch\nCOPY none /\n' >"$WWW/files/D"
	hew build -q "$URL/files/a@b.tar"
	has "$URL/files/a@b.tar" "$(hew builds show)"
	printf 'basic %s' "$(printf 'joe:s3@me-0pen' | base64)" >"$WWW/authorization"
	local u=${URL/:\/\//://joe:s3@me-0pen@}/private shown=${URL/:\/\//://joe:xxxxx@}/private
	hew build -q "$u/files/a@b.tar"
	hew builds show >said
	has "$shown/files/a@b.tar" "$(cat said)"
	equal Dockerfile "$(awk '/^Dockerfile:/ { print $2 }' said)" # the one in there, not that of this folder
	build_fails 4 -f "$u/files/D"
	has "$shown/files/D:2" "$LAST"
	cat "$ERR" >>said
	hew builds show >>said
	run grep -rlaF me-0pen "$HEW_ROOT" said
	equal "" "$output"
}

@test "ADD: archives of every compression are unpacked where told; others are files" {
	serve
	mkdir in && echo x >in/f
	tar -C in -cf a.tar f
	gzip -k a.tar
	bzip2 -k a.tar
	xz -k a.tar
	zstd -q a.tar
	gzip -c in/f >alone.gz
	cp a.tar.gz "$WWW/files/"
	local u=$URL/files/a.tar.gz
	dockerfile <<-EOF
		FROM scratch
		ADD a.tar /tar/
		ADD a.tar.gz /gz/
		ADD a.tar.bz2 /bz2/
		ADD a.tar.xz /xz/
		ADD a.tar.zst /zst/
		ADD --unpack=false a.tar.gz /kept/
		ADD alone.gz /alone/
		ADD $u /url/
		ADD --unpack=true --chown=3:4 $u /unpacked/
		ADD --unpack $URL/files/a.tar.gz /again
	EOF
	build -t t
	unpack t
	local d
	for d in tar gz bz2 xz zst again; do equal x "$(cat "$ROOTFS/$d/f")"; done
	equal "a.tar.gz alone.gz a.tar.gz" "$(for d in kept alone url; do ls "$ROOTFS/$d"; done | paste -sd' ')"
	equal "file 644 3:4 2" "$(entry unpacked/f)"
}

# ---- the main context

@test "context: an archive on standard input, plain or compressed; its Dockerfile by -f" {
	mkdir -p c/sub
	printf 'FROM scratch\nCOPY sub/f /f\nADD in.tar /in/\n' >c/Dockerfile
	printf 'FROM scratch\nCOPY sub /other/\n' >c/sub/D
	echo x >c/sub/f
	tar -C c -cf c/in.tar sub/f
	tar -C c -cf plain.tar .
	local how
	for how in cat gzip bzip2 xz zstd; do
		$how <plain.tar | hew build -q -t t - >/dev/null
	done
	unpack t
	equal "x x" "$(cat "$ROOTFS/f" "$ROOTFS/in/sub/f" | paste -sd' ')"
	hew build -q -t t -f sub/D - <plain.tar >/dev/null
	unpack t
	equal x "$(cat "$ROOTFS/other/f")"
	fails 3 hew build -f none - <plain.tar
	has "open none: no such file" "$LAST"
	head -c 100000 plain.tar | gzip | head -c 300 >cut.gz
	fails 9 hew build - <cut.gz
	has "standard input" "$LAST"
}

@test "context: a Dockerfile on standard input, with and without a folder" {
	echo x >f
	hew build -q -t t -f - . <<<$'FROM scratch\nCOPY f /f' >/dev/null
	unpack t
	equal x "$(cat "$ROOTFS/f")"
	serve
	echo net >"$WWW/files/n"
	hew build -q -t t - <<<"FROM scratch
ADD $URL/files/n /n" >/dev/null
	unpack t
	equal net "$(cat "$ROOTFS/n")"
	fails 4 hew build - <<<$'FROM scratch\nCOPY f /f'
	has "there is no build context" "$LAST"
	fails 2 hew build -f - - <<<$'FROM scratch'
	has "can't use stdin for both" "$LAST"
	fails 2 hew build -f x - <<<$'FROM scratch'
	has "ambiguous Dockerfile source" "$LAST"
}

@test "context: a git repository, and a folder in it" {
	serve
	repository app <<-'EOF'
		printf 'FROM scratch\nCOPY . /all/\n' >Dockerfile
		echo top >top
		echo top >.dockerignore
		mkdir -p sub/deep
		printf 'FROM scratch\nCOPY deep/f /f\n' >sub/Dockerfile
		echo deep >sub/deep/f
	EOF
	hew build -q -t t "$URL/git/app.git" >/dev/null
	unpack t
	equal $'.dockerignore\nDockerfile\nsub\ntop' "$(ls -A "$ROOTFS/all")" # no ignore file for what is versioned
	equal "dir 755 0:0" "$(entry all/sub)"
	hew build -q -t t "$URL/git/app.git#main:sub" >/dev/null
	unpack t
	equal deep "$(cat "$ROOTFS/f")"
	hew build -q -t t --build-arg BUILDKIT_CONTEXT_KEEP_GIT_DIR=1 "$URL/git/app.git" >/dev/null
	unpack t
	[ -e "$ROOTFS/all/.git/HEAD" ]
	printf 'FROM scratch\nCOPY top /local/\n' >Local
	[ -z "${HEW_TEST_UID-}" ] || readable
	hew build -q -t t -f "$PWD/Local" "$URL/git/app.git" >/dev/null
	unpack t
	equal top "$(cat "$ROOTFS/local/top")"
	fails 6 hew build "$URL/git/none.git"
	has "load the build context" "$LAST"
}

@test "context: an archive or a Dockerfile from a URL; -f from a URL and from outside" {
	serve
	mkdir c
	printf 'FROM scratch\nCOPY f /f\n' >c/Dockerfile
	echo x >c/f
	tar -C c -czf "$WWW/files/c.tgz" .
	hew build -q -t t "$URL/files/c.tgz" >/dev/null
	hew build -q -t t "$URL/files/c.tgz" >/dev/null
	unpack t
	equal x "$(cat "$ROOTFS/f")"
	equal 1 "$(requests '^GET /files/c.tgz')"
	printf 'FROM scratch\nCOPY context /self\n' >"$WWW/files/D"
	hew build -q -t t "$URL/files/D" >/dev/null
	unpack t
	has "COPY context" "$(cat "$ROOTFS/self")"
	cp c/Dockerfile "$WWW/files/F"
	cp c/Dockerfile "$BATS_TEST_TMPDIR/Outside"
	rm c/Dockerfile
	hew build -q -t t -f "$URL/files/F" c >/dev/null
	hew build -q -t t -f ../Outside c >/dev/null
	unpack t
	equal x "$(cat "$ROOTFS/f")"
	fails 6 hew build -f "$URL/files/none" c
	has "failed to read dockerfile" "$LAST"
}

# ---- named contexts

@test "named contexts: folders with their own ignore files, repositories and archives" {
	serve
	repository app <<<'mkdir s; echo git >s/f'
	mkdir other
	echo keep >other/keep && echo drop >other/drop && echo drop >other/.dockerignore
	tar -C other -czf "$WWW/files/o.tgz" keep
	echo single >"$WWW/files/single"
	dockerfile <<-'EOF'
		FROM alpine:3.19
		COPY --from=dir . /dir/
		COPY --from=repo f /repo/
		COPY --from=arc / /arc/
		COPY --from=one context /one
		RUN --mount=type=bind,from=dir,target=/m --mount=type=bind,from=repo,source=f,target=/g cat /m/keep /g >/seen
	EOF
	local contexts=(--build-context dir=other --build-context "repo=$URL/git/app.git#:s"
		--build-context "arc=$URL/files/o.tgz" --build-context "one=$URL/files/single")
	build -t t "${contexts[@]}"
	unpack t
	equal $'.dockerignore\nkeep' "$(ls -A "$ROOTFS/dir")"
	equal "git keep single" "$(cat "$ROOTFS/repo/f" "$ROOTFS/arc/keep" "$ROOTFS/one" | paste -sd' ')"
	equal "keep git" "$(paste -sd' ' "$ROOTFS/seen")"
	build -t t "${contexts[@]}"
	equal "" "$(ran)"
	build_fails 4 --build-context dir=/nonexistent
	has "build context 'dir'" "$LAST"
	kill "${SERVERS[0]}"
	build -t t --build-context "unused=$URL/git/app.git" --target nothing -f - <<<'FROM scratch AS nothing
	FROM unused'
}

@test "named contexts: they take the place of stages and images, by any spelling and by platform" {
	mkdir fake && echo fake >fake/marker
	dockerfile <<-'EOF'
		FROM alpine:3.19 AS made
		RUN exit 1
		FROM docker.io/library/nothing:latest AS last
		COPY --from=made marker /from-stage
		COPY --from=tool:1 marker /from-image
	EOF
	build -t t --build-context made=fake --build-context nothing=docker-image://scratch --build-context tool:1=fake
	unpack t
	equal $'from-image\nfrom-stage' "$(ls "$ROOTFS")"
	printf 'FROM base\nCOPY fake/marker /here\n' | dockerfile
	build -t t --build-context base=fake
	unpack t
	equal $'here\nmarker' "$(ls "$ROOTFS")"
	local arch
	arch=$(config .architecture)
	build -t t --build-context "base::linux/$arch=docker-image://alpine:3.19" --build-context base=fake
	unpack t
	[ -e "$ROOTFS/bin/busybox" ]
	printf 'FROM scratch AS target\nCOPY nothing /\n' | dockerfile
	build -t t --target target --build-context target=docker-image://alpine:3.19
	unpack t
	[ -e "$ROOTFS/bin/busybox" ]
}

@test "named contexts: images by digest, and of an OCI layout by tag, digest or alone" {
	printf 'FROM scratch\nCOPY f /f\n' | dockerfile
	echo one >f
	build -t one
	skopeo copy -q "oci:$HEW_ROOT:docker.io/library/one:latest" "oci:$PWD/layout:first"
	echo two >f
	build -t two
	skopeo copy -q "oci:$HEW_ROOT:docker.io/library/two:latest" "oci:$PWD/layout:second"
	local digest
	digest=$(jq -r '.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == "second").digest' layout/index.json)
	hew rmi one two >/dev/null
	printf 'FROM base\nCOPY --from=more /f /more\n' | dockerfile
	build -t t --build-context base=oci-layout://layout:first --build-context "more=oci-layout://$PWD/layout@$digest"
	unpack t
	equal "one two" "$(cat "$ROOTFS/f" "$ROOTFS/more" | paste -sd' ')"
	build -t t --build-context base=oci-layout://layout:first --build-context "more=oci-layout://layout:x@$digest"
	equal "" "$(ran)"
	build_fails 6 --build-context base=oci-layout://layout --build-context more=oci-layout://layout:second
	has "no image tagged latest; there are: first, second" "$LAST"
	build_fails 9 --build-context base=oci-layout://layout:first --build-context "more=oci-layout://layout@sha256:$(printf '%064d' 1)"
	fails 6 hew inspect base
	digest=$(skopeo inspect --no-tags --format '{{.Digest}}' docker://docker.io/library/alpine:3.19)
	printf 'FROM base\n' | dockerfile
	build -t t --build-context "base=docker-image://alpine@$digest"
	unpack t
	[ -e "$ROOTFS/bin/busybox" ]
}
