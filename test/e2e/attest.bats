#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What is said of an image beside it: read by skopeo, umoci, jq and curl.
load lib/hew

V1=https://slsa.dev/provenance/v1
V02=https://slsa.dev/provenance/v0.2

setup() {
	test_setup
	REGISTRIES=()
}

teardown() {
	local d
	test_teardown
	for d in "${REGISTRIES[@]}"; do "$TOP/test/bases/serve" stop "$d"; done
}

registry() {
	local at=$BATS_TEST_TMPDIR/registry${#REGISTRIES[@]}
	REGISTRIES+=("$at")
	"$TOP/test/bases/serve" start "$at" --empty
	PORT=$(cat "$at/port")
}

manifest() { curl -sf -H "Accept: application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json" \
	"127.0.0.1:$PORT/v2/$1/manifests/$2"; }

# The statement of an OCI layout's folder, by the predicate's type; in the layout or in an index of it.
statement() { # layout folder, predicate type
	local d l
	for d in $(jq -r '.manifests[].digest' "$1/index.json"); do
		d=$(layout_blob "$1" "$d")
		if [ "$(jq -r .mediaType "$d")" = application/vnd.oci.image.index.v1+json ]; then
			d=$(layout_blob "$1" "$(jq -r '.manifests[]
				| select(.annotations["vnd.docker.reference.type"] == "attestation-manifest") | .digest' "$d")")
		fi
		l=$(jq -r --arg t "$2" '.layers[] | select(.annotations["in-toto.io/predicate-type"] == $t) | .digest' "$d")
		[ -z "$l" ] || layout_blob "$1" "$l"
	done
}
layout_blob() { printf '%s/blobs/sha256/%s\n' "$1" "${2#sha256:}"; }

# simple: a Dockerfile that runs nothing, and its file.
simple() {
	echo hello >file
	printf 'FROM scratch\nCOPY file /file\n' | dockerfile
}

@test "nothing is made unless it is asked for; with it the image is the same plain manifest" {
	simple
	build --timestamp 1 -o type=oci,tar=false,dest=plain -t a
	equal 1 "$(jq '.manifests | length' plain/index.json)"
	build --timestamp 1 --provenance=false --sbom=false -o type=oci,tar=false,dest=off -t a
	equal "" "$(diff -r plain off)"
	build --timestamp 1 --provenance=true -o type=oci,tar=false,dest=said -t a
	equal "$(jq -S '.manifests[0]' plain/index.json)" "$(jq -S '.manifests[0]' said/index.json)"
	equal 2 "$(jq '.manifests | length' said/index.json)"
	sound
}

@test "the referrer: an OCI artifact about the image, in a layout that umoci and hew read as before" {
	simple
	build --provenance=mode=min -o type=oci,tar=false,dest=out -t a:1
	local image said
	image=$(jq -c '.manifests[0] | {mediaType, digest, size}' out/index.json)
	said=$(layout_blob out "$(jq -r '.manifests[1].digest' out/index.json)")
	equal '{"architecture":"unknown","os":"unknown"}' "$(jq -cS '.manifests[1].platform' out/index.json)"
	equal "$image" "$(jq -c .subject "$said")"
	equal application/vnd.docker.attestation.manifest.v1+json "$(jq -r .artifactType "$said")"
	equal "application/vnd.oci.empty.v1+json 2 sha256:$(printf '{}' | sha256sum | cut -d' ' -f1)" \
		"$(jq -r '.config | "\(.mediaType) \(.size) \(.digest)"' "$said")"
	equal "application/vnd.in-toto+json $V1" \
		"$(jq -r '.layers[] | "\(.mediaType) \(.annotations["in-toto.io/predicate-type"])"' "$said")"
	local s
	s=$(statement out $V1)
	equal "https://in-toto.io/Statement/v1 $V1" "$(jq -r '"\(._type) \(.predicateType)"' "$s")"
	equal "pkg:docker/a@1?platform=linux%2F$(go_arch) $(jq -r '.digest[7:]' <<<"$image")" \
		"$(jq -r '.subject[] | "\(.name) \(.digest.sha256)"' "$s")"
	umoci unpack --rootless --image out:1 bundle >umoci.log 2>&1
	equal hello "$(cat bundle/rootfs/file)"
	hew rmi a:1
	local before
	before=$(hew images -q | wc -l)
	hew load -i out | grep -q "a:1"
	equal $((before + 1)) "$(hew images -q | wc -l)"
}

@test "form=index: the image and what is said of it in an index; skopeo takes the image out of it" {
	simple
	build --attest type=provenance,form=index -o type=oci,tar=false,dest=out --metadata-file meta -t a
	local ix image
	ix=$(layout_blob out "$(jq -r '.manifests[0].digest' out/index.json)")
	equal 1 "$(jq '.manifests | length' out/index.json)"
	equal "$(jq -r '.manifests[0].digest' out/index.json) application/vnd.oci.image.index.v1+json" \
		"$(jq -r '"\(."containerimage.digest") \(."containerimage.descriptor".mediaType)"' meta)"
	image=$(jq -r '.manifests[0].digest' "$ix")
	equal "linux/$(go_arch) unknown/unknown" "$(jq -r '[.manifests[].platform | "\(.os)/\(.architecture)"] | join(" ")' "$ix")"
	equal "attestation-manifest $image" "$(jq -r '.manifests[1].annotations
		| "\(."vnd.docker.reference.type") \(."vnd.docker.reference.digest")"' "$ix")"
	equal "$image" "sha256:$(jq -r '.subject[0].digest.sha256' "$(statement out $V1)")"
	skopeo copy -q oci:out:latest dir:taken
	equal "$image" "sha256:$(sha256sum <taken/manifest.json | cut -d' ' -f1)"
	hew rmi a
	hew load -i out
	unpack a
	equal hello "$(cat "$ROOTFS/file")"
}

@test "pushed: the image under its name, what is said of it under its digest" {
	registry
	simple
	build --timestamp 1 --push -t "127.0.0.1:$PORT/app:plain" --metadata-file plain.json
	build --timestamp 1 --push -t "127.0.0.1:$PORT/app:said" --provenance=true --metadata-file said.json
	equal "$(jq -r '."containerimage.digest"' plain.json)" "$(jq -r '."containerimage.digest"' said.json)"
	equal "$(manifest app plain)" "$(manifest app said)"
	build --timestamp 1 --push -t "127.0.0.1:$PORT/app:index" --attest type=provenance,form=index --metadata-file index.json
	local d s
	d=$(manifest app index | jq -r '.manifests[1].digest')
	s=$(manifest app "$d" | jq -r '.layers[0].digest')
	equal "pkg:docker/127.0.0.1:$PORT/app@index?platform=linux%2F$(go_arch)" \
		"$(curl -sf "127.0.0.1:$PORT/v2/app/blobs/$s" | jq -r '.subject[0].name')"
	equal "$(jq -r '."containerimage.digest"' plain.json)" "$(manifest app index | jq -r '.manifests[0].digest')"
	equal "linux/$(go_arch)" "$(skopeo inspect --tls-verify=false "docker://127.0.0.1:$PORT/app:index" | jq -r '"\(.Os)/\(.Architecture)"')"
}

@test "provenance v1, mode=max: what went in, how, and where it stands in the Dockerfile" {
	echo src >file
	cat >Dockerfile <<-'EOF'
		FROM alpine:3.19 AS builder
		ARG GREETING=hi
		RUN --network=none echo $GREETING >/x
		FROM scratch
		COPY --from=builder /x /x
		COPY file /file
	EOF
	build --build-arg GREETING=hello --label a=b --no-cache -o type=oci,tar=false,dest=out -t a \
		--attest type=provenance,builder-id=https://ci.example/run/1,reproducible=true
	local s d
	s=$(statement out $V1)
	jq .predicate "$s" >p
	equal https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md "$(jq -r .buildDefinition.buildType p)"
	equal '{"build-arg:GREETING":"hello","label:a":"b","no-cache":""}' \
		"$(jq -c .buildDefinition.externalParameters.request.args p)"
	equal '{"path":"Dockerfile"}' "$(jq -c .buildDefinition.externalParameters.configSource p)"
	equal '[{"name":"context"},{"name":"dockerfile"}]' "$(jq -c .buildDefinition.externalParameters.request.locals p)"
	equal "linux/$(go_arch)" "$(jq -r .buildDefinition.internalParameters.builderPlatform p)"
	d=$(skopeo inspect --raw docker://alpine:3.19 | jq -r --arg a "$(go_arch)" \
		'.manifests[] | select(.platform.architecture == $a) | .digest[7:]')
	equal "pkg:docker/alpine@3.19?platform=linux%2F$(go_arch) $d" \
		"$(jq -r '.buildDefinition.resolvedDependencies[] | "\(.uri) \(.digest.sha256)"' p)"
	equal "https://ci.example/run/1" "$(jq -r .runDetails.builder.id p)"
	equal '[false,{"request":true,"resolvedDependencies":false},true]' \
		"$(jq -c '.runDetails.metadata | [.buildkit_hermetic, .buildkit_completeness, .buildkit_reproducible]' p)"
	equal "$(cat Dockerfile)" "$(jq -r '.runDetails.metadata.buildkit_metadata.source.infos[0].data' p | base64 -d)"
	# the RUN is in line 3, and its arguments are the shell's
	local step
	step=$(jq -r '.runDetails.metadata.buildkit_metadata.source.locations | to_entries[]
		| select(.value.locations[0].ranges[0].start.line == 3) | .key' p)
	equal '["/bin/sh","-c","echo $GREETING >/x"]' "$(jq -c --arg s "$step" '.buildDefinition.internalParameters.buildConfig.llbDefinition[]
		| select(.id == $s) | .op.Op.exec.meta.args' p)"
	# the last layer is the image's last
	equal "$(config '.rootfs.diff_ids[-1]')" "$(jq -r '[.runDetails.metadata.buildkit_metadata.layers[][0][-1].digest] | last' p)"
	local began
	began=$(jq -r '.runDetails.metadata.startedOn' p)
	[ $(($(date +%s) - $(date -d "$began" +%s))) -lt 300 ]
	equal "$(hew builds ls --format json | head -n 1 | jq -r .id)" "$(jq -r .runDetails.metadata.invocationId p)"
}

@test "mode=min leaves out arguments, secrets and the Dockerfile; version=v0.2 has the older names" {
	simple
	build --build-arg A=canary-arg --label l=canary-label --secret id=canary-id,env=HOME -o type=oci,tar=false,dest=min -t a \
		--provenance=mode=min
	local s
	s=$(statement min $V1)
	has_not canary "$(cat "$s")"
	equal '{}' "$(jq -c .predicate.buildDefinition.externalParameters.request.args "$s")"
	equal 'null' "$(jq -c .predicate.buildDefinition.internalParameters.buildConfig "$s")"
	equal 'false' "$(jq -c .predicate.runDetails.metadata.buildkit_completeness.request "$s")"
	build --build-arg A=1 -o type=oci,tar=false,dest=old -t a --provenance=version=v0.2
	s=$(statement old $V02)
	equal "https://in-toto.io/Statement/v0.1 $V02" "$(jq -r '"\(._type) \(.predicateType)"' "$s")"
	equal 'https://mobyproject.org/buildkit@v1 Dockerfile {"build-arg:A":"1"}' "$(jq -r '.predicate
		| "\(.buildType) \(.invocation.configSource.entryPoint) \(.invocation.parameters.args | tojson)"' "$s")"
	equal '{"parameters":true,"environment":true,"materials":false}' "$(jq -c .predicate.metadata.completeness "$s")"
}

@test "nothing secret is in it: canaries in every place, looked for in every blob" {
	mkdir ssh named
	ssh-keygen -q -t ed25519 -N '' -f ssh/key
	printf 'canary-in-file' >secret
	cat >Dockerfile <<-'EOF'
		FROM alpine:3.19
		ARG API_TOKEN
		ARG DB_PASSWORD=canary-default
		ARG A_PASSWORD=S3cret&canary-behind;canary-rest(canary)
		ARG B_PASSWORD=abc'def canary-quoted'canary
		ARG C_PASSWORD=my\ canary-escaped
		ENV APP_SECRET=canary-env
		RUN --mount=type=secret,id=one --mount=type=secret,id=two,env=TWO --mount=type=ssh true
		RUN echo "canary-arg canary-in-file canary-in-env" >/dev/null
		RUN wget -q "https://user:canary-url@example.invalid/x?sig=canary-sig" || true
		RUN true || curl -H "Authorization: Bearer canary-bearer-0123456789"
		COPY --from=named . /named/
		ENV LAST_PASSWORD canary-last
	EOF
	sed -i 's/^RUN wget/RUN true || wget/' Dockerfile
	export TWO=canary-in-env API_TOKEN=canary-arg
	build --build-arg API_TOKEN --build-arg HTTP_PROXY_NOT=http://u:canary-proxy@p:1 --label auth-token=canary-label \
		--build-context named=named --secret id=one,src=secret --secret id=two,env=TWO --ssh "default=ssh/key" \
		--provenance=mode=max -o type=oci,tar=false,dest=out -t a --metadata-file meta
	local s key
	s=$(statement out $V1)
	jq -r '.. | strings' "$s" >texts
	jq -r '.. | strings' meta >>texts
	jq -r '.predicate.runDetails.metadata.buildkit_metadata.source.infos[0].data' "$s" | base64 -d >>texts
	equal "" "$(grep -a canary texts)"
	key=$(sed -n 2p ssh/key)
	has_not "$key" "$(cat texts)"
	grep -qx "ENV LAST_PASSWORD \*\*\*" texts
	equal '["one","two"] ["default"]' "$(jq -r '.predicate.buildDefinition.externalParameters.request
		| "\([.secrets[].id] | tojson) \([.ssh[].id] | tojson)"' "$s")"
	equal '***' "$(jq -r '.predicate.buildDefinition.externalParameters.request.args["build-arg:API_TOKEN"]' "$s")"
	equal 'local:named' "$(jq -r '.predicate.buildDefinition.externalParameters.request.args["context:named"]' "$s")"
	# in no blob that the attestation brought: those of the image itself have what ENV and LABEL say
	build --build-arg API_TOKEN --build-arg HTTP_PROXY_NOT=http://u:canary-proxy@p:1 --label auth-token=canary-label \
		--build-context named=named --secret id=one,src=secret --secret id=two,env=TWO --ssh "default=ssh/key" \
		-o type=oci,tar=false,dest=plain -t a
	rm -r plain/index.json out/index.json
	local f
	for f in out/blobs/sha256/*; do
		[ -e "plain/blobs/sha256/${f##*/}" ] || equal "" "$(grep -al canary "$f")"
	done
}

@test "remote sources: by commit and by digest; then all is known, and without RUN it is hermetic" {
	mkdir -p www/files src
	echo data >www/files/data
	git init -q -b main src
	git -C src config user.email a@b
	git -C src config user.name a
	printf 'FROM scratch\nARG URL\nADD ${URL}/files/data /data\nCOPY file /\n' >src/Dockerfile
	echo x >src/file
	git -C src add -A
	git -C src commit -qm 1
	git clone -q --bare src www/repo.git
	git -C www/repo.git update-server-info
	serve_folder www
	local url=http://127.0.0.1:$PORT s commit
	commit=$(git -C src rev-parse HEAD)
	[ -z "${HEW_TEST_UID-}" ] || readable
	hew build -q --provenance=mode=max --build-arg "URL=$url" -o type=oci,tar=false,dest=out "$url/repo.git"
	s=$(statement out $V1)
	equal "$url/repo.git#refs/heads/main $commit Dockerfile" "$(jq -r '.predicate.buildDefinition.externalParameters.configSource
		| "\(.uri) \(.digest.sha1) \(.path)"' "$s")"
	equal "$url/repo.git#refs/heads/main $commit
$url/files/data $(sha256sum <www/files/data | cut -d' ' -f1)" "$(jq -r '.predicate.buildDefinition.resolvedDependencies[]
		| "\(.uri) \(.digest.sha1 // .digest.sha256)"' "$s")"
	equal '[] true true' "$(jq -r '.predicate | "\(.buildDefinition.externalParameters.request.locals | tojson) \(
		.runDetails.metadata.buildkit_completeness.resolvedDependencies) \(.runDetails.metadata.buildkit_hermetic)"' "$s")"
}

@test "plain files: a statement beside them about each of them; inline-only leaves it out" {
	mkdir sub
	echo one >sub/a
	echo two >sub/b
	printf 'FROM scratch\nCOPY sub /sub\n' | dockerfile
	build --provenance=true -o out
	equal "sub/a $(sha256sum <sub/a | cut -d' ' -f1)
sub/b $(sha256sum <sub/b | cut -d' ' -f1)" "$(jq -r '.subject[] | "\(.name) \(.digest.sha256)"' out/provenance.json)"
	equal $V1 "$(jq -r .predicateType out/provenance.json)"
	build --timestamp 7 --attest type=provenance,filename=said.json -o type=tar,dest=out.tar,attestation-prefix=linux-
	equal "-rw-r--r-- 0/0 1970-01-01 00:00:07 linux-said.json" \
		"$(TZ=UTC tar -tvf out.tar --full-time --numeric-owner | awk '/json/ { print $1, $2, $4, $5, $6 }')"
	equal "$(tar -xOf out.tar sub/a | sha256sum | cut -d' ' -f1)" \
		"$(tar -xOf out.tar linux-said.json | jq -r '.subject[0].digest.sha256')"
	build --provenance=inline-only=true -o inline
	[ ! -e inline/provenance.json ]
	printf 'FROM scratch\nCOPY sub/a /provenance.json\n' | dockerfile
	build_fails 2 --provenance=true -o clash
	has "attestation-prefix=" "$LAST"
	[ ! -e clash ]
	build --provenance=true -o type=local,dest=clash,attestation-prefix=x-
	equal one "$(cat clash/provenance.json)"
	build_fails 2 -o type=local,dest=out,attestation-prefix=../x
}

@test "several platforms: each its own, as referrers, in the index, beside the files" {
	printf 'FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH /file\n' | dockerfile
	echo 1 >amd64
	echo 2 >arm64
	local both=(--platform "linux/amd64,linux/arm64" --provenance=mode=min -t a:1) ix said n=0
	build "${both[@]}" -o type=oci,tar=false,dest=out --metadata-file meta
	equal 3 "$(jq '.manifests | length' out/index.json)"
	ix=$(layout_blob out "$(jq -r '.manifests[0].digest' out/index.json)")
	equal "linux/amd64 linux/arm64" "$(jq -r '[.manifests[].platform | "\(.os)/\(.architecture)"] | join(" ")' "$ix")"
	for said in $(jq -r '.manifests[1:][].digest' out/index.json); do
		equal "$(jq -r --argjson n $n '.manifests[$n].digest' "$ix")" "$(jq -r .subject.digest "$(layout_blob out "$said")")"
		n=$((n + 1))
	done
	equal 2 $n
	equal "pkg:docker/a@1?platform=linux%2Famd64 pkg:docker/a@1?platform=linux%2Farm64" \
		"$(statement out $V1 | xargs jq -r '.subject[].name' | paste -sd' ')"
	equal "buildx.build.provenance/linux/amd64 buildx.build.provenance/linux/arm64" \
		"$(jq -r 'keys[] | select(startswith("buildx.build.prov"))' meta | paste -sd' ')"
	build "${both[@]}" --attest type=sbom,disabled=true,form=index -o type=oci,tar=false,dest=index
	ix=$(layout_blob index "$(jq -r '.manifests[0].digest' index/index.json)")
	equal "amd64 arm64 unknown unknown" "$(jq -r '[.manifests[].platform.architecture] | join(" ")' "$ix")"
	equal "$(jq -r '[.manifests[:2][].digest] | join(" ")' "$ix")" \
		"$(jq -r '[.manifests[2:][].annotations["vnd.docker.reference.digest"]] | join(" ")' "$ix")"
	build "${both[@]}" -o files
	equal "$(sha256sum <arm64 | cut -d' ' -f1)" "$(jq -r '.subject[] | select(.name == "file") | .digest.sha256' files/linux_arm64/provenance.json)"
	build "${both[@]}" -o type=tar,dest=files.tar
	equal "$(sha256sum <amd64 | cut -d' ' -f1)" \
		"$(tar -xOf files.tar linux_amd64/provenance.json | jq -r '.subject[] | select(.name == "file") | .digest.sha256')"
	printf 'FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH /file-$TARGETARCH\n' | dockerfile
	build "${both[@]}" -o type=local,dest=one,platform-split=false
	equal "file-amd64 file-arm64 provenance.linux_amd64.json provenance.linux_arm64.json" "$(ls one | paste -sd' ')"
}

@test "the metadata file has the provenance: min, max or none" {
	simple
	build --metadata-file meta
	equal 'false null' "$(jq -r '."buildx.build.provenance" | "\(.runDetails.metadata.buildkit_completeness.request) \(
		.buildDefinition.internalParameters.buildConfig)"' meta)"
	BUILDX_METADATA_PROVENANCE=max build --metadata-file meta
	equal step0 "$(jq -r '."buildx.build.provenance".buildDefinition.internalParameters.buildConfig.llbDefinition[0].id' meta)"
	BUILDX_METADATA_PROVENANCE=disabled build --metadata-file meta
	equal null "$(jq -r '."buildx.build.provenance"' meta)"
	BUILDX_METADATA_PROVENANCE=some build_fails 2 --metadata-file meta
}

@test "an SBOM: beside provenance, alone, of each platform; in files" {
	mkdir -p node_modules/some
	echo '{"name":"some","version":"1.0.0"}' >node_modules/some/package.json
	printf 'FROM scratch\nCOPY node_modules /node_modules/\n' | dockerfile
	local said
	build --sbom=true --provenance=false -o type=oci,tar=false,dest=out -t a
	said=$(statement out https://spdx.dev/Document)
	equal '["https://in-toto.io/Statement/v1","SPDX-2.3"]' "$(jq -c '[._type, .predicate.spdxVersion]' "$said")"
	equal "pkg:npm/some@1.0.0" "$(jq -r '.predicate.packages[].externalRefs[]?.referenceLocator | select(startswith("pkg:npm"))' "$said")"
	equal "$(jq -r '.manifests[0].digest' out/index.json)" "sha256:$(jq -r '.subject[0].digest.sha256' "$said")"
	build --sbom=true -o files
	equal SPDX-2.3 "$(jq -r .predicate.spdxVersion files/sbom.spdx.json)"
	build --sbom=true --provenance=true -o type=oci,tar=false,dest=both -t a
	has SPDX "$(cat "$(statement both https://spdx.dev/Document)")"
	has buildDefinition "$(cat "$(statement both $V1)")"
	printf 'FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH /node_modules/\n' | dockerfile
	mkdir -p amd64/one arm64/two
	echo '{"name":"one","version":"1.0.0"}' >amd64/one/package.json
	echo '{"name":"two","version":"1.0.0"}' >arm64/two/package.json
	build --platform linux/amd64,linux/arm64 --sbom=true --provenance=false -o two
	equal "pkg:npm/one@1.0.0" "$(jq -r '.predicate.packages[].externalRefs[]?.referenceLocator | select(startswith("pkg:npm"))' two/linux_amd64/sbom.spdx.json)"
	equal "pkg:npm/two@1.0.0" "$(jq -r '.predicate.packages[].externalRefs[]?.referenceLocator | select(startswith("pkg:npm"))' two/linux_arm64/sbom.spdx.json)"
	build --platform linux/amd64,linux/arm64 --sbom=true --provenance=false -o type=oci,tar=false,dest=index -t a
	equal 2 "$(statement index https://spdx.dev/Document | wc -w)"
	for said in $(statement index https://spdx.dev/Document); do
		equal 1 "$(jq -r '.predicate.packages[].externalRefs[]?.referenceLocator | select(startswith("pkg:npm"))' "$said" | wc -l)"
	done
}

@test "another's generator of SBOMs is not run; docker archives and plain words" {
	simple
	hew build -q --attest type=sbom,generator=docker/scanner . 2>notes
	has "generator=docker/scanner is not run" "$(cat notes)"
	build --provenance=true -o type=docker,dest=a.tar -t a
	equal 1 "$(tar -xOf a.tar index.json | jq '.manifests | length')"
	build_fails 2 --provenance=mode=some
	build_fails 2 --attest type=provenance --provenance=true
	has "asked for twice" "$LAST"
}
