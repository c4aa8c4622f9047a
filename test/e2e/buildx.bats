#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hew under docker's names: as the plugin of Debian's docker command, as buildx alone, as docker where there
# is none. What docker's actions call, word by word, and the code that reads the answers for them
# (lib/actions_toolkit.js). And hew install, which puts the names in place.
load lib/hew
load lib/registries

setup_file() {
	suite_setup
	local fetched
	fetched=$("$TOP/test/bases/docker_tools")
	export TOOLS=$BATS_FILE_TMPDIR/tools NAMES=$BATS_FILE_TMPDIR/names
	mkdir "$TOOLS" "$NAMES" "$NAMES"/{cli,alone,shim} "$DOCKER_CONFIG/cli-plugins"
	mount --bind "$fetched" "$TOOLS" # a user cannot look into root's folders
	ln -s "$TOOLS/docker" "$NAMES/cli/docker"
	ln -s "$HEW_PROGRAM" "$NAMES/alone/buildx"
	ln -s "$HEW_PROGRAM" "$NAMES/shim/docker"
	ln -s "$HEW_PROGRAM" "$DOCKER_CONFIG/cli-plugins/docker-buildx"
	[ -z "${HEW_TEST_UID-}" ] || chown -R "$HEW_TEST_UID" "$DOCKER_CONFIG"
}

teardown_file() { umount "$TOOLS"; }

setup() {
	test_setup
	no_registries
	unset BUILDX_CONFIG BUILDX_BUILDER DOCKER_HOST DOCKER_CLI_PLUGIN_SOCKET
	rm -rf "$DOCKER_CONFIG/buildx" "$DOCKER_CONFIG/config.json"
}

# me COMMAND...: by the user of this run.
me() {
	[ -n "${HEW_TEST_UID-}" ] || { "$@"; return; }
	readable
	HOME=$BATS_FILE_TMPDIR/home setpriv --reuid "$HEW_TEST_UID" --regid "$HEW_TEST_UID" --clear-groups \
		--inh-caps=-all "$@"
}

# called KIND COMMAND...: where PATH has the names of cli, alone or shim ahead.
called() {
	local kind=$1
	shift
	me env PATH="$NAMES/$kind:/usr/bin:/bin:/usr/sbin:/sbin" "$@"
}

context() {
	mkdir app
	printf 'FROM alpine:3.19\nMAINTAINER me\nCOPY file /\nRUN cat /file > /copy\n' >app/Dockerfile
	echo hello >app/file
}

# ---- the steps of a workflow

