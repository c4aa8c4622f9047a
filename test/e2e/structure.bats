#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hew test: structure tests of the kind that public projects have, against the test bases and images built above
# them; each kind of test with cases that pass and cases that fail.
load lib/hew
load lib/article

# tests: the file tests.yaml, from standard input, below the line with the version.
tests() {
	{
		echo "schemaVersion: '2.0.0'"
		cat
	} >"${1:-tests.yaml}"
	chmod 644 "${1:-tests.yaml}"
}

# judged ARGS...: "PASS name" or "FAIL name: first error" of each test, a line each.
judged() {
	hew test --format json "$@" 2>/dev/null |
		jq -r '.Results[] | if .Pass then "PASS \(.Name)" else "FAIL \(.Name): \(.Errors[0])" end'
}

# service: an image with files, users and metadata of its own.
service() {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN adduser -D -u 1001 app && mkdir -p /srv/app /data && echo 'listen = 8080' >/srv/app/conf \
			&& printf '#!/bin/sh\necho "app 1.2.3"\necho "ready" >&2\nexit "${1:-0}"\n' >/usr/local/bin/app \
			&& chmod 755 /usr/local/bin/app && chmod 600 /srv/app/conf && chown app:app /srv/app/conf \
			&& chmod 2775 /data && ln -s app /usr/local/bin/alias && ln -s /nowhere /srv/dangling
		ENV APP_HOME=/srv/app EMPTY=
		LABEL org.example.version=1.2.3 org.example.empty=""
		EXPOSE 8080 53/udp
		VOLUME /data
		WORKDIR /srv/app
		USER app
		ENTRYPOINT ["app"]
		CMD ["0"]
	EOF
	build -t service
}

# ---- commands

@test "commands: output, error, exit status, environment; each with its failure" {
	service
	tests <<-'EOF'
		globalEnvVars:
		  - {key: PATH, value: "/opt/bin:$PATH"}
		  - {key: WHO, value: "global"}
		commandTests:
		  - {name: version, command: app, expectedOutput: ['^app \d+\.\d+\.\d+\n$'], expectedError: [ready]}
		  - {name: wrong version, command: app, expectedOutput: ['^app 2']}
		  - {name: excluded, command: app, excludedOutput: [ready], excludedError: ['app']}
		  - {name: not excluded, command: app, excludedError: ['re+ady']}
		  - {name: fails, command: app, args: ['3'], exitCode: 3}
		  - {name: fails otherwise, command: app, args: ['3']}
		  - {name: no such command, command: nothing-here}
		  - {name: a directory, command: /srv}
		  - name: environment
		    command: sh
		    args: [-c, 'echo $WHO $APP_HOME $LOCAL; for i in 1 2; do echo $i; done; echo $PATH; id -u; pwd']
		    envVars: [{key: LOCAL, value: "${WHO}-$APP_HOME"}]
		    expectedOutput: ["global /srv/app global-/srv/app\n1\n2\n/opt/bin:/usr/local/sbin:.*\n1001\n/srv/app\n"]
		  - {name: no entrypoint, command: echo, args: [hello, '$APP_HOME', '$NOBODY'], expectedOutput: ["^hello /srv/app \\$NOBODY\n$"]}
		  - {name: no input, command: cat, expectedOutput: ['^$']}
	EOF
	equal 'PASS Command Test: version
FAIL Command Test: wrong version: Expected string '"'^app 2'"' not found in output '"'app 1.2.3
'"'
PASS Command Test: excluded
FAIL Command Test: not excluded: Excluded string '"'re+ady'"' found in error
PASS Command Test: fails
FAIL Command Test: fails otherwise: Test '"'fails otherwise'"' exited with incorrect error code. Expected: 0, Actual: 3
FAIL Command Test: no such command: nothing-here cannot be run: exec: "nothing-here": executable file not found in $PATH' \
		"$(judged service -f tests.yaml | sed -n 1,8p)"
	matches "FAIL Command Test: a directory: /srv cannot be run: *" "$(judged service -f tests.yaml | sed -n 9p)"
	equal "PASS Command Test: environment
PASS Command Test: no entrypoint
PASS Command Test: no input" "$(judged service -f tests.yaml | sed -n '10,$p')"
}

