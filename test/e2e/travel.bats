#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Caches that travel: two machines as two stores, and a registry or a folder between them.
load lib/hew

setup() {
	test_setup
	AT=$BATS_TEST_TMPDIR/registry
	"$TOP/test/bases/serve" start "$AT" --empty
	REF=127.0.0.1:$(cat "$AT/port")/cache:app
}

teardown() {
	"$TOP/test/bases/serve" stop "$AT"
	test_teardown
}

app() {
	mkdir -p src && echo '{}' >package.json && echo "one $BATS_TEST_NUMBER" >src/main
	dockerfile <<-'EOF'
		FROM alpine:3.19 AS deps
		WORKDIR /app
		COPY package.json ./
		RUN mkdir node_modules && cp package.json node_modules/ && date +%N >node_modules/when
		FROM alpine:3.19 AS builder
		WORKDIR /app
		COPY --from=deps /app/node_modules ./node_modules
		COPY . .
		RUN mkdir dist && cat src/main node_modules/package.json >dist/out && date +%N >dist/when
		FROM scratch AS runner
		COPY --from=builder /app/dist /dist
		COPY --from=deps /app/node_modules /node_modules
	EOF
}

# on MACHINE COMMAND...: with that machine's store.
on() {
	local -x HEW_ROOT=$BATS_TEST_TMPDIR/$1
	shift
	"$@"
}

blobs_of() { find "$BATS_TEST_TMPDIR/$1/blobs/sha256" -type f -size +2k | wc -l; }
fetched() { sed -n 's/.*response completed.*http.request.method=GET .*http.request.uri="\{0,1\}\([^" ]*\/blobs\/[^" ]*\).*/\1/p' "$AT/log" | sort -u; }

