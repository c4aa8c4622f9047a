#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Who is trusted with what: credentials where docker, buildx, podman and GitLab put them; both ways to a
# token; certificates and servers from hosts.toml and certs.d.
load lib/hew
load lib/registries

setup_file() {
	suite_setup
	an_image 300000
}

# auths FILE HOST PASSWORD: a docker configuration.
auths() {
	mkdir -p "${1%/*}"
	jq -n --arg host "$2" --arg auth "$(printf 'u:%s' "$3" | base64)" '{auths: {($host): {auth: $auth}}}' >"$1"
}

# ---- credentials

@test "in a job of GitLab its registry needs no login; what is configured counts more" {
	faulty --auth bearer --user "u:$SECRET"
	export CI_REGISTRY=127.0.0.1:$PORT CI_REGISTRY_USER=u CI_REGISTRY_PASSWORD=$SECRET
	hew push -q image "127.0.0.1:$PORT/a:1"
	no_secret_told "$LOG"
	auths "$DOCKER_CONFIG/config.json" "127.0.0.1:$PORT" wrong
	fails 8 hew push image "127.0.0.1:$PORT/b:1"
	has "refuses the user name or password" "$LAST"
	rm "$DOCKER_CONFIG/config.json"
	export CI_REGISTRY=registry.gitlab.com
	: >"$LOG"
	fails 8 hew push image "127.0.0.1:$PORT/c:1"
	equal "" "$(grep auth=basic "$LOG" || true)"
	unset CI_REGISTRY
	export CI_DEPENDENCY_PROXY_SERVER=127.0.0.1:$PORT CI_DEPENDENCY_PROXY_USER=u CI_DEPENDENCY_PROXY_PASSWORD=$SECRET
	hew push -q image "127.0.0.1:$PORT/d:1"
}