@test "commands: setup and teardown in a root of the test's own; nothing comes into the next, or the image" {
	service
	tests <<-'EOF'
		commandTests:
		  - name: setup
		    setup: [[sh, -c, 'echo one >/tmp/x'], [sh, -c, 'echo two >>/tmp/x; mkdir /tmp/d']]
		    command: cat
		    args: [/tmp/x]
		    expectedOutput: ["^one\ntwo\n$"]
		    teardown: [[rm, /tmp/x], [test, '!', -e, /tmp/x]]
		  - {name: fresh, command: ls, args: [/tmp/x], exitCode: 1}
		  - {name: setup fails, setup: [['true'], [sh, -c, 'echo broken >&2; exit 4']], command: 'true'}
		  - {name: teardown fails, command: 'true', teardown: [[test, -e, /tmp/x]]}
		containerRunOptions: {user: root}
	EOF
	equal "PASS Command Test: setup
PASS Command Test: fresh
FAIL Command Test: setup fails: setup command 2 (sh) exited with 4: broken
FAIL Command Test: teardown fails: teardown command 1 (test) exited with 1:" "$(judged service -f tests.yaml | sed '/^$/d; s/ $//')"
	equal "" "$(hew run --entrypoint ls service /tmp)"
	equal "" "$(find "$HEW_ROOT/work" -mindepth 1)"
	sound
}

@test "commands: run options: user, privileged, mounts, variables, network; what is not done is said" {
	service
	mkdir mounted && echo shown >mounted/x && printf '# of a file\nFILE=file\nHERE\n' >file.env
	chmod 755 mounted && chmod 644 mounted/x file.env
	tests <<-EOF
		containerRunOptions:
		  user: "7:8"
		  bindMounts: ["$PWD/mounted:/mnt:ro"]
		  envFile: file.env
		  envVars: [HERE, ABSENT]
		  network: none
		  capabilities: [CAP_NET_BIND_SERVICE, chown]
		commandTests:
		  - {name: user, command: id, args: [-u], expectedOutput: ['^7\n']}
		  - {name: mount, command: cat, args: [/mnt/x], expectedOutput: [shown]}
		  - {name: read only, command: touch, args: [/mnt/y], exitCode: 1}
		  - {name: variables, command: sh, args: [-c, 'echo \$FILE-\$HERE-\$ABSENT-'], expectedOutput: ['^file-here--']}
		  - {name: capabilities, command: grep, args: [CapBnd, /proc/self/status], expectedOutput: [00000000a80425fb]}
		  - {name: network, command: ls, args: [/sys/class/net], expectedOutput: ["^lo\n\$"]}
	EOF
	HERE=here said hew test -q service -f tests.yaml
	cat "$ERR"
	equal 0 "$STATUS"
	tests caps.yaml <<-'EOF'
		commandTests: [{name: all, command: grep, args: [CapEff, /proc/self/status], excludedOutput: [00000000a80425fb], expectedOutput: [f]}]
		containerRunOptions: {privileged: true, user: root, capabilities: [sys_admin]}
	EOF
	hew test -q service -f caps.yaml
	sed -i 's/privileged: true/privileged: false/' caps.yaml
	fails 12 hew test service -f caps.yaml
	has "sys_admin" "$LAST"
	has "privileged: true" "$LAST"
	tests tty.yaml <<<$'commandTests: [{name: a, command: a}]\ncontainerRunOptions: {allocateTty: true}'
	echo before >report.txt
	[ -z "${HEW_TEST_UID-}" ] || readable
	fails 12 hew test service -f tty.yaml -o report.txt
	has "allocateTty" "$LAST"
	equal before "$(cat report.txt)" # a report is there wholly or not at all
	tests net.yaml <<<$'commandTests: [{name: a, command: a}]\ncontainerRunOptions: {network: bridge}'
	fails 12 hew test service -f net.yaml
	tests file.yaml <<<$'commandTests: [{name: a, command: a}]\ncontainerRunOptions: {envFile: absent}'
	fails 1 hew test service -f file.yaml
	has "absent" "$LAST"
	tests mount.yaml <<<$'commandTests: [{name: a, command: a}]\ncontainerRunOptions: {bindMounts: [/absent:/x]}'
	fails 1 hew test service -f mount.yaml
	has "/absent" "$LAST"
}

@test "commands: a time limit ends what hangs, and all that it started" {
	tests <<-EOF
		commandTests:
		  - {name: hangs, command: sh, args: [-c, 'echo before; sleep $NAP & sleep $NAP']}
		  - {name: quick, command: 'true'}
	EOF
	hew pull -q alpine:3.19
	said hew test alpine:3.19 -f tests.yaml --timeout 1s
	equal 1 "$STATUS"
	has "sh was killed after 1s (--timeout)" "$OUT"
	has "stdout: before" "$OUT"
	matches "PASS  Command Test: quick*" "$(grep PASS <<<"$OUT")"
	nobody_naps
	nothing_left
	equal "" "$(find "$HEW_ROOT/work" -mindepth 1)"
	fails 2 hew test alpine:3.19 -f tests.yaml --timeout soon
	fails 2 hew test alpine:3.19 -f tests.yaml --jobs -1
}

