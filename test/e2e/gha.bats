#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The cache of GitHub Actions: machines as stores that live for one job, and a small service between them.
load lib/hew

setup() {
	test_setup
	SERVICE=$BATS_TEST_TMPDIR/service
	serve_cache
	unset ACTIONS_CACHE_URL GITHUB_REF GITHUB_BASE_REF
	credentials refs/heads/main:3
	export ACTIONS_CACHE_SERVICE_V2=true
}

# serve_cache ARGS...: the service, or it again with other arguments.
serve_cache() {
	[ -z "${SERVICE_PID-}" ] || { kill "$SERVICE_PID" && rm "$SERVICE.port"; }
	python3 "$E2E_LIB/gha_server.py" --port-file "$SERVICE.port" --dir "$SERVICE" --log "$SERVICE.log" "$@" 3>&- &
	SERVICE_PID=$!
	SERVERS+=("$SERVICE_PID")
	wait_for test -e "$SERVICE.port"
	ACTIONS_RESULTS_URL=http://127.0.0.1:$(cat "$SERVICE.port")/
	export ACTIONS_RESULTS_URL
}

b64() { printf %s "$1" | base64 -w 0 | tr '+/' '-_' | tr -d =; }

# credentials SCOPE:PERMISSION...: a job's token for these.
credentials() {
	local ac
	ac=$(printf '%s\n' "$@" | jq -Rnc '[inputs | split(":") | {Scope: .[0], Permission: (.[1] | tonumber)}] | tojson')
	ACTIONS_RUNTIME_TOKEN=$(b64 '{"alg":"none"}').$(b64 "{\"nbf\":0,\"exp\":4102444800,\"ac\":$ac,\"secret\":\"sesame\"}").sesame
	export ACTIONS_RUNTIME_TOKEN
}

# faults NAME...: from now on, these.
faults() {
	printf '%s\n' "$@" >"$SERVICE/faults"
	: >"$SERVICE.log"
	kill -HUP "$SERVICE_PID"
	sleep 0.2
}

app() {
	mkdir -p src
	seq 3000 >src/deps
	echo "one $BATS_TEST_NUMBER" >src/main
	dockerfile <<-'EOF'
		FROM alpine:3.19 AS deps
		COPY src/deps /in
		RUN tac /in >/out && date +%N >>/out
		FROM alpine:3.19
		COPY src/main /main
		COPY --from=deps /out /deps
		RUN head -n 2 /deps | cat /main - >/result
	EOF
}

# on MACHINE COMMAND...: with that machine's store.
on() {
	local -x HEW_ROOT=$BATS_TEST_TMPDIR/$1
	shift
	"$@"
}

entries() { jq -r '.[] | select(.size) | .key' "$SERVICE/index.json"; }
asked() { grep -c "$1" "$SERVICE.log" || true; }
downloads() { grep '^GET /blob/.* 20[06]' "$SERVICE.log" | sort -u -k 2,2 | wc -l; }
cached() { build --cache-from type=gha --cache-to type=gha,mode=max "$@"; }
warned() { equal "$1" "$(grep -c '^WARN: ' "$ERR" || true)" || { cat "$ERR" "$SERVICE.log"; return 1; }; }

@test "gha: the next job runs nothing, has the same image whole, and a push needs no token" {
	app
	on one cached -t app
	local first=$ID
	warned 0
	equal 5 "$(entries | grep -c '^buildkit-blob-1-sha256:')"
	matches "hew-index-auto-*-1-$(printf refs/heads/main | sha256sum | cut -c 1-8)#1" "$(entries | grep -v ^buildkit)"
	faults
	on two cached -t app
	equal "$first" "$ID"
	equal "" "$(ran)"
	warned 0
	equal 0 "$(asked CreateCacheEntry)" # nothing is sent twice, the index neither
	equal 4 "$(downloads)" # the index and the layers of the image
	unset ACTIONS_RUNTIME_TOKEN
	on two hew run app cat /result >"$BATS_TEST_TMPDIR/result"
	equal "one $BATS_TEST_NUMBER" "$(head -n 1 "$BATS_TEST_TMPDIR/result")"
	on two sound
	run ! grep LEAKED "$SERVICE.log"
}