# workflow KIND COMMAND...: what the actions call by "docker buildx", or whatever COMMAND is.
workflow() {
	local kind=$1 password=hush-hush app name=builder-0a1b2c3d
	shift
	context
	registry --htpasswd "u:$password"
	app=127.0.0.1:$PORT/acme/app

	# setup-buildx-action
	called "$kind" "$@" >out
	has Usage "$(cat out)"
	called "$kind" "$@" version >out
	[[ $(cat out) =~ [[:space:]]v?([0-9a-f]{7}|[0-9.]+) ]]
	printf '0.31.0\n%s\n' "${BASH_REMATCH[1]}" | sort -CV
	fails 1 called "$kind" "$@" inspect "$name"
	equal "$name" "$(called "$kind" "$@" create --name "$name" --driver docker-container --buildkitd-flags \
		"--allow-insecure-entitlement security.insecure --allow-insecure-entitlement network.host" --use)"
	called "$kind" "$@" inspect --bootstrap --builder "$name" >out
	called "$kind" env DEBUG=1 "$@" inspect "$name" >again
	cmp out again
	equal "$name ${name}0" "$(sed -n 's/^Name: *//p' out | paste -sd' ')"

	# login-action
	if [ "$kind" != alone ]; then
		printf %s "$password" | called "$kind" env DOCKER_CONTENT_TRUST=false docker login --password-stdin \
			--username u "127.0.0.1:$PORT"
		printf %s wrong | fails 1 called shim docker login --password-stdin --username u "127.0.0.1:$PORT"
	else
		printf %s "$password" | me "$HEW_PROGRAM" login --password-stdin --username u "127.0.0.1:$PORT"
	fi

	# build-push-action (there is no cache service here, which costs nothing but the cache)
	called "$kind" env DEBUG=1 "$@" inspect >again
	cmp out again
	called "$kind" env BUILDX_METADATA_WARNINGS=true "$@" build --cache-from type=gha --cache-to type=gha,mode=max --iidfile iid --attest \
		type=provenance,mode=max,builder-id=https://ci.example/runs/42/attempts/1 --tag "$app:sha" \
		--metadata-file metadata --push app 2>err
	equal "$(jq -r '."containerimage.config.digest"' metadata)" "$(cat iid)"
	skopeo inspect --creds "u:$password" --tls-verify=false --raw "docker://$app:sha" >manifest
	equal "sha256:$(sha256sum <manifest | cut -d' ' -f1)" "$(jq -r '."containerimage.digest"' metadata)"
	equal "$app:sha" "$(jq -r '."image.name"' metadata)"
	equal 1 "$(jq '."buildx.build.warnings" | length' metadata)"
	equal https://ci.example/runs/42/attempts/1 \
		"$(jq -r '."buildx.build.provenance".runDetails.builder.id' metadata)"

	# several runners' images under one name
	called "$kind" "$@" imagetools create -t "$app:all" "$app@$(jq -r '."containerimage.digest"' metadata)" 2>err
	called "$kind" "$@" imagetools inspect "$app:all" --format '{{json .Manifest}}' >out
	equal "sha256:$(skopeo inspect --creds "u:$password" --tls-verify=false --raw "docker://$app:all" | sha256sum |
		cut -d' ' -f1)" "$(jq -r .digest out)"

	# a build that fails
	printf 'FROM alpine:3.19\nRUN exit 3\n' >app/Dockerfile
	fails 1 called "$kind" "$@" build --tag "$app:sha" app
	fails 1 called "$kind" "$@" build --tag "$app:sha" absent

	# afterwards
	called "$kind" "$@" inspect "$name" >/dev/null
	said called "$kind" "$@" rm "$name"
	equal "0 $name removed" "$STATUS $(cat "$ERR")"
	fails 1 called "$kind" "$@" inspect "$name"
	if [ "$kind" != alone ]; then
		called "$kind" docker logout "127.0.0.1:$PORT"
		equal null "$(jq '.auths["127.0.0.1:'"$PORT"'"]' "$DOCKER_CONFIG/config.json")"
	fi
}

@test "the steps of a workflow: hew as the plugin of Debian's docker" { workflow cli docker buildx; }

@test "the steps of a workflow: hew as buildx, without docker" { workflow alone buildx; }

@test "the steps of a workflow: hew as docker" { workflow shim docker buildx; }

# ---- the actions' own code

# toolkit KIND: in PATH is nothing but those names.
toolkit() {
	local node
	node=$(command -v node)
	context
	registry
	me env TMPDIR="$PWD" PATH="$NAMES/$1" NODE_PATH="$TOOLS/node_modules" "$node" "$E2E_LIB/actions_toolkit.js" "$PWD/app" \
		"127.0.0.1:$PORT/app:1" >said
	grep -v '^::' said >answers # what it tells a runner's log
	skopeo inspect --tls-verify=false --raw "docker://127.0.0.1:$PORT/app:1" >manifest
	equal "sha256:$(sha256sum <manifest | cut -d' ' -f1)" "$(jq -r .digest answers)"
	equal "$(jq -r .config.digest manifest)" "$(jq -r .imageid answers)"
	equal '[true,true,false,"builder-1",true,"builder-1",true,0,null,true]' "$(jq -c '[.available, .recent, .before,
		.created, .after, .current, .buildkit, .status, .ref, .gone]' answers)"
	equal '{"name":"builder-10","status":"running"}' "$(jq -c '.builder.nodes[] | {name, status}' answers)"
	matches "linux/$(go_arch)*" "$(jq -r '.builder.nodes[0].platforms' answers)"
	equal https://ci.example/run/1 "$(jq -r .provenance.runDetails.builder.id answers)"
	equal '[2]' "$(jq -c '[.warnings[].range[].start.line]' answers)"
	matches '1 ERROR: *absent*' "$(jq -r '.failed | "\(.status) \(.last)"' answers)"
	equal "builder-1 removed" "$(jq -r .removed answers)"
}