@test "commands run side by side, as many as asked for, and are told in order" {
	hew pull -q alpine:3.19
	mkdir meet && chmod 777 meet
	# each waits for the other
	tests <<-EOF
		containerRunOptions: {bindMounts: ["$PWD/meet:/meet"], user: root}
		commandTests:
		  - {name: one, command: sh, args: [-c, 'touch /meet/1; while ! test -e /meet/2; do sleep 0.05; done']}
		  - {name: two, command: sh, args: [-c, 'touch /meet/2; while ! test -e /meet/1; do sleep 0.05; done']}
	EOF
	equal "PASS Command Test: one
PASS Command Test: two" "$(judged alpine:3.19 -f tests.yaml --jobs 2 --timeout 60s)"
	rm meet/*
	said hew test alpine:3.19 -f tests.yaml --jobs 1 --timeout 1s
	equal 1 "$STATUS"
	matches "*FAIL  Command Test: one*killed*PASS  Command Test: two*" "$OUT"
}

@test "commands: Ctrl-C ends all of them and leaves nothing" {
	hew pull -q alpine:3.19
	tests <<-EOF
		commandTests:
		  - {name: a, command: sleep, args: ['$NAP']}
		  - {name: b, command: sleep, args: ['$NAP']}
	EOF
	local before i
	before=$(mounts_now)
	# a shell gives its background children an ignored SIGINT
	env --default-signal=INT,TERM "$HEW" test -q --jobs 2 alpine:3.19 -f tests.yaml >out 2>err 3>&- &
	local pid=$!
	SERVERS+=("$pid")
	for ((i = 0; i < 400; i++)); do
		[ "$(pgrep -cf "^sleep $NAP\$")" -ne 2 ] || break
		sleep 0.05
	done
	equal 2 "$(pgrep -cf "^sleep $NAP\$")"
	kill -INT "$pid"
	local rc=0
	wait "$pid" || rc=$?
	equal 130 "$rc"
	nobody_naps
	nothing_left
	equal "$before" "$(mounts_now)"
	equal "" "$(find "$HEW_ROOT/work" -mindepth 1)"
	sound
}

@test "commands: output without end is cut, and the test fails" {
	hew pull -q alpine:3.19
	tests <<<'commandTests: [{name: much, command: sh, args: [-c, "yes | head -c 6000000"], excludedOutput: [n]}]'
	equal "FAIL Command Test: much: sh wrote more than 4194304 bytes: only these were looked at" \
		"$(judged alpine:3.19 -f tests.yaml)"
}

# ---- files

@test "existence: paths, owners, permissions in both notations, links; each with its failure" {
	service
	tests <<-'EOF'
		fileExistenceTests:
		  - {name: root, path: /, permissions: drwxr-xr-x, uid: 0, gid: 0}
		  - {name: file, path: /srv/app/conf, shouldExist: true, permissions: -rw-------, uid: 1001, gid: 1001}
		  - {name: variable, path: "$APP_HOME/conf"}
		  - {name: setgid, path: /data, permissions: dgrwxrwxr-x}
		  - {name: setgid ls, path: /data, permissions: drwxrwsr-x}
		  - {name: sticky, path: /tmp, permissions: dtrwxrwxrwx}
		  - {name: link, path: /usr/local/bin/alias, permissions: Lrwxrwxrwx, isExecutableBy: any}
		  - {name: through a link, path: /usr/local/bin/../bin/app, isExecutableBy: other}
		  - {name: dangling, path: /srv/dangling}
		  - {name: absent, path: /usr/bin/gcc, shouldExist: false}
		  - {name: below a file, path: /srv/app/conf/x, shouldExist: false}
		  - {name: FAILS missing, path: /usr/bin/gcc}
		  - {name: FAILS there, path: /bin/sh, shouldExist: false}
		  - {name: FAILS permissions, path: /srv/app/conf, permissions: -rw-r--r--}
		  - {name: FAILS uid, path: /srv/app/conf, uid: 0}
		  - {name: FAILS gid, path: /srv/app/conf, gid: 0}
		  - {name: FAILS executable, path: /srv/app/conf, isExecutableBy: owner}
		  - {name: FAILS dangling, path: /srv/dangling, isExecutableBy: owner}
	EOF
	judged service -f tests.yaml >got
	equal "" "$(grep PASS got | grep FAILS || true)"
	equal "" "$(grep ^FAIL got | grep -v FAILS || true)"
	equal 18 "$(grep -c . got)"
	has "FAIL File Existence Test: FAILS permissions: /srv/app/conf has incorrect permissions. Expected: -rw-r--r--, Actual: -rw-------" "$(cat got)"
	has "FAIL File Existence Test: FAILS uid: /srv/app/conf has incorrect user ownership. Expected: 0, Actual: 1001" "$(cat got)"
}

@test "existence: owners and permissions are those that tar has, of every file of a base" {
	hew pull -q debian:bookworm-slim
	hew export debian:bookworm-slim >base.tar
	python3 - base.tar >tests.yaml <<-'EOF'
		import json, stat, sys, tarfile
		print("schemaVersion: 2.0.0\nfileExistenceTests:")
		n = 0
		for m in tarfile.open(sys.argv[1]):
		    kind = {tarfile.DIRTYPE: stat.S_IFDIR, tarfile.SYMTYPE: stat.S_IFLNK}.get(m.type, stat.S_IFREG)
		    print("- %s" % json.dumps({"name": "f%d" % n, "path": "/" + m.name, "uid": m.uid, "gid": m.gid,
		        "permissions": stat.filemode(kind | (0o777 if kind == stat.S_IFLNK else m.mode))}))
		    n += 1
		assert n > 2000
	EOF
	chmod 644 tests.yaml
	said hew test -q debian:bookworm-slim -f tests.yaml
	cat "$ERR"
	equal 0 "$STATUS"
}

@test "contents: what is there and what is not, through links; folders and nothing are errors" {
	service
	tests <<-'EOF'
		fileContentTests:
		  - {name: conf, path: $APP_HOME/conf, expectedContents: ['listen\s*=\s*8080'], excludedContents: ['debug']}
		  - {name: through a link, path: /usr/local/bin/alias, expectedContents: ['^#!/bin/sh\n', '(?m)^exit']}
		  - {name: binary, path: /bin/busybox, expectedContents: ['^\x7fELF'], excludedContents: ['nothing of the kind']}
		  - {name: FAILS expected, path: /srv/app/conf, expectedContents: ['listen = 80$']}
		  - {name: FAILS excluded, path: /srv/app/conf, excludedContents: ['8+0']}
		  - {name: FAILS folder, path: /srv/app, expectedContents: ['x']}
		  - {name: FAILS absent, path: /srv/none, excludedContents: ['x']}
		  - {name: FAILS dangling, path: /srv/dangling, excludedContents: ['x']}
	EOF
	judged service -f tests.yaml >got
	equal 3 "$(grep -c ^PASS got)"
	equal "" "$(grep PASS got | grep FAILS || true)"
	has "FAILS expected: Expected string 'listen = 80\$' not found in file content string 'listen = 8080" "$(cat got)"
	has "FAILS excluded: Excluded string '8+0' found in /srv/app/conf" "$(cat got)"
	has "FAILS folder: Failed to open /srv/app. Error: '/srv/app' is not a regular file" "$(cat got)"
	has "FAILS absent: Failed to open /srv/none. Error: it does not exist" "$(cat got)"
}

@test "licenses: Debian's copyright files and others" {
	tests <<<$'licenseTests:\n- debian: true\n- files: [/etc/debian_version]\n- files: [/absent, /etc/hostname-none]'
	hew pull -q debian:bookworm-slim
	judged debian:bookworm-slim -f tests.yaml >got
	# as grep sees the files
	local want=PASS
	hew export debian:bookworm-slim | tar -xO --wildcards 'usr/share/doc/*/copyright' 2>/dev/null | grep -qiE 'AGPL|WTFPL' && want=FAIL
	hew run debian:bookworm-slim sh -c 'for d in /usr/share/doc/*/; do [ -e "$d/copyright" ] || exit 1; done' || want=FAIL
	matches "$want License Test*" "$(sed -n 1p got)"
	equal "PASS License Test" "$(sed -n 2p got)"
	equal "FAIL License Test: Failed to open /absent. Error: it does not exist" "$(sed -n 3p got)"
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN mkdir -p /usr/share/doc/a /usr/share/doc/b /usr/share/doc/libgnutls30 && echo 'GNU agpl 3' >/usr/share/doc/a/copyright
	EOF
	build -t licensed
	equal "Invalid license for /usr/share/doc/a/copyright, license contains AGPL
Failed to open /usr/share/doc/b/copyright. Error: it does not exist" \
		"$(hew test --format json licensed -f tests.yaml 2>/dev/null | jq -r '.Results[0].Errors[]')"
}