@test "gha: layers come when a step needs their files; mode=min has the steps of the result only" {
	app
	on one build -t app --cache-to type=gha,mode=max
	echo two >src/main
	faults
	on two build -t app --cache-from type=gha
	equal "COPY src/main /main|RUN head -n 2 /deps | cat /main - >/result" "$(ran | sed 's/^\[[^]]*\] //' | grep -v 'COPY --from' | paste -sd'|')"
	has_not "RUN tac" "$(ran)"
	# all builds of one image have one scope: the older steps are found beside the new ones
	on three build --cache-to type=gha,scope=least
	on four build --cache-from type=gha,scope=least
	matches "*COPY src/deps*RUN tac*" "$(ran)"
	has_not "RUN head" "$(ran)"
}

@test "gha: every image has a scope of its own, every branch its entries, and reads those of the default branch" {
	app
	on one cached -t app:1
	on two cached -t other:1
	equal 2 "$(entries | grep -c '^hew-index-auto-')"
	on three build -t app:2 --cache-from type=gha # the tag is no part of it
	equal "" "$(ran)"
	on four build -t other:2 --target deps --cache-from type=gha # the target is
	has "RUN tac" "$(ran)"
	credentials refs/heads/topic:3 refs/heads/main:1
	echo topic >src/main
	on five cached -t app:3
	has_not "RUN tac" "$(ran)" # what main has
	has "COPY src/main" "$(ran)"
	on six cached -t app:4 # what the branch has, too
	equal "" "$(ran)"
	equal "refs/heads/topic" "$(jq -r '[.[] | select(.key | startswith("hew-index"))] | last.scope' "$SERVICE/index.json")"
	credentials refs/heads/main:3
	on seven build -t app:5 --cache-from type=gha # main has nothing of the branch
	has "COPY src/main" "$(ran)"
}

@test "gha: without a token one warning says how to come by one, and the build goes on" {
	app
	unset ACTIONS_RUNTIME_TOKEN
	on one cached
	warned 1
	has 'type=gha has no credentials: ACTIONS_RUNTIME_TOKEN is not set. Only actions get the runtime' "$(cat "$ERR")"
	has '; left out' "$(cat "$ERR")"
	[ ! -s "$SERVICE.log" ]
	credentials refs/heads/main:3
	unset ACTIONS_RESULTS_URL
	on one build --cache-to type=gha
	has "ACTIONS_RESULTS_URL is not set" "$(cat "$ERR")"
	build_fails 2 --cache-to type=gha,version=3
	build_fails 2 --cache-to type=gha,timeout=soon
	build_fails 2 --cache-to "\"type=gha,scope=a,b\""
}

@test "gha: a token that is old, or not one at all, costs a warning" {
	app
	ACTIONS_RUNTIME_TOKEN=nonsense.sesame GITHUB_REF=refs/heads/main on one cached
	has "does not accept the token" "$(cat "$ERR")"
	has_not sesame "$(cat "$ERR")"
	warned 2
	ACTIONS_RESULTS_URL=http://127.0.0.1:1/ on two cached
	has "cannot connect" "$(cat "$ERR")"
	build_fails 7 --cache-to "type=gha,ignore-error=false,url_v2=http://127.0.0.1:1/"
}

@test "gha: trouble that passes is waited for: 429, 5xx, slowness, cut blocks, entries not seen at once" {
	app
	faults 429:3:1 500:2 put-500:1 put-cut:2 put-slow:2:1 unseen:2:1 lookup-500:1
	on one cached -t app
	warned 0
	equal 5 "$(entries | grep -c '^buildkit-blob-1-sha256:')"
	faults 429:2:1 slow:2:0.5 get-500:1 truncate:2:buildkit expired:1
	on two cached -t app
	equal "" "$(ran)"
	warned 0
	has "range=bytes=" "$(cat "$SERVICE.log")" # gone on with where it was cut
	on two sound
}

