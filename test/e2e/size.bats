#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hew size and hew build --max-size: numbers against a count of the layers' tars in Python, and dive's efficiency
# against dive's definition there.
load lib/hew

# counted NAME [SOURCE]: what hew says of an image is what is counted in its layers, which skopeo gets.
counted() {
	local d=$BATS_TEST_TMPDIR/counted
	rm -rf "$d"*
	skopeo copy -q "${2:-oci:$HEW_ROOT:docker.io/library/$1}" "oci:$d:x"
	hew size --layers --waste --files --top 0 --format json "$1" >"$d.json"
	python3 "$E2E_LIB/size_oracle.py" "$d" "$d.json"
}

# rows ARGS...: the table without the widths of its columns.
rows() { hew size "$@" | tr -s ' '; }

value() { jq -r "$2" <<<"$1"; }

# fat: an image that wastes in every way, on alpine.
fat() {
	mkdir -p app/.git app/node_modules/one app/node_modules/two
	head -c 30000 /dev/urandom >app/.git/pack
	head -c 20000 /dev/urandom >app/data
	cp app/data app/copy
	echo '{"name":"one","version":"1.0.0"}' >app/node_modules/one/package.json
	echo '{"name":"two","version":"2.0.0"}' >app/node_modules/two/package.json
	head -c 7000 /dev/urandom >app/node_modules/two/index.js
	echo '{"lockfileVersion":3,"packages":{"":{},"node_modules/one":{"version":"1.0.0"},
		"node_modules/two":{"version":"2.0.0","dev":true}}}' >app/node_modules/.package-lock.json
	dockerfile <<-'END'
		FROM alpine:3.19
		COPY app /app
		RUN mkdir -p /gone/below /part && head -c 50000 /dev/zero | tr '\0' a >/gone/below/a && echo b >/gone/b && \
			echo one >/part/one && echo two >/part/two && echo first >/first && ln /first /second && ln /first /third && \
			mkdir -p /var/cache/apk && head -c 9000 /dev/zero | tr '\0' c >/var/cache/apk/index
		RUN rm -r /gone /first && echo longer >/part/one && rm /part/two && mkdir /gone && echo again >/gone/b
		RUN chown 5 /app/data && mkdir -p /usr/share/doc/x && echo text >/usr/share/doc/x/readme
		RUN rm -r /usr/share/doc/x /second && rm -r /gone
	END
	build -t "${1:-fat}"
}

# ---- numbers

@test "sizes, hidden files, waste and dive's efficiency: as counted in the layers' tars" {
	fat
	counted fat:latest
	has '"pulled_and_seen": 0.' "$(hew size --layers --format json fat)"
}

@test "the base images: as counted in the layers' tars" {
	for base in alpine:3.19 debian:bookworm-slim; do
		counted "$base" "docker://docker.io/library/$base"
	done
}

@test "layers of one file system in many ways: opaque folders, links, a file in the place of a folder" {
	mkdir -p tree/d
	echo 1 >tree/d/one && ln tree/d/one tree/d/two && echo other >tree/d/other
	dockerfile <<-'END'
		FROM alpine:3.19
		COPY tree /tree
		RUN rm -r /tree/d && mkdir /tree/d && echo new >/tree/d/new
		RUN rm -r /tree/d && echo file >/tree/d
		RUN rm /tree/d && mkdir -p /tree/d/e && echo deep >/tree/d/e/deep
		RUN rm -rf /tree
	END
	build -t ways
	counted ways:latest
}