# ---- metadata

@test "metadata: all that is looked at, and a failure of each" {
	service
	tests <<-'EOF'
		metadataTest:
		  envVars: [{key: APP_HOME, value: /srv/app}, {key: EMPTY, value: ''}, {key: PATH, value: '^/usr/local/sbin:', isRegex: true}]
		  unboundEnvVars: [{key: DEBUG}]
		  labels: [{key: org.example.version, value: '^\d+(\.\d+){2}$', isRegex: true}, {key: org.example.empty, value: ''}]
		  exposedPorts: ["8080", "53/udp"]
		  unexposedPorts: ["80", "53/tcp"]
		  volumes: [/data]
		  unmountedVolumes: [/srv]
		  entrypoint: [app]
		  cmd: ["0"]
		  workdir: /srv/app
		  user: app
	EOF
	equal "PASS Metadata Test" "$(judged service -f tests.yaml)"
	tests <<-'EOF'
		metadataTest:
		  envVars: [{key: APP_HOME, value: /srv}, {key: NONE, value: ''}]
		  unboundEnvVars: [{key: EMPTY}]
		  labels: [{key: org.example.version, value: '^2', isRegex: true}, {key: none, value: ''}]
		  exposedPorts: ["80"]
		  unexposedPorts: ["8080"]
		  volumes: [/srv]
		  unmountedVolumes: [/data]
		  entrypoint: []
		  cmd: [a, b]
		  workdir: /
		  user: root
	EOF
	equal 'env var APP_HOME value /srv/app does not match expected value: /srv
env var NONE not found in image metadata
env variable EMPTY should not be present in image metadata
label org.example.version value 1.2.3 does not match expected value: ^2
label none not found in image metadata
Image Cmd ["0"] does not match expected Cmd: ["a", "b"]
Image Entrypoint ["app"] does not match expected Entrypoint: []
Image workdir /srv/app does not match config workdir: /
Image user app does not match config user: root
Port 80 not found in config
Port 8080 should not be exposed
Volume /srv not found in config
Volume /data should not be mounted' \
		"$(hew test --format json service -f tests.yaml 2>/dev/null | jq -r '.Results[0].Errors[]')"
}