@test "gha: a service that wants to be left alone is, when the time is over" {
	app
	faults 429::600
	local began=$SECONDS
	on one cached -t app
	[ $((SECONDS - began)) -lt 20 ]
	warned 2
	has "no time is left to wait (timeout=): the cache service answers with status 429" "$(cat "$ERR")"
	faults 429::1 # as long as one waits, always
	began=$SECONDS
	on two build --cache-from type=gha,timeout=3s --cache-to type=gha,timeout=3s
	[ $((SECONDS - began)) -lt 30 ]
	warned 2
}

# what_is_there: bytes of every blob are what its key says.
what_is_there() {
	jq -r '.[] | select(.size and (.key | startswith("buildkit-blob-1-"))) | "\(.key) \(.id)"' "$SERVICE/index.json" |
		while read -r key id; do
			matches "buildkit-blob-1-sha256:$(sha256sum <"$SERVICE/$id" | cut -d' ' -f1)*" "$key"
		done
}

@test "gha: what another job began and never ended is got round" {
	app
	faults put-500
	on one cached -t app
	warned 1
	has "5 of 5 layers are left out" "$(cat "$ERR")"
	equal "" "$(entries)"
	[ "$(jq '[.[] | select(.key | startswith("buildkit-blob"))] | length' "$SERVICE/index.json")" -ge 1 ]
	faults
	on one cached -t app
	warned 0
	equal 5 "$(entries | grep -c '^buildkit-blob-1-sha256:')"
	has "-r2" "$(entries)"
	what_is_there
	on two cached -t app
	equal "" "$(ran)"
	warned 0
}

@test "gha: of an index that somebody is writing the next number is taken" {
	app
	on one cached -t app
	jq '. + [.[] | select(.key | endswith("#1")) | .key |= sub("#1$"; "#2") | .size = null | .id = 90]' \
		"$SERVICE/index.json" >"$SERVICE/new"
	mv "$SERVICE/new" "$SERVICE/index.json"
	serve_cache
	echo two >src/main
	on one cached -t app
	warned 0
	has "#3" "$(entries)"
	on two cached -t app
	equal "" "$(ran)"
}

@test "gha: a layer that is gone, or is something else, is made again" {
	app
	on one cached -t app
	faults gone
	on two build -t app --cache-from type=gha
	has "RUN tac" "$(ran)" # nor is there an index
	faults
	on three build -t app -o type=cacheonly --cache-from type=gha
	equal "" "$(ran)"
	faults wrong::buildkit
	on three build -t app -o "$BATS_TEST_TMPDIR/out"
	equal "one $BATS_TEST_NUMBER" "$(head -n 1 "$BATS_TEST_TMPDIR/out/result")"
	on three sound
	# the entries of the layers are gone from the index
	faults
	jq '[.[] | select(.key | startswith("hew-"))]' "$SERVICE/index.json" >"$SERVICE/new"
	mv "$SERVICE/new" "$SERVICE/index.json"
	serve_cache
	on four build -t app --cache-from type=gha
	has "a layer is gone from gha:127.0.0.1" "$(cat "$ERR")"
	on four hew run app cat /result >"$BATS_TEST_TMPDIR/result"
	equal "one $BATS_TEST_NUMBER" "$(head -n 1 "$BATS_TEST_TMPDIR/result")"
	on four sound
}

@test "gha: a token that may only read: one warning, nothing sent, the build is cached all the same" {
	app
	on one cached -t app
	echo two >src/main
	credentials refs/pull/7/merge:1 refs/heads/main:1
	faults
	on two cached -t app
	warned 1
	has "the job's token may not write: that of a pull request from a fork only reads" "$(cat "$ERR")"
	equal 0 "$(asked CreateCacheEntry)"
	has_not "RUN tac" "$(ran)"
	credentials refs/heads/other:3 refs/heads/main:1
	faults denied # it says so only when asked
	on three cached -t app
	warned 1
	has "status 403 to a new entry (the token may only read)" "$(cat "$ERR")"
	matches "[12]" "$(asked CreateCacheEntry)"
	build_fails 8 -t app --no-cache --cache-to type=gha,mode=max,ignore-error=false
}