@test "the row: size, what is pulled, layers, base" {
	hew pull -q alpine:3.19
	fat
	said hew size fat alpine:3.19
	equal 0 "$STATUS"
	equal "" "$(cat "$ERR")"
	matches "IMAGE SIZE TO PULL LAYERS BASE" "$(rows fat | head -n 1)"
	matches "fat *B *B 6 alpine:3.19" "$(rows fat alpine:3.19 | sed -n 2p)"
	matches "alpine:3.19 *B *B 1 -" "$(rows fat alpine:3.19 | sed -n 3p)"
	# a base that has no name here is known from the build
	hew rmi alpine:3.19 >/dev/null
	matches "fat *B *B 6 alpine:3.19" "$(rows fat | sed -n 2p)"
	# what was never pushed is measured as it would go out, and a push makes just that
	local before after
	before=$(value "$(hew size --format json fat)" '[.[0].layers[].pull_size] | @csv')
	hew copy -q store:fat oci:pushed:x
	after=$(jq -r '.manifests[0].digest' pushed/index.json)
	after=$(jq -r '[.layers[].size] | @csv' "pushed/blobs/${after/://}")
	equal "$after" "$before"
	equal false "$(value "$(hew size --format json fat)" '.[0] | has("pull_size_estimated")')"
}

@test "a large layer that was never pushed: estimated, and near" {
	python3 -c 'import random; random.seed(7); w = [random.randbytes(6).hex() for _ in range(3000)]
for _ in range(2200000): print(random.choice(w))' >words
	printf 'FROM scratch\nCOPY words /\n' | dockerfile
	build -t large
	local said real
	said=$(hew size --format json large)
	equal true "$(value "$said" '.[0].pull_size_estimated')"
	matches "large * ~*MB 1 -" "$(rows large | tail -n 1)"
	hew copy -q store:large oci:pushed:x
	real=$(jq -r '.manifests[0].digest' pushed/index.json)
	real=$(jq -r '.layers[0].size' "pushed/blobs/${real/://}")
	python3 -c 'import sys; a, b = map(int, sys.argv[1:]); sys.exit(abs(a - b) > b / 20)' \
		"$(value "$said" '.[0].pull_size')" "$real"
	# now it is known
	equal "$real" "$(value "$(hew size --format json large)" '.[0].pull_size')"
}

@test "how long a pull takes" {
	fat
	local said bytes
	said=$(hew size --format json --bandwidth 100M,1MB/s --bandwidth 8kbit/s fat)
	bytes=$(value "$said" '.[0].pull_size')
	python3 - "$bytes" "$(value "$said" '.[0].pull_seconds | tojson')" <<-'END'
		import json, sys
		n, got = int(sys.argv[1]), json.loads(sys.argv[2])
		want = {"100M": n * 8 / 100e6, "1MB/s": n / 1e6, "8kbit/s": n / 1e3}
		assert got.keys() == want.keys() and all(abs(got[k] - want[k]) < 1e-5 for k in want), (got, want)
	END
	matches "IMAGE SIZE TO PULL LAYERS AT 8k AT 1G BASE" "$(rows --bandwidth 8k,1G fat | head -n 1)"
	for bad in x 0 10MB 5XB/s ''; do
		fails 2 hew size --bandwidth "$bad" fat
		has "invalid --bandwidth" "$LAST"
	done
}

# ---- what is listed

@test "layers: instruction, what is hidden, who else has them" {
	hew pull -q alpine:3.19
	fat
	fat twin
	out=$(hew size --layers fat)
	matches "LAYER *SIZE *TO PULL *FILES *HIDDEN *SHARED *MADE BY" "$(grep MADE <<<"$out")"
	matches "1 *0B *(base) *" "$(grep '^1 ' <<<"$out")"
	matches "2 * 20kB *COPY app /app" "$(grep '^2 ' <<<"$out")"
	matches "3 * 50kB *RUN mkdir -p /gone/below*" "$(grep '^3 ' <<<"$out")"
	# alpine has the first, the twin its own random bytes
	equal "true 0" "$(value "$(hew size --format json fat)" '.[0].layers | "\(.[0].shared_with >= 2) \(.[1].shared_with)"')"
	equal "true false" "$(value "$(hew size --format json fat)" '.[0].layers[0:2] | map(.base) | join(" ")')"
}