# ---- as public projects have them

@test "distroless: no shell, no package manager, certificates, users; and for nonroot" {
	tests root.yaml <<-'EOF'
		commandTests:
		  - {name: no shell, command: /bin/sh, exitCode: 0}
		fileExistenceTests:
		  - {name: certs, path: /etc/ssl/certs/ca-certificates.crt, shouldExist: true, permissions: -rw-r--r--}
		  - {name: busybox, path: /busybox/sh, shouldExist: false}
		  - {name: ash, path: /bin/sh, shouldExist: false}
		  - {name: apt, path: /usr/bin/apt, shouldExist: false}
		  - {name: home, path: /home/nonroot, shouldExist: true, uid: 65532, gid: 65532, permissions: drwx------}
		  - {name: tmp, path: /tmp, shouldExist: true, permissions: dtrwxrwxrwx}
		fileContentTests:
		  - name: passwd
		    path: /etc/passwd
		    expectedContents: ['root:x:0:0:root:/root:/sbin/nologin', 'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin']
		    excludedContents: ['/bin/(ba)?sh']
		  - {name: os-release, path: /etc/os-release, expectedContents: ['(?m)^ID=']}
		metadataTest:
		  envVars: [{key: SSL_CERT_FILE, value: /etc/ssl/certs/ca-certificates.crt}]
		  entrypoint: []
		  cmd: []
		  user: "0"
		  workdir: /
	EOF
	judged gcr.io/distroless/static -f root.yaml >got
	matches "FAIL Command Test: no shell: /bin/sh cannot be run: *" "$(head -n 1 got)"
	equal 9 "$(grep -c ^PASS got)"
	tests nonroot.yaml <<<$'metadataTest: {user: "65532", workdir: /home/nonroot, exposedPorts: []}'
	hew test -q gcr.io/distroless/static:nonroot -f nonroot.yaml
}