@test "the toolkit of docker's actions drives hew as docker's plugin" {
	toolkit cli
	equal '[false,"default"]' "$(jq -c '[.standalone, .context]' answers)"
}

@test "the toolkit of docker's actions drives hew as buildx" {
	toolkit alone
	equal true "$(jq .standalone answers)"
}

@test "the toolkit of docker's actions drives hew as docker" {
	toolkit shim
	equal '[false,"default"]' "$(jq -c '[.standalone, .context]' answers)"
}

# ---- the plugin

@test "plugin: what docker asks ahead; its own options before the name; docker build" {
	local plugin=$DOCKER_CONFIG/cli-plugins/docker-buildx
	me "$plugin" docker-cli-plugin-metadata >out
	equal '0.1.0 true true' "$(jq -r '"\(.SchemaVersion) \(.Vendor != "") \(.Version | test("^v[0-9.]+$"))"' out)"
	has "buildx*" "$(called cli docker --help)"
	mkdir other
	me env DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND=docker "$plugin" --config "$PWD/other" --log-level info -D buildx \
		create --name there >out
	[ -e other/buildx/instances/there ]
	# docker 23 and later make this of `docker build`
	context
	me env DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND=docker BUILDX_BUILDER=some-context "$plugin" buildx build -q -t x app >out
	equal "$(hew inspect --format '{{.Id}}' x)" "$(cat out)"
	has "Usage: hew build" "$(me "$plugin" build --help)"
	has ":4" "$(me env DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND=docker "$plugin" buildx __complete b)"
}

@test "plugin: what docker's own builder makes docker has; a builder that was made keeps it" {
	local socket=$BATS_TEST_TMPDIR/docker.sock engine=$BATS_TEST_TMPDIR/engine
	context
	mkdir "$engine"
	"$E2E_LIB/docker_engine.py" "$socket" "$engine" >"$engine.log" 2>&1 3>&- &
	SERVERS+=($!)
	wait_for test -S "$socket"
	chmod 777 "$socket"
	d() { called cli env DOCKER_HOST="unix://$socket" docker "$@" 2>err; }
	loaded() { [ -e "$engine/loaded.tar" ] && rm "$engine/loaded.tar"; }
	d buildx build -t x app
	loaded
	called cli docker -H "unix://$socket" buildx build -t x app 2>err
	loaded
	d buildx build -t x -o type=image app
	d buildx build --check app || true
	d buildx create --name made --use
	d buildx build -t x app
	called alone env DOCKER_HOST="unix://$socket" buildx build -t x app 2>err
	[ ! -e "$engine/loaded.tar" ]
	d buildx build -t x --load app
	loaded
	d buildx build -t x --builder default app
	loaded
}

@test "plugin: docker ends the connection, and the build is given up with all that it started" {
	printf 'FROM alpine:3.19\nRUN sleep %s\n' "$NAP" >Dockerfile
	readable
	python3 - "$DOCKER_CONFIG/cli-plugins/docker-buildx" "$NAP" "${HEW_TEST_UID-}" >out 3>&- <<-'END'
		import os, socket, subprocess, sys, time
		plugin, nap, uid = sys.argv[1:]
		name = f"docker_cli_test_{os.getpid()}"
		server = socket.socket(socket.AF_UNIX)
		server.bind("\0" + name)
		server.listen()
		server.settimeout(60)
		user = ["setpriv", "--reuid", uid, "--regid", uid, "--clear-groups", "--inh-caps=-all"] if uid else []
		env = dict(os.environ, DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND="docker", DOCKER_CLI_PLUGIN_SOCKET="@" + name)
		build = subprocess.Popen(user + [plugin, "buildx", "build", "."], env=env, stderr=subprocess.PIPE, text=True)
		link, _ = server.accept()
		while subprocess.run(["pgrep", "-f", f"^sleep {nap}$"], stdout=subprocess.DEVNULL).returncode:
		    assert build.poll() is None, build.stderr.read()
		    time.sleep(0.05)
		link.close()
		text = build.communicate(timeout=30)[1]
		print(build.returncode, text.splitlines()[-1])
	END
	matches "130 ERROR: *cancel*" "$(cat out)"
	nobody_naps
	nothing_left
}