@test "waste: each with its layer, what hides it, and what to write instead" {
	fat
	said=$(hew size --waste --top 0 --format json fat)
	finding() { value "$said" ".[0].waste[] | select(.path == \"$1\" and .kind == \"$2\") | \"\(.size) \(.files) \(.layer) \(.hidden_by)\""; }
	equal "50002 2 3 4" "$(finding /gone deleted)"
	equal "8 2 3 4" "$(finding /part overwritten)"
	equal "20000 1 2 5" "$(finding /app/data repeated)"
	equal "30000 1 2 null" "$(finding /app/.git history)"
	equal "9000 1 3 null" "$(finding /var/cache/apk leftover)"
	equal "20000 1 5 null" "$(finding /app/data duplicate)"
	equal "7033 2 2 null" "$(finding /app/node_modules development)"
	equal "" "$(value "$said" '.[0].waste[] | select((.instead | length) < 10)')"
	# heaviest first
	equal "$(value "$said" '[.[0].waste[].size] | sort | reverse | tojson')" "$(value "$said" '[.[0].waste[].size] | tojson')"
	out=$(hew size --waste --top 1 fat)
	has "50kB  deleted       /gone/" "$out"
	has "2 files, layer 3, hidden by layer 4: RUN mkdir -p /gone/below" "$out"
	has "instead: delete it in the RUN that makes it" "$out"
	matches "* in * more (--top 0 shows all)" "$(grep more <<<"$out")"
	matches "as dive counts: efficiency *%, *B wasted*" "$(tail -n 1 <<<"$out")"
}

@test "waste: symbols of programs, as readelf adds them up" {
	local want
	mkdir bin
	echo 'int main(void) { return 0; }' >main.c
	gcc -g -o bin/fat main.c
	gcc -s -o bin/thin main.c
	gcc -g -c -o bin/object main.c && chmod +x bin/object
	printf '\177ELF damaged' >bin/damaged && truncate -s 9000 bin/damaged && chmod +x bin/damaged
	want=$(readelf -SW bin/fat | python3 -c '
import re, sys
print(sum(int(m[1], 16) for m in re.finditer(r"\] \.(?:symtab|strtab|debug_\w+) +\S+ +\S+ +\S+ +(\S+)", sys.stdin.read())))')
	dockerfile <<-'END'
		FROM scratch
		COPY bin /bin
	END
	build -t symbols
	equal "/bin/fat $want 1" "$(hew size --waste --format json symbols |
		jq -r '.[0].waste[] | select(.kind == "debug") | "\(.path) \(.size) \(.files)"')"
}

@test "packages: bytes by the lists of dpkg and apk, and folders of npm" {
	fat
	local said want
	said=$(hew size --packages --top 0 --format json fat)
	equal "7033" "$(value "$said" '.[0].packages[] | select(.name == "two") | .size')"
	# all bytes that can be seen are somebody's or nobody's
	equal "$(value "$said" '.[0].size - .[0].efficiency.hidden_bytes')" \
		"$(value "$said" '[.[0].packages[].size] + [.[0].no_package.size] | add')"
	# two of apk, one of whose files another has overwritten, and a file that is nobody's
	mkdir -p apk/lib/apk/db apk/usr/bin apk/etc
	printf 'P:one\nV:1.0-r0\nA:x86_64\nF:usr/bin\nR:a\nR:b\nF:etc\nR:one\n\nP:two\nV:2-r1\nA:x86_64\nF:usr/bin\nR:c\nR:gone\n\n' \
		>apk/lib/apk/db/installed
	truncate -s 100 apk/usr/bin/a && truncate -s 20 apk/usr/bin/b && truncate -s 3 apk/etc/one
	truncate -s 7 apk/usr/bin/c && truncate -s 11 apk/etc/other
	printf 'FROM scratch\nCOPY apk /\n' | dockerfile
	build -t withapk
	equal "one 123 3;two 7 1" \
		"$(value "$(hew size --packages --format json withapk)" '[.[0].packages[] | "\(.name) \(.size) \(.files)"] | join(";")')"
	hew pull -q debian:bookworm-slim
	said=$(hew size --packages --format json debian:bookworm-slim)
	skopeo copy -q docker://docker.io/library/debian:bookworm-slim oci:debian:x
	umoci unpack --image debian:x unpacked >/dev/null 2>&1
	ROOTFS=$PWD/unpacked/rootfs
	want=$(while read -r f; do [ ! -f "$ROOTFS$f" ] || [ -L "$ROOTFS$f" ] || stat -c %s "$ROOTFS$f"; done \
		<"$ROOTFS/var/lib/dpkg/info/dpkg.list" | paste -sd+ | bc)
	equal "$want" "$(value "$said" '.[0].packages[] | select(.name == "dpkg") | .size')"
	matches "* (no package's)*" "$(hew size --packages debian:bookworm-slim | tail -n 1)"
}

