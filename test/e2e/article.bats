# SPDX-License-Identifier: Apache-2.0
# The article's Dockerfiles, unchanged: they build, are slim, go to a registry and back, and answer over HTTP.

load lib/hew

# answers NAME PORT PATH [ENV]: the image, run by hew, answers there.
answers() {
	(exec hew run ${4:+-e "$4"} "$1" >run.out 2>&1) &
	local pid=$!
	wait_for curl -fsS -o answer "http://127.0.0.1:$2$3"
	kill -TERM "$pid"
	wait "$pid" || true
	cat answer
	nothing_left
}

size_of() { hew inspect "$1" | jq '.[0].Size'; }

@test "Go: builder to scratch" {
	cd "$TOP/example/go"
	build -t go
	cd "$BATS_TEST_TMPDIR/ctx"
	unpack go
	[ -x "$ROOTFS/server" ] && [ -s "$ROOTFS/etc/ssl/certs/ca-certificates.crt" ]
	[ "$(size_of go)" -lt 12000000 ]
	answers go 18081 /healthz PORT=18081
}

@test "Node: builder to production" {
	cd "$TOP/example/node"
	build -t node
	cd "$BATS_TEST_TMPDIR/ctx"
	[ "$(size_of node)" -lt 180000000 ]
	equal node "$(hew inspect node | jq -r '.[0].Config.User')"
	answers node 3000 /healthz
}