@test "the article's image: what the builder had is not in it; several files, one report" {
	article_files hello
	{
		article_stages
		cat <<-'EOF'
			FROM alpine:3.19
			RUN adduser -D -H nextjs
			COPY --from=builder --chown=nextjs /app/dist /app
			USER nextjs
			EXPOSE 3000
			CMD ["cat", "/app/out"]
		EOF
	} | dockerfile
	build -t article
	tests runtime.yaml <<-'EOF'
		commandTests:
		  - {name: it says, command: cat, args: [/app/out], expectedOutput: ['^hello\n\{\}\n$']}
		  - {name: not root, command: id, args: [-un], expectedOutput: ['^nextjs\n$']}
		metadataTest: {user: nextjs, exposedPorts: ["3000"], cmd: [cat, /app/out]}
	EOF
	tests slim.yaml <<-'EOF'
		fileExistenceTests:
		  - {name: no source, path: /app/src, shouldExist: false}
		  - {name: no modules, path: /app/node_modules, shouldExist: false}
		  - {name: output, path: /app/out, shouldExist: true, isExecutableBy: owner}
	EOF
	said hew test article -f runtime.yaml -f slim.yaml --format junit -o report.xml
	equal 1 "$STATUS"
	matches "runtime.yaml:*PASS  Command Test: it says*slim.yaml:*FAIL  File Existence Test: output*/app/out has incorrect*6 tests, 5 passed, 1 failed" "$OUT"
	equal "ERROR: 1 of 6 tests failed: File Existence Test: output: /app/out has incorrect executable bit. Expected to be executable by owner, Actual: -rw-r--r--" "$(tail -n 1 "$ERR")"
	equal "6 1 File Existence Test: output" "$(python3 -c '
import sys, xml.etree.ElementTree as x
root = x.parse("report.xml").getroot()
cases = root.findall("testsuite/testcase")
assert root.tag == "testsuites" and root.get("tests") == str(len(cases)) and float(root.get("time")) > 0
failed = [c for c in cases if c.find("failure") is not None]
assert root.get("failures") == str(len(failed))
print(len(cases), len(failed), failed[0].get("name"))')"
}

# ---- reports

@test "reports: JSON and JUnit hold whatever a command writes" {
	hew pull -q alpine:3.19
	tests <<-'EOF'
		commandTests:
		  - {name: "odd <&\"'> é", command: printf, args: ['a<b>&"\001\033[31m\377\000z]]>\n'], expectedOutput: ["no \x01<"]}
	EOF
	hew test alpine:3.19 -f tests.yaml --format json -o r.json >out 2>err || true
	hew test alpine:3.19 -f tests.yaml --format junit --junit-suite-name 'my "suite"' -o r.xml >>out 2>err || true
	has_not $'\033' "$(cat out err)"
	has_not $'\001' "$(cat out err)"
	python3 - <<-'EOF'
		import json, xml.etree.ElementTree as x
		bad = "\ufffd"
		r = json.load(open("r.json"))
		assert list(r) == ["Pass", "Fail", "Total", "Duration", "Results"], list(r)
		assert (r["Pass"], r["Fail"], r["Total"]) == (0, 1, 1)
		t = r["Results"][0]
		assert t["Name"] == "Command Test: odd <&\"'> é" and t["Pass"] is False and t["Duration"] > 0
		assert t["Stdout"] == 'a<b>&"\x01\x1b[31m' + bad + bad + 'z]]>\n', repr(t["Stdout"])
		s = x.parse("r.xml").getroot().find("testsuite")
		assert s.get("name") == 'my "suite"'
		c = s.find("testcase")
		assert c.get("name") == t["Name"]
		assert c.find("system-out").text == 'a<b>&"' + bad + bad + '[31m' + bad + bad + 'z]]>\n', repr(c.find("system-out").text)
		assert "no " + bad + "<" in c.find("failure").text
	EOF
}

@test "what is printed where: --quiet, --output, text, no colours in a pipe" {
	hew pull -q alpine:3.19
	tests <<<$'fileExistenceTests: [{name: "a\\e[1m", path: /etc}]'
	said hew test -q alpine:3.19 -f tests.yaml
	equal "0||" "$STATUS|$OUT|$(cat "$ERR")"
	equal 'PASS  File Existence Test: a\x1b[1m
1 test, 1 passed, 0 failed' "$(hew test alpine:3.19 -f tests.yaml)"
	hew test alpine:3.19 -f tests.yaml -o text.out >out
	equal "" "$(cat out)"
	has "1 passed" "$(cat text.out)"
	hew test -q alpine:3.19 -f tests.yaml --format json -o r.json >out
	equal "|1" "$(cat out)|$(jq .Pass r.json)"
	fails 2 hew test alpine:3.19 -f tests.yaml --format xml
	sed -i 's,/etc,/none,' tests.yaml
	fails 1 hew test -q alpine:3.19 -f tests.yaml
	equal 'ERROR: 1 of 1 tests failed: File Existence Test: a\x1b[1m: File /none should exist but does not' "$LAST"
	equal 1 "$(grep -c . "$ERR")"
	fails 1 hew test -q alpine:3.19 -f tests.yaml --format json -o /none/r.json
	has /none/r.json "$LAST"
}

# ---- the file