@test "builders: kept as docker buildx keeps them; current, use, append, ls; what is no name" {
	b() { called alone buildx "$@"; }
	equal one "$(b create --name one --driver-opt network=host,image=x --platform linux/arm64 tcp://host:1)"
	equal one "$(b create --name one --append --node second)"
	equal 'network="host" image="x"' "$(b inspect one | sed -n 's/^Driver Options: *//p')"
	matches 'linux/arm64\**' "$(b inspect one | sed -n 's/^Platforms: *//p' | head -n 1)"
	equal one "$(b create --name one --append --node second --platform linux/riscv64)" # made anew
	equal linux/riscv64 "$(jq -r '.Nodes[1].Platforms[0] | "\(.os)/\(.architecture)"' "$DOCKER_CONFIG/buildx/instances/one")"
	equal "one0 second" "$(jq -r '[.Nodes[].Name] | join(" ")' "$DOCKER_CONFIG/buildx/instances/one")"
	equal default "$(b inspect | sed -n 's/^Name: *//p' | head -n 1)"
	b use one
	equal one "$(b inspect | sed -n 's/^Name: *//p' | head -n 1)"
	equal "default one*" "$(b ls | sed -n '2,$s/^\([a-z*]*\)  .*/\1/p' | sort | paste -sd' ')"
	equal one "$(b ls --format json | jq -r 'select(.Current).Name')"
	equal default "$(called alone env BUILDX_BUILDER=default buildx inspect | sed -n 's/^Name: *//p' | head -n 1)"
	b create --name one --leave --node second
	equal one0 "$(jq -r '[.Nodes[].Name] | join(" ")' "$DOCKER_CONFIG/buildx/instances/one")"
	# what another program wrote there
	echo '{"Name":"theirs","Driver":"docker-container","Nodes":null}' >"$DOCKER_CONFIG/buildx/instances/theirs"
	has "running" "$(b inspect theirs)"
	echo 'no JSON' >"$DOCKER_CONFIG/buildx/instances/broken"
	fails 1 called alone buildx inspect broken
	has theirs "$(b ls)"
	fails 1 called alone buildx create --name one
	fails 1 called alone buildx create --name ../../escape
	fails 1 called alone buildx create --driver wheel
	fails 1 called alone buildx inspect ../../config.json
	fails 1 called alone buildx use absent
	fails 1 called alone buildx rm default
	fails 1 called alone buildx build --builder absent .
	b rm one
	equal default "$(b inspect | sed -n 's/^Name: *//p' | head -n 1)"
	b stop theirs
	b rm --all-inactive 2>/dev/null
	equal "" "$(ls "$DOCKER_CONFIG/buildx/instances")"
	mkdir state
	matches 'hew-????????' "$(called alone env BUILDX_CONFIG="$PWD/state" buildx create)"
	[ "$(ls state/instances)" ]
}