@test "registry, mode=max: the second machine runs nothing, fetches no layer, and has the same image" {
	app
	on one build -t app --cache-to "type=registry,ref=$REF,mode=max"
	local first=$ID
	on two build -t app --cache-from "type=registry,ref=$REF"
	equal "$first" "$ID"
	equal "" "$(ran)"
	equal 1 "$(fetched | wc -l)" # the config
	# nothing of the cache is needed to push what came from it
	on two hew push -q app "${REF%/*}/app:1"
	equal "$(on one hew push -q app "${REF%/*}/app:2")" "$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://${REF%/*}/app:1")"
}

@test "layers come when a step needs their files" {
	app
	on one build -t app --cache-to "type=registry,ref=$REF,mode=max"
	echo two >src/main
	on two build -t app --cache-from "$REF"
	equal $'COPY --from=builder /app/dist /dist\nCOPY --from=deps /app/node_modules /node_modules\nCOPY . .\nRUN mkdir dist' \
		"$(ran | sed 's/^\[[^]]*\] //; s/ dist .*/ dist/' | sort)"
	[ "$(fetched | wc -l)" -gt 1 ]
	on two hew build -q -o "$BATS_TEST_TMPDIR/out" .
	equal "two {}" "$(paste -sd' ' "$BATS_TEST_TMPDIR/out/dist/out")"
	on two sound
}

@test "mode=min has the steps of the result only" {
	app
	on one build -t app --cache-to "type=registry,ref=$REF"
	on two build -t app --cache-from "$REF"
	has "RUN mkdir dist" "$(ran)"
	skopeo inspect --raw --tls-verify=false "docker://$REF" >"$BATS_TEST_TMPDIR/min"
	on one build -t app --cache-to "type=registry,ref=$REF,mode=max"
	skopeo inspect --raw --tls-verify=false "docker://$REF" >"$BATS_TEST_TMPDIR/max"
	equal "2 8" "$(jq '.layers | length' "$BATS_TEST_TMPDIR/min" "$BATS_TEST_TMPDIR/max" | paste -sd' ')"
	equal application/vnd.buildkit.cacheconfig.v0 "$(jq -r .config.mediaType "$BATS_TEST_TMPDIR/max")"
}

@test "a folder: an OCI layout that another store takes over, also when it is gone later" {
	app
	local dir=$BATS_TEST_TMPDIR/cache first
	[ -z "${HEW_TEST_UID-}" ] || install -d -o "$HEW_TEST_UID" "$dir"
	on one build -t app --cache-to "type=local,dest=$dir/c,mode=max"
	first=$ID
	equal latest "$(jq -r '.manifests[0].annotations["org.opencontainers.image.ref.name"]' "$dir/c/index.json")"
	on two build -t app --cache-from "type=local,src=$dir/c"
	equal "$first" "$ID"
	equal "" "$(ran)"
	rm -r "$dir/c"
	on two hew build -q -o "$BATS_TEST_TMPDIR/out" .
	equal "one $BATS_TEST_NUMBER {}" "$(paste -sd' ' "$BATS_TEST_TMPDIR/out/dist/out")"
	on one build -t app --cache-to "type=local,dest=$dir/c,mode=max"
	on one build -t app --cache-to "type=local,dest=$dir/c,mode=max" # over itself
	on two sound
}

@test "what is written twice is the same, and is not sent twice" {
	app
	on one build -t app --cache-to "type=registry,ref=$REF,mode=max"
	skopeo inspect --raw --tls-verify=false "docker://$REF" >"$BATS_TEST_TMPDIR/a"
	local before
	before=$(grep -c 'http.request.method=PUT .*blobs/uploads' "$AT/log" || true)
	on one build -t app --cache-to "type=registry,ref=$REF,mode=max"
	skopeo inspect --raw --tls-verify=false "docker://$REF" >"$BATS_TEST_TMPDIR/b"
	cmp "$BATS_TEST_TMPDIR/a" "$BATS_TEST_TMPDIR/b"
	equal "$before" "$(grep -c 'http.request.method=PUT .*blobs/uploads' "$AT/log" || true)"
}

@test "no arguments or variables are in a cache" {
	printf 'FROM alpine:3.19\nARG API_TOKEN\nRUN echo $API_TOKEN | wc -c >/n\n' | dockerfile
	on one build --build-arg API_TOKEN=hidden-value --cache-to "type=registry,ref=$REF,mode=max"
	run ! grep -r hidden-value "$AT/storage"
	on two build --build-arg API_TOKEN=hidden-value --cache-from "$REF"
	equal "" "$(ran)"
}

@test "a cache that is not there, damaged, no cache at all, or of a kind unknown here fails no build" {
	app
	on one build -t app --cache-from "$REF" --cache-to type=gha --cache-from type=gha,scope=x
	has "$REF is not used" "$(cat "$ERR")"
	has "type=gha is not supported" "$(cat "$ERR")"
	on one hew push -q app "${REF%/*}/app:1"
	on two build --cache-from "${REF%/*}/app:1"
	has "no cache but an image" "$(cat "$ERR")"
	on one build --cache-to "type=registry,ref=127.0.0.1:1/none,mode=max"
	has "is not written" "$(cat "$ERR")"
	# a config of the right digest that says what is not so
	on one build -t app --cache-to "type=registry,ref=$REF,mode=max"
	local dir=$BATS_TEST_TMPDIR/bad
	[ -z "${HEW_TEST_UID-}" ] || umask 000
	skopeo copy -q --src-tls-verify=false "docker://$REF" "dir:$dir"
	local config
	config=$(jq -r .config.digest "$dir/manifest.json")
	for edit in '.hew.steps[0].layer = 99' '.hew.layers = []' '.hew.steps[1].key = "x"' '.hew.layers[0].diffID = "sha256:../../x"'; do
		rm -rf "$dir.layout" && mkdir -p "$dir.layout/blobs/sha256"
		jq -c "$edit" "$dir/${config#*:}" >"$dir.config"
		local digest size
		digest=$(sha256sum <"$dir.config" | cut -d' ' -f1) size=$(stat -c %s "$dir.config")
		cp "$dir.config" "$dir.layout/blobs/sha256/$digest"
		jq -c --arg d "sha256:$digest" --argjson s "$size" '.config.digest = $d | .config.size = $s' "$dir/manifest.json" >"$dir.manifest"
		digest=$(sha256sum <"$dir.manifest" | cut -d' ' -f1)
		cp "$dir.manifest" "$dir.layout/blobs/sha256/$digest"
		jq -n --arg d "sha256:$digest" --argjson s "$(stat -c %s "$dir.manifest")" '{schemaVersion: 2, manifests: [{mediaType:
			"application/vnd.oci.image.manifest.v1+json", digest: $d, size: $s}]}' >"$dir.layout/index.json"
		on three build --cache-from "type=local,src=$dir.layout"
		has "config is damaged" "$(cat "$ERR")"
	done
	on three sound
}

@test "values that cannot be understood are usage errors" {
	app
	fails 2 hew build --cache-to type=registry .
	has "ref=NAME" "$LAST"
	fails 2 hew build --cache-from type=local .
	has "src=FOLDER" "$LAST"
	fails 2 hew build --cache-to "type=registry,ref=x,mode=most" .
	fails 2 hew build --cache-to "type=nonsense" .
	fails 2 hew build --cache-to "type=registry,ref=x,speed=1" .
	has speed "$LAST"
}