@test "files that are wrong are refused with their line, before anything is fetched" {
	tests <<<'fileExistenceTests: [{name: piped, path: /etc}]'
	hew pull -q alpine:3.19
	has "PASS  File Existence Test: piped" "$(hew test alpine:3.19 -f - <tests.yaml)"
	fails 2 hew test alpine:3.19 -f - <<<'schemaVersion: 1'
	has "standard input" "$LAST"
	tests <<<$'commandTests:\n- name: a\n  comand: b'
	fails 2 hew test no/such/image -f tests.yaml
	equal "ERROR: tests.yaml:4: 'comand' is no key here: did you mean command?" "$LAST"
	printf 'schemaVersion: 1.0.0\n' >old.yaml
	tests empty.yaml </dev/null
	printf '{"schemaVersion": "2.0.0",\n "metadataTest": {"user": 1,}\n}\n' >ok.json
	printf '{"schemaVersion": "2.0.0",\n "metadataTest": {"user": [1]}\n}\n' >bad.json
	printf 'schemaVersion: 2.0.0\nfileContentTests: [{name: a, path: b,\n  expectedContents: ["(?<=x"]}]\n' >re.yaml
	chmod 644 ./*.yaml ./*.json
	fails 2 hew test no/such/image -f old.yaml
	has "old.yaml:1: schema version 1.0.0" "$LAST"
	fails 2 hew test no/such/image -f empty.yaml
	has "no test" "$LAST"
	fails 2 hew test no/such/image -f bad.json
	has "bad.json:2: user: a text is wanted" "$LAST"
	fails 2 hew test no/such/image -f re.yaml
	has "re.yaml:3: the regular expression '(?<=x'" "$LAST"
	fails 6 hew test no/such/image -f none.yaml
	has "none.yaml" "$LAST"
	fails 2 hew test no/such/image
	has "-f FILE" "$LAST"
	fails 2 hew test -f ok.json
	fails 6 hew test ./none.tar -f ok.json
	fails 6 hew test no/such/image:1 -f ok.json
}

@test "JSON files, and YAML with anchors and merged keys" {
	service
	printf '{\n\t"schemaVersion": "2.0.0",\n\t"commandTests": [\n\t\t{"name": "a\\u00e9", "command": "app", "args": ["\\u0031"], "exitCode": 1,\n\t\t"expectedOutput": ["app\\\\s1\\\\.2"]}\n\t],\n\t"fileExistenceTests": [{"name": "b", "path": "\\/srv", "shouldExist": true}]\n}\n' >t.json
	tests <<-'EOF'
		fileExistenceTests:
		  - &owned {name: a, path: /srv/app/conf, uid: 1001, gid: 1001}
		  - {<<: *owned, name: b, gid: 7}
	EOF
	chmod 644 t.json
	equal "PASS Command Test: aé
PASS File Existence Test: b" "$(judged service -f t.json)"
	equal "PASS File Existence Test: a
FAIL File Existence Test: b: /srv/app/conf has incorrect group ownership. Expected: 7, Actual: 1001" "$(judged service -f tests.yaml)"
}

@test "regular expressions mean what Go makes of them" {
	cat >make.py <<-'EOF'
		import json, os
		patterns = [r"b", r"^b", r"c$", r"(?m)c$", r"(?m)^$", r"^$", r"a.b", r"(?s)a.b", r"\d+", r"\D", r"\w\b", r"\W",
		    r"[[:alpha:]]+\d", r"[[:^space:]]", r"\pL{3}", r"\p{Greek}", r"\P{Latin}", r"(?i)STRASSE|é", r"(?i)[k-l]",
		    r"x{2,3}", r"x{0}$", r"a+?b", r"(?U)a+b", r"(?:ab)*c", r"(?P<n>ab)c", r"\Qa.b\E", r"a|", r"[^a]", r"[^\n]$",
		    r"\Aab", r"c\z", r"\x41", r"\x{e9}", r"\141", r"\.", r"[\]\[]", r"[a\-c]-", r"\t", r"\f", r"\a", r"a{,2}b",
		    r"^.$", r"^..$", r"^.{3}$", r"\s", r"^\S+$", r"(^|\n)c", r"(a|b)*?c$", r"(?im)^B.*c$", r".*\n.*c", r"(?-s).\n"]
		texts = ["", "abc", "abc\n", "a\nb", "a\rb", "aab\nc", "é", "É", "αβγ", "Kelvin \u212a", "\u0663", "xxxx", "a.b", "[x]",
		    "A-\t\f\a", "straße STRASSE", "a{,2}b", "\n", "\n\nc", "ab cd1", "\u2028", "bBc\nBabc", "\U0001f600"]
		os.mkdir("texts")
		tests, cases = [], []
		for i, t in enumerate(texts):
		    open("texts/%d" % i, "w", newline="").write(t)
		    for p in patterns:
		        cases.append({"p": p, "t": t})
		        tests.append({"name": "%d" % len(cases), "path": "/texts/%d" % i, "expectedContents": [p]})
		json.dump(cases, open("cases.json", "w"))
		json.dump({"schemaVersion": "2.0.0", "fileContentTests": tests}, open("tests.json", "w"))
	EOF
	cat >main.go <<-'EOF'
		package main

		import ("encoding/json"; "fmt"; "os"; "regexp")

		func main() {
			var cases []struct{ P, T string }
			data, _ := os.ReadFile("cases.json")
			if err := json.Unmarshal(data, &cases); err != nil { panic(err) }
			for _, c := range cases {
				fmt.Printf("%v %q in %q\n", regexp.MustCompile(c.P).MatchString(c.T), c.P, c.T)
			}
		}
	EOF
	python3 make.py
	printf 'FROM golang:1.22-alpine AS go\nWORKDIR /w\nCOPY main.go cases.json ./\nRUN go run main.go >/answers\nFROM scratch\nCOPY texts /texts\nCOPY --from=go /answers /\n' |
		dockerfile
	build -t answers
	hew export answers | tar -xO answers >want
	[ "$(grep -c . want)" -gt 1000 ]
	chmod 644 tests.json
	hew test answers -f tests.json --format json -o got.json >out 2>&1 || true
	paste -d' ' <(jq -r '.Results[].Pass' got.json) want | awk '$1 != $2' >differ
	equal "" "$(cat differ)"
}

# ---- where the image is

@test "the image: from a registry, a layout, archives; of a platform; --pull" {
	tests <<<$'fileExistenceTests: [{name: sh, path: /bin/sh}]\ncommandTests: [{name: runs, command: "true"}]'
	local HEW_ROOT=$BATS_TEST_TMPDIR/store
	export HEW_ROOT
	hew test -q alpine:3.19 -f tests.yaml
	hew pull -q alpine:3.19
	hew test -q --pull alpine:3.19 -f tests.yaml
	hew save -o docker.tar alpine:3.19
	hew copy store:alpine:3.19 oci-archive:oci.tar
	mkdir layout && tar -C layout -xf oci.tar
	chmod -R a+rX . && [ -z "${HEW_TEST_UID-}" ] || chown -R "$HEW_TEST_UID" .
	for place in ./docker.tar docker-archive:docker.tar oci-archive:oci.tar oci:layout ./layout "--input oci.tar"; do
		# shellcheck disable=SC2086 # two words
		hew test -q $place -f tests.yaml
	done
	fails 2 hew test --pull --input docker.tar -f tests.yaml
	fails 2 hew test --platform nonsense/x/y/z alpine:3.19 -f tests.yaml
}

# ---- by the other name

@test "container-structure-test: its flags, its text, its exit statuses" {
	service
	ln -s "$HEW" container-structure-test
	cst() { if [ -n "${HEW_TEST_UID-}" ]; then hew container-structure-test "$@"; else ./container-structure-test "$@"; fi; }
	tests pass.yaml <<<$'commandTests: [{name: version, command: app, expectedOutput: [app]}]'
	tests fail.yaml <<<$'metadataTest: {user: root}'
	said cst test --image service --config pass.yaml
	equal 0 "$STATUS"
	has "====== Test file: pass.yaml ======" "$OUT"
	matches "*=== RUN: Command Test: version*--- PASS*stdout: app 1.2.3*Passes:      1*Failures:    0*Total tests: 1*PASS" "$OUT"
	said cst test -i service -c pass.yaml -c fail.yaml --driver docker --save
	equal 1 "$STATUS"
	matches "*--- FAIL*Error: Image user app does not match config user: root*Failures:    1*FAIL" "$OUT"
	has "--save is ignored" "$(cat "$ERR")"
	said cst test --image service --config fail.yaml --output json
	equal "1 false" "$STATUS $(jq -r '.Results[0].Pass' <<<"$OUT")"
	said cst test --image service --config fail.yaml --quiet
	equal "1|" "$STATUS|$OUT"
	cst test --image service --config pass.yaml --test-report r.json >out
	equal 1 "$(jq .Pass r.json)"
	cst test --image service --config pass.yaml --test-report r.xml --output junit --junit-suite-name s >out
	equal s "$(python3 -c 'import xml.etree.ElementTree as x; print(x.parse("r.xml").getroot()[0].get("name"))')"
	hew save -o service.tar service
	[ -z "${HEW_TEST_UID-}" ] || chmod 644 service.tar
	cst test --driver tar --image service.tar --config pass.yaml --platform "linux/$(go_arch)" >out
	fails 1 cst test --driver host --metadata x --config pass.yaml
	has "--driver host" "$LAST"
	fails 1 cst test --image service
	fails 1 cst test --config pass.yaml
	fails 1 cst test --image no/such/image:1 --config pass.yaml
	matches "container-structure-test *" "$(cst version)"
}
