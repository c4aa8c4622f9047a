# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Registries for a test: `load lib/registries` after lib/hew. A registry that misbehaves
# (faulty_registry.py), Debian's docker-registry, one with tokens; the configuration of those who talk to
# them; many faults side by side.

SECRET=hush-hush

setup() {
	test_setup
	no_registries
}

no_registries() { N_FAULTY=0 REGISTRIES=(); }

teardown() {
	test_teardown
	stop_registries
}

stop_registries() {
	local d
	for d in "${REGISTRIES[@]}"; do "$TOP/test/bases/serve" stop "$d"; done
}

# faulty OPTION...: a faulty registry until the test ends. Sets PORT and LOG.
faulty() {
	local at=$BATS_TEST_TMPDIR/faulty$((N_FAULTY += 1))
	LOG=$at.log
	: >"$LOG"
	python3 -B "$E2E_LIB/faulty_registry.py" --port-file "$at.port" --log "$LOG" "$@" >"$at.out" 2>&1 3>&- &
	SERVERS+=($!)
	wait_for test -e "$at.port"
	PORT=$(cat "$at.port")
	DEMO=127.0.0.1:$PORT/demo:1
}

# registry OPTION...: docker-registry until the test ends. Sets PORT, and LOG to what it was asked for.
registry() {
	local at=$BATS_TEST_TMPDIR/registry${#REGISTRIES[@]}
	REGISTRIES+=("$at")
	"$TOP/test/bases/serve" start "$at" --empty "$@"
	PORT=$(cat "$at/port") LOG=$at/log
}

# asked METHOD: the paths that a docker-registry was asked for with that method.
asked() { sed -n "s/.*response completed.*http.request.method=$1 .*http.request.uri=\"\{0,1\}\([^\" ]*\).*/\1/p" "$LOG"; }

# config_json PORT [PASSWORD]: docker's config.json with a password for that registry.
config_json() {
	export DOCKER_CONFIG=$BATS_TEST_TMPDIR/docker
	mkdir -p "$DOCKER_CONFIG"
	jq -n --arg host "127.0.0.1:$1" --arg auth "$(printf 'u:%s' "${2-$SECRET}" | base64)" \
		'{auths: {($host): {auth: $auth}}}' >"$DOCKER_CONFIG/config.json"
}

# conf <TEXT: the registries.conf of this test.
conf() {
	export CONTAINERS_REGISTRIES_CONF=$BATS_TEST_TMPDIR/registries.conf
	cat >"$CONTAINERS_REGISTRIES_CONF"
}

# store_is_sound: by hew's own account; and every blob is what its name says; and nothing is left.
store_is_sound() {
	sound
	equal "" "$(ls "$HEW_ROOT/work" 2>/dev/null)"
	equal "" "$(cd "$HEW_ROOT/blobs/sha256" && find . -type f -printf '%f\n' | xargs -r sha256sum | awk '$1 != $2')"
}

no_secret_told() { # in these files
	! grep -qF -e "$SECRET" -e "$(printf 'u:%s' "$SECRET" | base64)" -e signature= -- "$@" || {
		echo "a password is told"
		return 1
	}
	equal "" "$(grep LEAKED "$LOG" || true)"
}

# ---- many faults, side by side

# rows COMMAND [OPTIONS] <TABLE: for each line "STATUS | OPTIONS | PART" a registry with these options (and another
# with those of the command line), and COMMAND with STATUS and PART in the background, in a folder of its
# own. Prints what those said that failed.
rows() {
	local n status options part at=$BATS_TEST_TMPDIR/row statuses=() all=() parts=() pids=() failed=0
	while IFS='|' read -r status options part; do
		n=${#all[@]}
		statuses+=("${status// /}") all+=("$options") parts+=("${part# }")
		mkdir "$at$n"
		: >"$at$n.log"
		: >"$at$n.log2"
		[ $# -eq 1 ] || echo "--port-file $at$n.port2 --log $at$n.log2 $2" >>"$at.many"
		echo "--port-file $at$n.port --log $at$n.log $options" >>"$at.many"
	done
	python3 -B "$E2E_LIB/faulty_registry.py" --many "$at.many" >"$at.out" 2>&1 3>&- &
	SERVERS+=($!)
	for n in "${!all[@]}"; do
		wait_for test -e "$at$n.port"
		while [ "$(jobs -rp | wc -l)" -ge 24 ]; do wait -n || true; done
		row "$1" "$at$n" "${statuses[n]}" "${all[n]}" "${parts[n]}" >"$at$n.said" 2>&1 3>&- &
		pids+=($!)
	done
	for n in "${!all[@]}"; do
		wait "${pids[n]}" && continue
		printf '\n=== %s\n' "${statuses[n]} | ${all[n]} | ${parts[n]}"
		cat "$at$n.said"
		failed=$((failed + 1))
	done
	equal 0 "$failed"
}

row() { # command, folder, status, options, part
	set -e
	cd "$2"
	BATS_TEST_TMPDIR=$2 PORT=$(cat "$2.port") LOG=$2.log
	# shellcheck disable=SC2034  # the command's
	DEMO=127.0.0.1:$PORT/demo:1
	export HEW_HTTP_TIMEOUT=1
	[[ $4 != *--user* ]] || config_json "$PORT"
	"$1" "$3" "$5"
	store_is_sound
	no_secret_told "$2"/err "$2"/out
}

# an_image BYTES: "image" in the store, with a layer of so many that do not compress, for all tests of a suite.
an_image() {
	mkdir "$BATS_FILE_TMPDIR/ctx" && cd "$BATS_FILE_TMPDIR/ctx"
	head -c "$1" /dev/urandom >random
	printf 'FROM scratch\nCOPY random /\nLABEL a=b\n' >Dockerfile
	"$HEW" build -q -t image .
}

# tokens: docker-registry with a token server. TOKENS: what that was asked.
tokens() {
	local at=$BATS_TEST_TMPDIR/tokens
	TOKENS=$at.log
	python3 -B "$E2E_LIB/token_server.py" --port-file "$at.port" --log "$TOKENS" --user "u:$SECRET" \
		--registry "$BATS_TEST_TMPDIR/registry${#REGISTRIES[@]}" >"$at.out" 2>&1 3>&- &
	SERVERS+=($!)
	wait_for test -e "$at.port"
	registry --token "http://127.0.0.1:$(cat "$at.port")/token"
}

# named COMMAND...: where registry.test and other.test are this machine, though not by name.
named() {
	printf '127.0.0.1 localhost registry.test other.test\n' >"$BATS_TEST_TMPDIR/hosts"
	unshare --mount bash -c 'mount --bind "$1" /etc/hosts && shift && exec "$@"' - "$BATS_TEST_TMPDIR/hosts" "$@"
}

# bounded MIB COMMAND...: its resident memory stays below that.
bounded() {
	python3 - "$@" <<-'END'
		import resource, subprocess, sys
		subprocess.run(sys.argv[2:], check=True)
		peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
		print(sys.argv[2], sys.argv[3], "used", peak, "MiB")
		sys.exit(peak >= int(sys.argv[1]))
	END
}

# large_layout: ./in, an OCI layout with an image x of one layer of 300 MB. Sets layer.
large_layout() {
	python3 - <<-'END'
		import tarfile
		info = tarfile.TarInfo("zeros")
		info.size = 300 << 20
		with open("layer.tar", "wb") as f:
		    f.write(info.tobuf(tarfile.USTAR_FORMAT))
		    f.truncate(512 + info.size + 1024)
	END
	local config size digest
	size=$(stat -c %s layer.tar) layer=sha256:$(sha256sum <layer.tar | cut -d' ' -f1)
	mkdir -p in/blobs/sha256
	mv layer.tar "in/blobs/sha256/${layer#*:}"
	put() { # a document into the layout; sets digest
		digest=$(sha256sum <"$1" | cut -d' ' -f1)
		mv "$1" "in/blobs/sha256/$digest"
	}
	jq -n --arg layer "$layer" \
		'{architecture: "amd64", os: "linux", config: {}, rootfs: {type: "layers", diff_ids: [$layer]}}' >config
	put config
	config=$digest
	jq -n --arg layer "$layer" --argjson size "$size" --arg config "sha256:$config" \
		--argjson config_size "$(stat -c %s "in/blobs/sha256/$config")" '{schemaVersion: 2,
		mediaType: "application/vnd.oci.image.manifest.v1+json",
		config: {mediaType: "application/vnd.oci.image.config.v1+json", digest: $config, size: $config_size},
		layers: [{mediaType: "application/vnd.oci.image.layer.v1.tar", digest: $layer, size: $size}]}' >manifest
	put manifest
	jq -n --arg digest "sha256:$digest" --argjson size "$(stat -c %s "in/blobs/sha256/$digest")" \
		'{schemaVersion: 2, manifests: [{mediaType: "application/vnd.oci.image.manifest.v1+json",
		digest: $digest, size: $size, annotations: {"org.opencontainers.image.ref.name": "x"}}]}' >in/index.json
	echo '{"imageLayoutVersion": "1.0.0"}' >in/oci-layout
}
