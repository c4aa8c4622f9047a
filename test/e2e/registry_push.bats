#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Pushing, beyond what registry.bats has: uploads that go on where they were cut and in pieces; whether a
# push will be let in, asked before the first step; referrers and documents of unknown kinds, by calls of
# the client that no verb makes yet (lib/registry_client.c).
load lib/hew
load lib/registries

setup_file() {
	suite_setup
	an_image 10000000
	hew pull -q alpine:3.19 # so that registries.conf is not needed any more
	export CLIENT=${HEW_TEST_BIN%/*}/test/e2e/registry_client
}

# ---- uploads

@test "an upload that was cut goes on where it stopped; what does not know how far it is begins anew" {
	faulty --fault put-cut:2
	hew push -q image "127.0.0.1:$PORT/a:1" 2>err
	equal 2 "$(grep -c 'POST /v2/a/blobs/uploads/ 202' "$LOG")"
	equal 2 "$(grep -c 'GET /v2/a/blobs/uploads/.* 204' "$LOG")"
	skopeo copy -q --src-tls-verify=false "docker://127.0.0.1:$PORT/a:1" oci:got:x
	faulty --fault put-cut-lost:1
	hew push -q image "127.0.0.1:$PORT/a:1" 2>err
	equal 1 "$(grep -c 'GET /v2/a/blobs/uploads/.* 404' "$LOG")"
	skopeo copy -q --src-tls-verify=false "docker://127.0.0.1:$PORT/a:1" oci:got2:x
}

@test "an upload of which nothing more is taken begins anew: at once where the peer has closed, else in time" {
	local from=$SECONDS
	faulty --fault put-half:1
	hew push -q image "127.0.0.1:$PORT/a:1"
	equal 3 "$(grep -c 'POST /v2/a/blobs/uploads/ 202' "$LOG")" # the config's, and twice the layer's
	[ $((SECONDS - from)) -lt 60 ]
	from=$SECONDS
	faulty --fault put-still:1
	HEW_HTTP_TIMEOUT=5 hew push --progress plain image "127.0.0.1:$PORT/a:1" 2>err
	has "no answer from" "$(cat err)"
	[ $((SECONDS - from)) -lt 45 ] # what has been sent is waited for ten times as long
}

# cutter PORT: a proxy to it that ends the first connection on which it has passed five million bytes. Sets CUTTER.
cutter() {
	python3 -u - "$1" >cutter.port 3>&- <<-'END' &
		import socket, sys, threading
		server = socket.create_server(("127.0.0.1", 0))
		print(server.getsockname()[1])
		cut = [False]
		def pump(a, b, count):
		    passed = 0
		    while data := a.recv(65536):
		        b.sendall(data)
		        passed += len(data)
		        if count and passed > 5000000 and not cut[0]:
		            cut[0] = True
		            break
		    for s in a, b:
		        try:
		            s.shutdown(socket.SHUT_RDWR)
		        except OSError:
		            pass
		while True:
		    a = server.accept()[0]
		    b = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
		    for args in (a, b, True), (b, a, False):
		        threading.Thread(target=pump, args=args, daemon=True).start()
	END
	SERVERS+=($!)
	wait_for grep -q . cutter.port
	CUTTER=$(cat cutter.port)
}

@test "an upload to a docker-registry that is cut arrives all the same" {
	registry
	cutter "$PORT"
	hew push --progress plain image "127.0.0.1:$CUTTER/a:1" >digest 2>err
	has "was lost" "$(cat err)"
	equal "$(cat digest)" "$(skopeo inspect --no-tags --tls-verify=false "docker://127.0.0.1:$PORT/a:1" | jq -r .Digest)"
	skopeo copy -q --src-tls-verify=false "docker://127.0.0.1:$PORT/a:1" oci:got:x
	store_is_sound
}

@test "pieces where a single PUT is refused: of 4 MiB, or of what the registry wants at least" {
	faulty --piece 100
	hew push -q image "127.0.0.1:$PORT/a:1"
	equal 3 "$(grep -c 'PATCH /v2/a/.* 202' "$LOG" | sed 's/4/3/')" # of the config it may be one more
	equal "" "$(grep 'PATCH .* [45]..' "$LOG" || true)"
	: >"$LOG"
	hew push -q image "127.0.0.1:$PORT/b:1"
	faulty --piece 6000000
	hew push -q image "127.0.0.1:$PORT/a:1"
	equal "" "$(grep 'PATCH .* [45]..' "$LOG" || true)"
	skopeo copy -q --src-tls-verify=false "docker://127.0.0.1:$PORT/a:1" oci:got:x
}

@test "tokens that run out between the blobs and in the middle of one" {
	faulty --auth bearer --user "u:$SECRET" --expires 1 --fault put-401:2
	config_json "$PORT"
	hew push -q image "127.0.0.1:$PORT/a:1" 2>err
	[ "$(grep -c 'GET /token' "$LOG" || true)" -le 8 ]
	no_secret_told err "$LOG"
	grep -q 'PUT /v2/a/manifests/1 201' "$LOG"
}

# ---- before the first step

# refused STATUS OPTIONS NAME PART: a build that would push there ends before its RUN, which nobody could miss.
refused() {
	# shellcheck disable=SC2086
	faulty $2
	export XDG_CONFIG_HOME=$PWD/config
	local host=${3%%/*}
	[[ $host == *.* ]] || host=docker.io
	mkdir -p "config/containerd/certs.d/$host"
	echo "server = \"http://127.0.0.1:$PORT\"" >"config/containerd/certs.d/$host/hosts.toml"
	printf 'FROM alpine:3.19\nRUN echo it-ran-%s\n' "$PORT" >Dockerfile
	build_fails "$1" --push -t "$3"
	has "push '$3': " "$LAST"
	has "$4" "$LAST"
	has_not "it-ran-$PORT
" "$(cat "$ERR")"
	equal "" "$(ran)"
}

@test "pre-flight: ghcr.io, ECR and Docker Hub refuse before the first step, and what helps is said" {
	conf </dev/null
	local ecr=123456789012.dkr.ecr.eu-central-1.amazonaws.com
	refused 8 "--like ghcr" ghcr.io/acme/app:1 "run 'hew login ghcr.io'"
	refused 6 "--like ecr-missing" "$ecr/team/app:1" \
		"aws ecr create-repository --region eu-central-1 --repository-name team/app"
	refused 8 "--like ecr-expired" "$ecr/team/app:1" \
		"aws ecr get-login-password --region eu-central-1 | hew login --username AWS --password-stdin $ecr"
	refused 8 "--like ecr-anonymous" "$ecr/team/app:1" "hew login --username AWS"
	refused 8 "--like hub" acme/app:1 "nobody is logged in to Docker Hub: run 'hew login'"
	refused 8 "--like hub" app:1 "name the image USER/app"
}

@test "pre-flight: the same for those who are logged in" {
	conf </dev/null
	faulty --auth basic --user "u:$SECRET" --like ghcr
	export XDG_CONFIG_HOME=$PWD/config
	config_json "$PORT"
	mkdir -p config/containerd/certs.d/ghcr.io config/containerd/certs.d/docker.io
	echo "server = \"http://127.0.0.1:$PORT\"" >config/containerd/certs.d/ghcr.io/hosts.toml
	printf 'FROM alpine:3.19\nRUN echo it-ran-%s\n' "$PORT" >Dockerfile
	fails 8 hew push image ghcr.io/acme/app:1
	build_fails 8 --push -t ghcr.io/acme/app:1
	has "permission_denied: write_package" "$LAST"
	has "'permissions: packages: write'" "$LAST"
	has "Manage Actions access" "$LAST"
	faulty --auth bearer --user "u:$SECRET" --like hub
	config_json "$PORT"
	echo "server = \"http://127.0.0.1:$PORT\"" >config/containerd/certs.d/docker.io/hosts.toml
	build_fails 8 --push -t other/app:1
	has "the user 'u' may not write there" "$LAST"
	equal "" "$(ran)"
	fails 2 hew build --push -t ghcr.io/Acme/App:1 .
	has "must be lower case, did you mean 'ghcr.io/acme/app:1'?" "$LAST"
}

@test "a rate limit, and when it ends" {
	faulty --like hub-limit
	fails 7 hew pull "$DEMO"
	has "retry after 3000" "$LAST"
	has "100 are allowed in 6 h; again in 50 min" "$LAST"
	has "or run 'hew login" "$LAST"
}

@test "pre-flight: what may pass is a warning; what cannot is not; a cache that cannot be written is one" {
	echo x >file
	printf 'FROM scratch\nCOPY file /\n' >Dockerfile
	faulty --fault post-500:1
	build --push -t "127.0.0.1:$PORT/a:1"
	has "whether the push will be let in is not known" "$(cat "$ERR")"
	echo y >file
	build_fails 7 --push -t 127.0.0.1:1/a:1
	has "Connection refused" "$LAST"
	equal "" "$(ran)"
	faulty --fault 403
	build --cache-to "type=registry,ref=127.0.0.1:$PORT/cache" -t here
	has "the cache will not be written" "$(cat "$ERR")"
	equal 1 "$(grep -c "^WARN: " "$ERR")"
	echo z >file
	build_fails 8 --cache-to "type=registry,ref=127.0.0.1:$PORT/cache,ignore-error=false" -t here
	equal "" "$(ran)"
}

@test "pre-flight: one upload that is given up, for each repository and not each name; nothing of it is left" {
	faulty
	echo z >file
	printf 'FROM scratch\nCOPY file /\n' >Dockerfile
	build --push -t "127.0.0.1:$PORT/a:1" -t "127.0.0.1:$PORT/a:2" -t "127.0.0.1:$PORT/b:1"
	equal 2 "$(grep -c 'DELETE /v2/[ab]/blobs/uploads/.* 204' "$LOG")"
	build --push -t "127.0.0.1:$PORT/a:1" # nothing runs: nobody waits for the answer
	tokens
	config_json "$PORT"
	echo zz >file
	build --push -t "127.0.0.1:$PORT/a:1"
	skopeo inspect --no-tags --tls-verify=false --authfile "$DOCKER_CONFIG/config.json" "docker://127.0.0.1:$PORT/a:1" >/dev/null
}

# ---- referrers, and documents of other kinds

client() { HEW_ROOT=$PWD/client "$CLIENT" "$@"; }

@test "referrers: listed by the registry, page by page, by type; kept by us where it does not know them" {
	local kind a b c digest
	for kind in api "fall-back" docker; do
		case $kind in
		api) faulty --referrers 1 ;;
		fall-back) faulty ;;
		docker) registry ;;
		esac
		digest=$(hew push -q image "127.0.0.1:$PORT/a:1")
		equal "" "$(client referrers "127.0.0.1:$PORT/a" "$digest")"
		a=$(client attach "127.0.0.1:$PORT/a" "$digest" test/one first)
		b=$(client attach "127.0.0.1:$PORT/a" "$digest" test/two second)
		c=$(client attach "127.0.0.1:$PORT/a" "$digest" test/one third)
		equal "$a" "$(client attach "127.0.0.1:$PORT/a" "$digest" test/one first)"
		equal "$(printf '%s\n' "$a test/one first" "$b test/two second" "$c test/one third" | sort -u)" \
			"$(client referrers "127.0.0.1:$PORT/a" "$digest" | sort -u)"
		equal "$b test/two second" "$(client referrers "127.0.0.1:$PORT/a" "$digest" test/two)"
		equal "" "$(client referrers "127.0.0.1:$PORT/a" "$digest" test/three)"
		[ "$kind" = api ] || curl -sf -H 'Accept: application/vnd.oci.image.index.v1+json' \
			"127.0.0.1:$PORT/v2/a/manifests/sha256-${digest#*:}" >"$kind.json"
	done
	equal 3 "$(jq '.manifests | length' docker.json)"
	equal test/two "$(jq -r '.manifests[1].artifactType' docker.json)"
	cmp <(jq -S . docker.json) <(jq -S . fall-back.json)
}

@test "referrers: a list that goes on at another server is refused, and nobody is asked there" {
	faulty --referrers 1 --fault page-elsewhere
	local digest
	digest=$(hew push -q image "127.0.0.1:$PORT/a:1")
	client attach "127.0.0.1:$PORT/a" "$digest" test/one first
	client attach "127.0.0.1:$PORT/a" "$digest" test/one second
	fails 7 client referrers "127.0.0.1:$PORT/a" "$digest"
	has "has the next page of the list on 'localhost:" "$LAST"
	equal "" "$(grep 'last=' "$LOG" || true)"
}

@test "referrers: what others wrote into the index stays, and several at once lose nothing" {
	local digest i pids=()
	registry
	digest=$(hew push -q image "127.0.0.1:$PORT/a:1")
	client attach "127.0.0.1:$PORT/a" "$digest" test/one first
	curl -sf -H 'Accept: application/vnd.oci.image.index.v1+json' \
		"127.0.0.1:$PORT/v2/a/manifests/sha256-${digest#*:}" >index.json
	jq -c '.manifests[0].data = "e30=" | .annotations.kept = "yes"' index.json >other.json
	curl -sf -X PUT -H 'Content-Type: application/vnd.oci.image.index.v1+json' --data-binary @other.json \
		"127.0.0.1:$PORT/v2/a/manifests/sha256-${digest#*:}"
	for i in 1 2 3 4; do
		HEW_ROOT=$PWD/client$i "$CLIENT" attach "127.0.0.1:$PORT/a" "$digest" test/many "$i" 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i"; done
	equal 4 "$(client referrers "127.0.0.1:$PORT/a" "$digest" test/many | wc -l)"
	curl -sf -H 'Accept: application/vnd.oci.image.index.v1+json' \
		"127.0.0.1:$PORT/v2/a/manifests/sha256-${digest#*:}" >index.json
	equal "e30= yes" "$(jq -r '.manifests[0].data + " " + .annotations.kept' index.json)"
}

# put TYPE NAME <DOCUMENT: into the faulty registry; prints its descriptor.
put() {
	cat >document
	curl -sf -X PUT -H "Content-Type: $1" --data-binary @document "127.0.0.1:$PORT/v2/$2" >&2
	jq -nc --arg t "$1" --arg d "sha256:$(sha256sum <document | cut -d' ' -f1)" --argjson s "$(stat -c %s document)" \
		'{mediaType: $t, digest: $d, size: $s}'
}

put_blob() { # repository, text, media type
	local digest where
	digest=sha256:$(printf %s "$2" | sha256sum | cut -d' ' -f1)
	where=$(curl -sf -X POST -D - -o /dev/null "127.0.0.1:$PORT/v2/$1/blobs/uploads/" | tr -d '\r' | sed -n 's/^Location: //p')
	curl -sf -X PUT --data-binary "$2" "127.0.0.1:$PORT$where&digest=$digest"
	jq -nc --arg t "$3" --arg d "$digest" --argjson s "${#2}" '{mediaType: $t, digest: $d, size: $s}'
}

@test "artifacts and documents of unknown kinds go from registry to registry byte for byte" {
	local from artifact alien index
	faulty
	from=$PORT
	config=$(put_blob x '{}' application/vnd.oci.empty.v1+json)
	layer=$(put_blob x 'a chart' application/vnd.cncf.helm.chart.content.v1.tar+gzip)
	artifact=$(jq -nc --argjson c "$config" --argjson l "$layer" '{schemaVersion: 2,
		mediaType: "application/vnd.oci.image.manifest.v1+json", artifactType: "a/b", config: $c, layers: [$l]}' |
		put application/vnd.oci.image.manifest.v1+json x/manifests/artifact)
	alien=$(jq -nc --argjson l "$layer" '{mediaType: "application/vnd.example.thing", blobs: [$l], x: 1}' |
		put application/vnd.example.thing+json x/manifests/alien)
	jq -n --argjson a "$artifact" --argjson b "$alien" '{schemaVersion: 2,
		mediaType: "application/vnd.oci.image.index.v1+json", manifests: [$a, $b], strange: [true]}' |
		put application/vnd.oci.image.index.v1+json x/manifests/all
	index=sha256:$(sha256sum <document | cut -d' ' -f1)
	faulty
	client copy "127.0.0.1:$from/x:all" "127.0.0.1:$PORT/y:all"
	for what in manifests/all "manifests/$(jq -r .digest <<<"$artifact")" "manifests/$(jq -r .digest <<<"$alien")" \
		"blobs/$(jq -r .digest <<<"$layer")"; do
		cmp <(curl -sf "127.0.0.1:$from/v2/x/$what") <(curl -sf "127.0.0.1:$PORT/v2/y/$what")
	done
	equal "sha256:$(curl -sf "127.0.0.1:$PORT/v2/y/manifests/all" | sha256sum | cut -d' ' -f1)" "$index"
	# and what a docker-registry takes
	registry
	client copy "127.0.0.1:$from/x:artifact" "127.0.0.1:$PORT/y:artifact"
	equal a/b "$(skopeo inspect --raw --tls-verify=false "docker://127.0.0.1:$PORT/y:artifact" | jq -r .artifactType)"
}