@test "buildx's folders: the most specific one for the repository and what is done to it" {
	local root=$BATS_TEST_TMPDIR/buildx/config
	faulty --auth bearer --user "u:$SECRET"
	export BUILDX_CONFIG=$BATS_TEST_TMPDIR/buildx DOCKER_CONFIG=$BATS_TEST_TMPDIR/docker
	auths "$DOCKER_CONFIG/config.json" "127.0.0.1:$PORT" wrong
	auths "$root/127.0.0.1:$PORT/team@pull,push/config.json" "127.0.0.1:$PORT" "$SECRET"
	hew push -q image "127.0.0.1:$PORT/team/app:1"
	fails 8 hew push image "127.0.0.1:$PORT/teams/app:1"
	auths "$root/127.0.0.1:$PORT/team/app@pull/config.json" "127.0.0.1:$PORT" wrong
	hew push -q image "127.0.0.1:$PORT/team/app:2"
	HEW_ROOT=$PWD/store fails 8 hew pull "127.0.0.1:$PORT/team/app:2"
	auths "$root/127.0.0.1:$PORT/team/app/config.json" "127.0.0.1:$PORT" wrong
	fails 8 hew push image "127.0.0.1:$PORT/team/app:3"
	auths "$root/127.0.0.1:$PORT@pull/config.json" "127.0.0.1:$PORT" "$SECRET"
	HEW_ROOT=$PWD/store hew pull -q "127.0.0.1:$PORT/team2/app:2" 2>err || has "not found" "$(cat err)"
	unset BUILDX_CONFIG
	mkdir -p "$DOCKER_CONFIG/buildx"
	mv "$root" "$DOCKER_CONFIG/buildx/config"
	rm -r "$DOCKER_CONFIG/buildx/config/127.0.0.1:$PORT/team"/*
	hew push -q image "127.0.0.1:$PORT/team/other:1"
}

@test "a helper for the host counts more than the store for all, and that more than what is in the file" {
	faulty --auth basic --user "u:$SECRET"
	export DOCKER_CONFIG=$BATS_TEST_TMPDIR/docker
	mkdir "$BATS_TEST_TMPDIR/bin" "$DOCKER_CONFIG"
	for name in right wrong; do
		password=$SECRET
		[ $name = right ] || password=no
		printf '#!/bin/sh\necho "$0 $1" >>%s\necho %s\n' "$PWD/calls" \
			"'{\"Username\":\"u\",\"Secret\":\"$password\"}'" >"$BATS_TEST_TMPDIR/bin/docker-credential-$name"
	done
	chmod +x "$BATS_TEST_TMPDIR/bin"/*
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
	jq -n --arg host "127.0.0.1:$PORT" '{credHelpers: {($host): "right"}, credsStore: "wrong",
		auths: {($host): {auth: "dTpubw=="}}}' >"$DOCKER_CONFIG/config.json"
	hew push -q image "127.0.0.1:$PORT/a:1"
	has_not credential-wrong "$(cat calls)"
	jq -n --arg host "127.0.0.1:$PORT" '{credsStore: "right", auths: {($host): {auth: "dTpubw=="}}}' \
		>"$DOCKER_CONFIG/config.json"
	hew push -q image "127.0.0.1:$PORT/b:1"
	export DOCKER_AUTH_CONFIG
	DOCKER_AUTH_CONFIG=$(jq -nc --arg host "127.0.0.1:$PORT" '{auths: {($host): {auth: "dTpubw=="}}}')
	fails 8 hew push image "127.0.0.1:$PORT/c:1"
}

@test "tokens by GET and by POST, whichever the server knows; an identity token" {
	faulty --auth bearer --user "u:$SECRET" --post-only
	config_json "$PORT"
	hew push -q image "127.0.0.1:$PORT/a:1"
	equal "1 GET /token" "$(grep -o 'GET /token' "$LOG" | uniq -c | sed 's/^ *//')" # then it is known
	faulty --auth bearer --user "u:$SECRET" --post-only --fault token-redirect
	config_json "$PORT"
	fails 7 hew push image "127.0.0.1:$PORT/a:1"
	equal "" "$(grep 'POST /403' "$LOG" || true)" # a form with a password goes nowhere else
	faulty --auth bearer --user "u:$SECRET" --get-only
	config_json "$PORT"
	hew push -q image "127.0.0.1:$PORT/a:1"
	jq --arg host "127.0.0.1:$PORT" '.auths[$host].identitytoken = "refresh"' "$DOCKER_CONFIG/config.json" >new
	mv new "$DOCKER_CONFIG/config.json"
	hew push -q image "127.0.0.1:$PORT/b:1"
	faulty --auth bearer --user "u:$SECRET" --post-only
	jq -n --arg host "127.0.0.1:$PORT" --arg token "refresh-u:$SECRET" '{auths: {($host): {identitytoken: $token}}}' \
		>"$DOCKER_CONFIG/config.json"
	hew push -q image "127.0.0.1:$PORT/a:1"
	no_secret_told "$LOG"
}

# ---- certificates, and hosts.toml

# authorities: ca.crt (of the server and of clients), server.*, client.*
authorities() {
	(
		openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.crt
		for name in server client; do
			openssl req -newkey rsa:2048 -nodes -subj /CN=$name -keyout $name.key -out $name.csr
			printf 'subjectAltName=IP:127.0.0.1,DNS:registry.test\n' >ext
			openssl x509 -req -days 2 -in $name.csr -CA ca.crt -CAkey ca.key -CAcreateserial -extfile ext -out $name.crt
		done
	) >openssl.log 2>&1
}

# hosts DOMAIN <TEXT: the hosts.toml for it.
hosts() {
	export XDG_CONFIG_HOME=$PWD/config
	mkdir -p "config/containerd/certs.d/$1"
	cat >"config/containerd/certs.d/$1/hosts.toml"
}