@test "stages: what each weighed and how little was kept" {
	head -c 40000 /dev/urandom >big
	head -c 1000 /dev/urandom >small
	dockerfile <<-'END'
		FROM scratch AS builder
		COPY big small /out/
		FROM scratch
		COPY big /x
		FROM scratch AS last
		COPY --from=builder /out/small /app/small
		COPY --from=1 /x /x
		COPY small /two
	END
	build -t staged
	said=$(hew size --stages --format json staged)
	equal "builder 41000 1000 false;stage-1 40000 40000 false;last 42000 42000 true" \
		"$(value "$said" '[.[0].stages[] | "\(.name) \(.size) \(.kept) \(.final)"] | join(";")')"
	matches "builder 1 41kB 1kB 2.4% -" "$(rows --stages staged | grep builder)"
	for id in $(hew builds ls -q); do hew builds rm "$id" >/dev/null; done
	fails 6 hew size --stages staged
	has "no build of it is on record here" "$LAST"
}

# ---- where images are

@test "a registry: the row takes documents alone, and files take layers" {
	local before
	before=$(find "$HEW_ROOT/blobs" -size +100k | wc -l)
	matches "python:3.12-slim - *MB 4 *" "$(rows python:3.12-slim | tail -n 1)"
	equal "$before" "$(find "$HEW_ROOT/blobs" -size +100k | wc -l)"
	matches "2 - *B - - 0 *" "$(hew size --layers python:3.12-slim | tr -s ' ' | grep '^2 ')"
	equal null "$(value "$(hew size --format json python:3.12-slim)" '.[0].size')"
	hew size --files --top 1 alpine:3.19 >/dev/null 2>&1
	matches "alpine:3.19 *MB *MB 1 -" "$(rows alpine:3.19 | tail -n 1)"
	# what was pulled and never used is unpacked
	hew pull -q debian:bookworm-slim >/dev/null
	matches "debian:bookworm-slim *MB *MB 1 -" "$(rows debian:bookworm-slim | tail -n 1)"
	fails 6 hew size localhost:1/nothing/here:1 || fails 7 hew size localhost:1/nothing/here:1
}

@test "a layout, an archive of either kind, by words and by path" {
	fat
	local want file
	want=$(value "$(hew size --format json fat)" '.[0] | "\(.id) \(.size)"')
	hew copy -q store:fat oci:layout:x
	hew copy -q store:fat docker-archive:docker.tar
	hew copy -q store:fat oci-archive:oci.tar:x
	for file in oci:layout ./layout docker-archive:docker.tar ./docker.tar oci-archive:oci.tar ./oci.tar; do
		equal "$want" "$(value "$(hew size --format json "$file")" '.[0] | "\(.id) \(.size)"')"
	done
	fails 6 hew size ./nothing
}

# ---- gates