@test "gha: what cannot be sent is left out, the rest is a cache all the same" {
	app
	faults full:2 # once while the build runs, once after it
	on one cached -t app
	warned 1
	matches "*WARN: cache gha: [12] of 5 layers are left out: *makes no new entry (the repository has no room)*" "$(cat "$ERR")"
	faults
	on two build -t app --cache-from type=gha
	[ "$(ran | wc -l)" -lt 5 ] # what depends on it runs, too
	faults full
	build_fails 7 -t app --no-cache --cache-to type=gha,mode=max,ignore-error=false
	has "makes no new entry (the repository has no room)" "$LAST"
}

@test "gha: version 1 of the service, where the environment says so" {
	app
	unset ACTIONS_CACHE_SERVICE_V2
	export ACTIONS_CACHE_URL=$ACTIONS_RESULTS_URL
	unset ACTIONS_RESULTS_URL
	faults 429:1 put-500:1
	on one cached -t app
	warned 0
	equal 0 "$(asked twirp)"
	equal 5 "$(entries | grep -c '^buildkit-blob-1-sha256:')"
	what_is_there
	faults truncate:1
	on two cached -t app
	equal "" "$(ran)"
	equal 0 "$(asked "^POST")"
	on two sound
	# the other version has the same entries
	on three build -t app --cache-from "type=gha,version=2,url_v2=$ACTIONS_CACHE_URL"
	equal "" "$(ran)"
}

@test "gha: a large layer goes in blocks side by side, a cut one once more" {
	[ -z "${HEW_TEST_UID-}" ] || chown "$HEW_TEST_UID" .
	head -c 70M /dev/urandom >large
	printf 'FROM scratch\nCOPY large /\n' | dockerfile
	faults put-cut:1
	on one build -t large --cache-to type=gha
	warned 0
	local blocks
	blocks=$(grep -c '^PUT .* 201 bytes=[0-9]\{7,\}$' "$SERVICE.log")
	[ "$blocks" -ge 8 ]
	what_is_there
	faults truncate:3:buildkit expired:1:buildkit
	on two build -t large --cache-from type=gha
	equal "" "$(ran)"
	on two hew build -q -o "$BATS_TEST_TMPDIR/out" .
	cmp large "$BATS_TEST_TMPDIR/out/large"
	unset ACTIONS_CACHE_SERVICE_V2
	rm -r "$SERVICE"
	serve_cache
	export ACTIONS_CACHE_URL=$ACTIONS_RESULTS_URL
	on one build -t large --cache-to type=gha
	what_is_there
}