@test "a client certificate that the server demands: in certs.d, and in hosts.toml" {
	authorities
	faulty --tls server.crt server.key --client-ca ca.crt
	export XDG_CONFIG_HOME=$PWD/config
	local dir="config/containers/certs.d/registry.test:$PORT" at="registry.test:$PORT"
	mkdir -p "$dir"
	fails 7 named "$HEW" push image "$at/a:1"
	has "cannot trust the certificate of 'registry.test:$PORT'" "$LAST"
	cp ca.crt "$dir/"
	fails 7 named "$HEW" push image "$at/a:1"
	cp client.crt "$dir/client.cert"
	cp client.key "$dir/client.key"
	named "$HEW" push -q image "$at/a:1"
	rm -r config/containers
	fails 7 named "$HEW" push image "$at/b:1"
	hosts "registry.test_${PORT}_" <<-END
		server = "https://registry.test:$PORT"
		ca = "$PWD/ca.crt"
		client = [["$PWD/client.crt", "$PWD/client.key"]]
	END
	named "$HEW" push -q image "$at/b:1"
	cat client.crt client.key >"config/containerd/certs.d/registry.test_${PORT}_/both.pem"
	hosts "registry.test_${PORT}_" <<-END
		ca = ["$PWD/ca.crt"]
		client = "both.pem"
	END
	named "$HEW" push -q image "$at/c:1"
	hosts "registry.test_${PORT}_" <<-END
		ca = "none.crt"
	END
	fails 1 named "$HEW" push image "$at/d:1"
	has "registry.test_${PORT}_/none.crt" "$LAST"
	hosts "registry.test_${PORT}_" <<-END
		skip_verify = true
		client = "both.pem"
	END
	named "$HEW" push -q image "$at/d:1"
}

@test "hosts.toml: mirrors in their order, each for what it can; the registry itself last" {
	export HEW_ROOT=$PWD/store
	faulty
	local own=$PORT own_log=$LOG digests digests_log
	faulty
	digests=$PORT digests_log=$LOG
	faulty --fault 500
	hosts images.test <<-END
		server = "http://127.0.0.1:$own"
		[host."http://127.0.0.1:1"]
		  dial_timeout = "1s"
		[host."http://127.0.0.1:$PORT"]
		  capabilities = ["pull", "resolve"]
		  [host."http://127.0.0.1:$PORT".header]
		    X-Asked = "by hew"
		[host."http://127.0.0.1:$digests"]
		  capabilities = ["pull"] # of digests
	END
	hew pull --progress plain images.test/demo:1 2>err
	has "mirror 127.0.0.1:1: cannot connect" "$(cat err)"
	has "mirror 127.0.0.1:$PORT: " "$(cat err)"
	equal 1 "$(grep -c 'GET /v2/demo/manifests/1?ns=images.test 500' "$LOG")"
	equal 1 "$(grep -c 'GET /v2/demo/manifests/1 200' "$own_log")"
	equal 0 "$(grep -c manifests/1 "$digests_log" || true)"
	equal 3 "$(grep -c 'GET /v2/demo/blobs/.*?ns=images.test 200' "$digests_log")"
	# a push goes to the first that may be pushed to: here the one that is not there
	fails 7 hew push images.test/demo:1 images.test/new:1
	sed -i '/127.0.0.1:1"/,/dial/d' config/containerd/certs.d/images.test/hosts.toml
	hew push -q images.test/demo:1 images.test/new:1
	grep -q 'PUT /v2/new/manifests/1 201' "$own_log"
}

@test "hosts.toml: a path of its own, the folder for all, and one that cannot be read" {
	export HEW_ROOT=$PWD/store
	faulty --image proxy/hub/demo:1
	hosts _default <<-END
		[host."http://127.0.0.1:$PORT/v2/proxy/hub"]
		  override_path = true
		  capabilities = ["pull", "resolve"]
	END
	hew pull -q whatever.test/demo:1
	has "GET /v2/proxy/hub/demo/manifests/1?ns=whatever.test 200" "$(cat "$LOG")"
	hosts own.test <<-END
		server = "http://127.0.0.1:$PORT"

		capabilities = ["fly"]
	END
	fails 1 hew pull own.test/demo:1
	has "own.test/hosts.toml': line 3: unknown capability 'fly'" "$LAST"
	hosts own.test <<<'server = "ftp://x"'
	fails 2 hew pull own.test/demo:1
	has "hosts.toml of 'own.test'" "$LAST"
}

@test "hosts.toml: its headers go to that server, and not to where it redirects" {
	export HEW_ROOT=$PWD/store
	faulty --auth basic --user "u:$SECRET" --fault redirect
	hosts images.test <<-END
		[host."http://127.0.0.1:$PORT".header]
		  Authorization = "Basic $(printf 'u:%s' "$SECRET" | base64)"
	END
	hew pull -q images.test/demo:1
	has "GET /blob/demo/sha256:" "$(cat "$LOG")"
	equal "" "$(grep LEAKED "$LOG" || true)"
}