@test "builders: what the file of --config says of registries counts for them, and for no other" {
	context
	registry
	called alone buildx build -q -t "127.0.0.1:$PORT/hub/base:1" --push app >out
	printf '[registry."nowhere.example"]\n  mirrors = ["127.0.0.1:%s/hub"]\n' "$PORT" >buildkitd.toml
	printf 'FROM nowhere.example/base:1\nLABEL a=b\n' >Dockerfile
	readable
	called alone buildx create --name mirrored --config buildkitd.toml >out
	called alone buildx create --name plain --use >out
	fails 1 called alone buildx build .
	called alone buildx build --builder mirrored -t y . 2>err
	equal b "$(hew inspect --format '{{.Config.Labels.a}}' y)"
	called alone buildx create --name mirrored --append --node n >out # what is there stays
	equal "$(base64 -w0 buildkitd.toml)" \
		"$(jq -r '.Nodes[0].Files["buildkitd.toml"]' "$DOCKER_CONFIG/buildx/instances/mirrored")"
	echo '[registry' >broken.toml
	fails 1 called alone buildx create --name broken --config broken.toml
	fails 1 called alone buildx create --name broken --config absent.toml
}

@test "buildx: builds of the past, du and prune are hew's; what there is not is refused" {
	context
	called alone buildx build -q -t x app
	equal "$(hew builds ls -q)" "$(called alone buildx history ls -q)"
	local id
	called alone buildx history ls --filter name=library/a >out # and no "a"
	id=$(hew builds ls -q | head -n 1)
	has "RUN cat /file" "$(called alone buildx history inspect "default/default0/$id")"
	called alone buildx history rm "$id"
	equal 0 "$(hew builds ls -q | grep -c "$id" || true)"
	called alone buildx du >out
	called alone buildx prune -f >out
	called alone buildx install
	local words
	for words in "bake --print" dial-stdio debug "history export" biuld; do
		# shellcheck disable=SC2086  # words
		fails 1 called alone buildx $words
	done
}

# ---- docker

@test "docker: what is asked first; images go round; a smoke test's status; what there is not is refused" {
	d() { called shim docker "$@"; }
	matches 'Docker version [0-9]*' "$(d --version)"
	d version >/dev/null
	matches '[0-9]*.[0-9]*' "$(d version --format '{{.Client.Version}}')"
	equal "$(nproc --all)" "$(d info --format '{{.NCPU}}')"
	equal default "$(d context inspect --format '{{.Name}}')"
	equal default "$(d context inspect --format=json default | jq -r '.[0].Name')"
	equal null "$(d context inspect default | jq -r '.[0].Endpoints.docker.TLSData')"
	equal default "$(d context show)"
	equal default "$(d context ls -q)"
	fails 1 called shim docker context inspect absent
	context
	d build --load -t x app 2>err # what it would be loaded into is this docker
	d buildx build --load -t x app 2>err
	registry
	d tag x "127.0.0.1:$PORT/x:1"
	d push -q "127.0.0.1:$PORT/x:1"
	d image rm "127.0.0.1:$PORT/x:1" x >/dev/null
	d pull -q "127.0.0.1:$PORT/x:1"
	equal hello "$(d run --rm "127.0.0.1:$PORT/x:1" cat /copy)"
	said called shim docker run --rm "127.0.0.1:$PORT/x:1" sh -c 'exit 42'
	equal 42 "$STATUS"
	equal "$(hew inspect --format '{{.Id}}' "127.0.0.1:$PORT/x:1")" "$(d inspect -f '{{.Id}}' "127.0.0.1:$PORT/x:1")"
	has "127.0.0.1:$PORT/x" "$(d images)"
	d save -o x.tar "127.0.0.1:$PORT/x:1"
	d load -q -i x.tar
	local words
	for words in "inspect absent" "inspect --type container x" ps "compose up" "network ls" "container ls" "logs x" \
		"context create y" "image import"; do
		# shellcheck disable=SC2086  # words
		fails 1 called shim docker $words
	done
}

# ---- hew install