# large_layer: an image with a layer of 40 MB, sent; restored and LARGE are about it.
large_layer() {
	[ -z "${HEW_TEST_UID-}" ] || chown "$HEW_TEST_UID" .
	head -c 40M /dev/urandom >large
	printf 'FROM scratch\nCOPY large /\n' | dockerfile
	on one build -t large --cache-to type=gha
	LARGE=$(jq -r '.[] | select(.size > 40000000) | .key' "$SERVICE/index.json")
	LARGE=${LARGE#buildkit-blob-1-sha256:}
}

# restored FAULT...: with these, a new machine has the layer whole.
restored() {
	faults "$@"
	rm -rf "$BATS_TEST_TMPDIR/two"
	on two build -t large --cache-from type=gha
	equal "" "$(ran)"
	warned 0
	equal "$LARGE" "$(sha256sum <"$BATS_TEST_TMPDIR/two/blobs/sha256/$LARGE" | cut -d' ' -f1)"
}

ranges() { grep -c '^GET /blob/.* 206 range=bytes=[0-9]*-[0-9]' "$SERVICE.log" || true; }
eight_ranges() { [ "$(ranges)" -ge 8 ]; }
unbounded() { grep -E '^GET /blob/.* range=(-|bytes=[0-9]*-) ' "$SERVICE.log"; }
at_once() { grep -o 'at-once=[0-9]*' "$SERVICE.log" | cut -d= -f2 | sort -n | tail -n 1; }

@test "gha: a large layer comes in ranges side by side, each tried again, and as a whole where there are none" {
	large_layer
	serve_cache --delay 0.1
	restored
	equal 8 "$(ranges)"
	[ "$(at_once)" -ge 4 ]
	equal "$(jq '[.[].size] | max' "$SERVICE/index.json")" "$(awk -F'bytes=' '/^GET .* 206 / { n += $3 } END { print n }' "$SERVICE.log")" # nothing twice
	restored truncate:2:buildkit get-500:2:buildkit expired:1:buildkit
	equal 10 "$(ranges)" # of a cut one the rest
	equal 3 "$(asked GetCacheEntryDownloadURL)" # the index, the layer, and once more
	restored whole::buildkit
	equal 0 "$(ranges)"
	[ "$(unbounded | wc -l)" -ge 3 ] # the index, those side by side, the one
	restored shifted:1:buildkit
	equal 2 "$(unbounded | wc -l)" # the index, what was missing by then
	unset ACTIONS_CACHE_SERVICE_V2
	export ACTIONS_CACHE_URL=$ACTIONS_RESULTS_URL
	restored get-500:1:buildkit
	equal 8 "$(ranges)"
}

@test "gha: a large layer that is something else is made again, one that is too slow given up by Ctrl-C" {
	local fault began status=0
	large_layer
	for fault in wrong::buildkit short::buildkit expired::buildkit; do
		faults "$fault"
		rm -rf "$BATS_TEST_TMPDIR/two"
		on two build -t large --cache-from type=gha
		has "COPY large" "$(ran)"
		has "a layer is gone from gha:127.0.0.1" "$(cat "$ERR")"
		on two hew build -q -o "$BATS_TEST_TMPDIR/out" .
		cmp large "$BATS_TEST_TMPDIR/out/large"
		[ "$(grep -c '^GET /blob' "$SERVICE.log")" -le 30 ]
	done
	on two sound
	serve_cache --rate 1e6
	faults
	HEW_ROOT=$BATS_TEST_TMPDIR/three env --default-signal=INT hew build --cache-from type=gha -t large . >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
	wait_for eight_ranges
	began=$SECONDS
	kill -INT $!
	wait $! || status=$?
	equal 130 "$status"
	[ $((SECONDS - began)) -lt 5 ]
	on three sound
}

@test "gha: layers are sent while later steps run" {
	printf 'FROM alpine:3.19\nRUN seq 100000 >/first\nRUN while [ "$n" != xxxxxxxxxx ]; do n=x$n; sleep 1; done\n' | dockerfile
	on one build -t app --cache-to type=gha >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
	local pid=$!
	wait_for grep -q FinalizeCacheEntryUpload "$SERVICE.log"
	kill -0 "$pid"
	equal 1 "$(entries | wc -l)"
	wait "$pid"
	equal "2 1" "$(entries | grep -c '^buildkit') $(entries | grep -c '^hew-index')"
}

@test "gha: a fully cached build is pushed, and what the registry has is not fetched" {
	app
	local at=$BATS_TEST_TMPDIR/registry image digest
	"$TOP/test/bases/serve" start "$at" --empty
	image=127.0.0.1:$(cat "$at/port")/app:1
	on one cached -t "$image"
	faults
	on two cached -t "$image" --push
	equal "" "$(ran)"
	equal 4 "$(downloads)" # the index, and the layers for the registry
	digest=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$image")
	faults
	on three cached -t "$image" --push
	equal 1 "$(downloads)"
	equal "$digest" "$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$image")"
	unset ACTIONS_RUNTIME_TOKEN
	on three hew run "$image" cat /result >"$BATS_TEST_TMPDIR/result"
	equal "one $BATS_TEST_NUMBER" "$(head -n 1 "$BATS_TEST_TMPDIR/result")"
	"$TOP/test/bases/serve" stop "$at"
}