@test "a budget: status 15 with the five heaviest reasons, each counted once" {
	fat
	hew size --budget 1GB fat >/dev/null
	fails 15 hew size --budget 100kB fat
	matches "ERROR: --budget: fat weighs *B, *B more than the 100kB it may: *" "$LAST"
	equal 5 "$(grep -c 'B  ' "$ERR")"
	has "the base image" "$(head -n 1 "$ERR")"
	has "50kB  /gone/ (deleted, layer 3): delete it in the RUN that makes it" "$(cat "$ERR")"
	has "30kB  /app/.git/ (history, layer 2): list it in .dockerignore" "$(cat "$ERR")"
	said hew size -q --budget 1GB fat
	equal "" "$OUT"
	for bad in x 5XB -1 ''; do
		fails 2 hew size --budget "$bad" fat
		has "invalid --budget" "$LAST"
	done
	# several: all are told, the last is the verb's
	fails 15 hew size --budget 1kB fat alpine:3.19
	equal 2 "$(grep -c '^ERROR: --budget' "$ERR")"
}

@test "build --max-size: no name and no output for an image that is too large" {
	head -c 40000 /dev/urandom >big
	printf 'FROM scratch\nCOPY big /\n' | dockerfile
	build -t limit --max-size 40kB
	hew inspect limit >/dev/null
	build_fails 15 -t over -o type=oci,dest=out.tar --max-size 39999B
	matches "ERROR: --max-size: over:latest weighs 40kB, 1B more than the 40kB it may: *given no name and went nowhere" "$LAST"
	has "40kB  what layer 1 brings: COPY big /" "$(cat "$ERR")"
	[ ! -e out.tar ]
	fails 6 hew inspect over
	build_fails 2 --max-size nothing
}

@test "dive's rules: its defaults, a file, options; off; what is wrong in them" {
	fat
	local efficiency
	efficiency=$(value "$(hew size --layers --format json fat)" '.[0].efficiency.dive.efficiency')
	said hew size --ci fat
	equal 15 "$STATUS"
	matches "PASS: lowestEfficiency" "$(grep Efficiency <<<"$OUT")"
	equal "SKIP: highestWastedBytes" "$(grep Bytes <<<"$OUT")"
	matches "FAIL: highestUserWastedPercent (*)" "$(grep Percent <<<"$OUT")"
	hew size --ci --highestUserWastedPercent disabled fat >/dev/null
	printf 'rules:\n  lowestEfficiency: 0.2\n  highestWastedBytes: 1MB\n  highestUserWastedPercent: "disabled"\n' >rules
	said hew size --ci-config rules fat
	equal "0 PASS PASS SKIP" "$STATUS $(sed -n 's/^\(....\): .*/\1/p' <<<"$OUT" | paste -sd' ')"
	# the one that lies here counts when asked for, and not else
	printf 'rules:\n  highestWastedBytes: 3KB\n  highestUserWastedPercent: off\n' >.dive-ci
	hew size fat >/dev/null
	fails 15 hew size --ci fat
	has "highestWastedBytes: " "$LAST"
	# at the very value: only more than that is too much
	said hew size --ci --highestWastedBytes disabled --lowestEfficiency "$efficiency" fat
	equal 0 "$STATUS"
	fails 15 hew size --ci --highestWastedBytes disabled --lowestEfficiency 0.9999999 fat
	printf 'rules:\n  lowestEffiency: 0.2\n' >rules
	fails 2 hew size --ci-config rules fat
	has "rules:2: 'lowestEffiency' is no rule" "$LAST"
	printf 'rules:\n  lowestEfficiency: 20\n' >rules
	fails 2 hew size --ci-config rules fat
	has "a ratio between 0 and 1" "$LAST"
	fails 2 hew size --lowestEfficiency 0.5 fat
	fails 1 hew size --ci-config nothing fat
}

@test "hostile names do not reach the terminal as they are" {
	mkdir -p 'app/.git'
	head -c 100 /dev/urandom >app/.git/$'x\e[31m'
	head -c 100 /dev/urandom >app/$'y\e[31m'
	dockerfile <<-'END'
		FROM scratch
		COPY app /app
	END
	build -t hostile
	has_not $'\e' "$(hew size --files --waste --layers hostile)"
	has '/app/y\x1b[31m' "$(hew size --files hostile)"
	fails 15 hew size --budget 1B hostile
	has_not $'\e' "$(cat "$ERR")"
}
