# SPDX-License-Identifier: Apache-2.0
# Killed, or told that the disk is full, at every fault point of a small build: the next build gives the same
# image, the store is sound, nothing is left mounted or running.

load lib/hew

sweep() { # what happens at the point: "" (SIGKILL) or ":enospc"
	export SOURCE_DATE_EPOCH=1700000000
	echo x >file
	dockerfile <<-'EOF'
		FROM alpine:3.19 AS one
		COPY file /file
		RUN echo made >/made
		FROM scratch
		COPY --from=one /made /made
	EOF
	HEW_ROOT=$PWD/clean HEW_FAULT_TRACE=$PWD/trace hew build -q . >want
	mounts_now >before
	local point n=0
	for point in $(sort -u trace); do
		n=$((n + 1))
		export HEW_ROOT=$PWD/store$n
		HEW_FAULT=$point:1$1 hew build -q . >out 2>err || true
		nothing_left
		hew build -q . >got 2>err || {
			echo "after $point$1:"
			cat err
			return 1
		}
		equal "$point$1 $(cat want)" "$point$1 $(cat got)"
		sound
	done
	mounts_now >after
	cmp before after
	[ "$n" -gt 5 ]
}

@test "killed at every fault point" { sweep ""; }

@test "disk full at every fault point" { sweep :enospc; }