@test "install: names in place, found by docker; nothing of others overwritten; uninstall takes only its own" {
	mkdir -p home/.docker/cli-plugins
	echo theirs >home/.docker/cli-plugins/docker-buildx
	local at=$PWD/home
	h() { me env -u DOCKER_CONFIG HOME="$at" "$HEW_PROGRAM" "$@"; }
	fails 1 h install --user buildx
	has "--force" "$LAST"
	equal theirs "$(cat home/.docker/cli-plugins/docker-buildx)"
	h install --user --force buildx docker trivy grype docker-scout container-structure-test completion >out 2>err
	h install --user buildx >out 2>err # once more
	has "buildx v" "$(me env -u DOCKER_CONFIG HOME="$at" "$TOOLS/docker" buildx version)"
	has "version: v" "$(me env -u DOCKER_CONFIG HOME="$at" "$TOOLS/docker" scout version)"
	matches 'Docker version*' "$(me home/.local/bin/docker --version)"
	has "buildx v" "$(me home/.local/bin/buildx version)"
	me home/.local/bin/trivy --help >out
	me home/.local/bin/grype --help >out
	me home/.local/bin/container-structure-test version >out
	bash -n home/.local/share/bash-completion/completions/hew
	rm home/.local/bin/grype
	echo mine >home/.local/bin/grype
	h uninstall --user >out
	equal "theirs mine" "$(cat home/.docker/cli-plugins/docker-buildx home/.local/bin/grype | paste -sd' ')"
	equal 2 "$(find home ! -type d | wc -l)"
	fails 2 h install --user buidlx
	has "did you mean buildx" "$LAST"
}

@test "install: without rights it says what to do" {
	[ -n "${HEW_TEST_UID-}" ] || skip "root may"
	fails 1 me "$HEW_PROGRAM" install trivy
	has "sudo, or with --user" "$LAST"
}

# machine COMMAND: with a /usr/local/share of its own, which is ./share.
machine() {
	mkdir -p share/man
	unshare --mount bash -c 'mount --bind share /usr/local/share && eval "$1"' - "$1"
}

# whole_manual DIR: the pages of this build are there, and nothing else; the first line says whose they are.
whole_manual() {
	local f n=0
	for f in "${HEW_TEST_BIN%/*}"/doc/*.1; do
		equal '.\" Written by hew install.' "$(head -n 1 "$1/${f##*/}")"
		cmp "$f" <(tail -n +2 "$1/${f##*/}")
		n=$((n + 1))
	done
	[ "$n" -gt 30 ]
	equal "$n" "$(find "$1" ! -type d | wc -l)"
}

# shown_by_man DIR PAGE: man finds it there and shows it, where there is a man.
shown_by_man() {
	[ -x /usr/bin/man ] || return 0
	equal "$1/$2.1" "$(/usr/bin/man -w "$2")"
	has "SYNOPSIS" "$(MANPAGER="cat" /usr/bin/man "$2" | col -b)"
}

@test "install man: pages for the machine, shown by man; uninstall leaves nothing" {
	only_root "its rights are needed"
	export -f shown_by_man equal has
	machine "'$HEW' install man && cp -a share/man/man1 installed &&
		shown_by_man /usr/local/share/man/man1 hew-build >&2 &&
		'$HEW' install man && '$HEW' uninstall man && find share ! -type d && '$HEW' install man && '$HEW' uninstall" >out
	whole_manual installed
	equal 644 "$(stat -c %a installed/hew.1)"
	local n in away
	n=$(find installed -type f | wc -l)
	in="$n man pages were written to /usr/local/share/man/man1"
	away="$n man pages were removed from /usr/local/share/man/man1"
	equal "$in|$in|$away|$in|$away" "$(paste -sd'|' out)"
	equal "" "$(find share ! -type d)"
}