@test "gha: the token is nowhere but with the service" {
	app
	faults put-500:4 429:1
	on one cached -t app --progress plain
	run ! grep -r sesame "$ERR" "$BATS_TEST_TMPDIR/one"
	run ! grep LEAKED "$SERVICE.log"
	run ! grep -rF "sig=" "$ERR" "$BATS_TEST_TMPDIR/one/logs"
}

# with_azurite ARGS...: the service, with an emulator of the real blob store behind it. Sets MODULES.
with_azurite() {
	local dir=$BATS_TEST_TMPDIR/azurite url
	MODULES=$("$TOP/test/bases/actions-cache")/node_modules
	mkdir "$dir"
	node "$MODULES/azurite/dist/src/blob/main.js" --location "$dir" --blobHost 127.0.0.1 --blobPort 0 \
		--disableTelemetry "$@" >"$dir.log" 2>&1 3>&- &
	SERVERS+=($!)
	wait_for grep -q 'successfully listens on' "$dir.log"
	url=$(grep -o 'http://127.0.0.1:[0-9]*' "$dir.log" | head -n 1)
	rm -rf "$SERVICE"
	serve_cache --azurite "$url"
	export RUNNER_TEMP=$BATS_TEST_TMPDIR
}

official() { node "$E2E_LIB/gha_client.js" "$MODULES" "$@"; }

@test "gha: the official client reads what hew wrote, hew what it wrote, in the real blob store's own protocol" {
	local key n=0
	with_azurite
	app
	[ -z "${HEW_TEST_UID-}" ] || chown "$HEW_TEST_UID" .
	head -c 20M /dev/urandom >src/large
	printf 'COPY src/large /large\n' >>Dockerfile
	on one cached -t app
	warned 0
	for key in $(entries | grep ^buildkit); do
		equal "$key" "$(official get "$key" "$BATS_TEST_TMPDIR/got" | tail -n 1)"
		equal "$key" "buildkit-blob-1-sha256:$(sha256sum <"$BATS_TEST_TMPDIR/got" | cut -d' ' -f1)"
		n=$((n + 1))
	done
	equal 6 "$n"
	on two cached -t app
	equal "" "$(ran)"
	warned 0
	on two hew build -q -t app -o "$BATS_TEST_TMPDIR/out" .
	cmp src/large "$BATS_TEST_TMPDIR/out/large"
	on two sound
}

@test "gha: what the official client sent is not sent again, and is restored" {
	local blob
	with_azurite --skipApiVersionCheck # the client is newer than the emulator
	app
	on one build -t app --cache-to type=local,dest="$BATS_TEST_TMPDIR/folder",mode=max
	for blob in "$BATS_TEST_TMPDIR"/folder/blobs/sha256/*; do
		head -c 1 "$blob" | grep -q '{' || official put "buildkit-blob-1-sha256:${blob##*/}" "$blob"
	done
	equal 5 "$(entries | wc -l)"
	: >"$SERVICE.log"
	on one cached -t app
	equal 1 "$(asked CreateCacheEntry)" # the index
	on two cached -t app
	equal "" "$(ran)"
	warned 0
	on two hew run app cat /result >"$BATS_TEST_TMPDIR/result"
	equal "one $BATS_TEST_NUMBER" "$(head -n 1 "$BATS_TEST_TMPDIR/result")"
	# and its own entries beside ours
	echo hello >"$BATS_TEST_TMPDIR/mine"
	official save mine "$BATS_TEST_TMPDIR/mine"
	rm "$BATS_TEST_TMPDIR/mine"
	official restore mine "$BATS_TEST_TMPDIR/mine"
	equal hello "$(cat "$BATS_TEST_TMPDIR/mine")"
}
