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
	export ACTIONS_RESULTS_URL=http://127.0.0.1:$(cat "$SERVICE.port")/
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
warnings() { grep -c '^WARN: ' "$ERR" || true; }

@test "gha: the next job runs nothing, has the same image whole, and a push needs no token" {
	app
	on one cached -t app
	local first=$ID
	equal 0 "$(warnings)"
	equal 5 "$(entries | grep -c '^buildkit-blob-1-sha256:')"
	matches "hew-index-auto-*-1-$(printf refs/heads/main | sha256sum | cut -c 1-8)#1" "$(entries | grep -v ^buildkit)"
	faults
	on two cached -t app
	equal "$first" "$ID"
	equal "" "$(ran)"
	equal 0 "$(warnings)"
	equal 0 "$(asked CreateCacheEntry)" # nothing is sent twice, the index neither
	equal 4 "$(downloads)" # the index and the layers of the image
	unset ACTIONS_RUNTIME_TOKEN
	on two hew run app cat /result >"$BATS_TEST_TMPDIR/result"
	equal "one $BATS_TEST_NUMBER" "$(head -n 1 "$BATS_TEST_TMPDIR/result")"
	on two sound
	run ! grep LEAKED "$SERVICE.log"
}