@test "install man: for a user, where man looks; what is not hew's stays, or comes back" {
	mkdir -p home/.local/bin
	local at=$PWD/home man1=home/.local/share/man/man1
	h() { me env -u XDG_DATA_HOME -u MANPATH PATH="$at/.local/bin:$PATH" HOME="$at" "$HEW_PROGRAM" "$@"; }
	h install --user man >out 2>err
	has_not MANPATH "$(cat err)"
	whole_manual $man1
	(unset XDG_DATA_HOME MANPATH && HOME=$at PATH=$at/.local/bin:$PATH shown_by_man "$at/.local/share/man/man1" hew-build)
	h uninstall --user man >out
	equal "" "$(find home ! -type d)"
	# of others: a page, a link to a file of theirs, a folder
	echo theirs >$man1/hew-run.1
	fails 1 h install --user man
	has "'$at/.local/share/man/man1/hew-run.1' is there and not hew's: --force" "$LAST"
	equal hew-run.1 "$(ls -A $man1)"
	h uninstall --user man >out
	equal "$at/.local/share/man/man1/hew-run.1 is not hew's: it stays" "$(cat out)"
	h install --user --force man >out 2>err
	has "hew-run.1 was moved to" "$(cat out)"
	echo mine >$man1/other.1
	h uninstall --user >out
	equal "theirs mine" "$(cat $man1/* | paste -sd' ')"
	equal 2 "$(ls -A $man1 | wc -l)"
	mv $man1/hew-run.1 theirs
	ln -s "$PWD/theirs" $man1/hew-run.1
	fails 1 h install --user man
	rm $man1/hew-run.1
	mkdir $man1/hew-run.1
	fails 1 h install --user --force man
	has "is a folder" "$LAST"
}

@test "install man: XDG_DATA_HOME; where man does not look, how it does; pages of an older hew go, too" {
	mkdir home
	local at=$PWD/home
	h() { me env -u MANPATH XDG_DATA_HOME="$at/data" HOME="$at" "$HEW_PROGRAM" "$@"; }
	h install --user man >out 2>err
	whole_manual home/data/man/man1
	has "man looks there when MANPATH is $at/data/man:" "$(cat err)"
	(export MANPATH=$at/data/man: && shown_by_man "$at/data/man/man1" hew)
	mv home/data/man/man1/hew-{scan,formerly}.1
	h uninstall --user >out
	equal "" "$(find home ! -type d)"
}

@test "install man: without rights it says what to do" {
	[ -n "${HEW_TEST_UID-}" ] || skip "root may"
	fails 1 me "$HEW_PROGRAM" install man
	has "sudo, or with --user" "$LAST"
}

# A machine whose AppArmor keeps user namespaces to itself, and what would load a profile.
ubuntu() { # command
	mkdir -p etc/{up,work} fake
	printf '#!/bin/sh\necho "$@" >>%s/loaded\n' "$PWD" >fake/apparmor_parser
	chmod 755 fake fake/apparmor_parser
	# shellcheck disable=SC2016  # the inner shell's
	unshare --mount bash -c 'mount -t tmpfs none /proc/sys/kernel &&
		echo 1 >/proc/sys/kernel/apparmor_restrict_unprivileged_userns && echo 1 >/proc/sys/kernel/cap_last_cap &&
		mount -t tmpfs none etc && mkdir etc/up etc/work &&
		mount -t overlay -o "lowerdir=/etc,upperdir=$PWD/etc/up,workdir=$PWD/etc/work" overlay /etc &&
		mkdir -p /etc/apparmor.d && PATH=$PWD/fake:$PATH &&
		{ [ ! -e /usr/sbin/apparmor_parser ] || mount --bind fake/apparmor_parser /usr/sbin/apparmor_parser; } &&
		eval "$1"' - "$1"
}

@test "install: a profile where AppArmor wants one; without rights the sentence that says so" {
	if [ -n "${HEW_TEST_UID-}" ]; then
		ubuntu "'$HEW' install" >out 2>err
		has "sudo $HEW_PROGRAM install" "$(cat err)"
		[ ! -e loaded ]
		return
	fi
	ubuntu "'$HEW' install && cp /etc/apparmor.d/hew profile && '$HEW' uninstall && [ ! -e /etc/apparmor.d/hew ]" >out
	has "profile hew $HEW_PROGRAM flags=(unconfined) {" "$(cat profile)"
	has "  userns," "$(cat profile)"
	equal "--replace /etc/apparmor.d/hew|--remove /etc/apparmor.d/hew" "$(paste -sd'|' loaded)"
	ubuntu "echo mine >/etc/apparmor.d/hew && '$HEW' install && cat /etc/apparmor.d/hew && '$HEW' uninstall &&
		cat /etc/apparmor.d/hew" >out
	equal 2 "$(grep -c '^mine$' out)"
}
