# SPDX-License-Identifier: Apache-2.0
# Images in and out: the store as an OCI layout, archives, a registry; the same input, the same digest.

load lib/hew

small() {
	echo hello >file
	dockerfile <<-'EOF'
		FROM alpine:3.19
		COPY file /file
		RUN echo made >/made
	EOF
	build -t small "$@"
}

@test "skopeo reads the store itself" {
	small
	skopeo copy -q "oci:$HEW_ROOT:docker.io/library/small:latest" oci:out:x
	equal 3 "$(skopeo inspect --config oci:out:x | jq '.rootfs.diff_ids | length')"
}

@test "save and load, with skopeo between" {
	small
	hew save small -o small.tar
	equal "$ID" "sha256:$(skopeo inspect --raw docker-archive:small.tar | jq -r .config.digest | cut -d: -f2)"
	skopeo copy -q docker-archive:small.tar oci-archive:other.tar:docker.io/library/other:1
	has "Loaded image" "$(HEW_ROOT=$PWD/second hew load -i other.tar)"
	HEW_ROOT=$PWD/second hew load -i small.tar
	equal "$ID" "$(HEW_ROOT=$PWD/second hew images -q --no-trunc | grep "$ID")"
	HEW_ROOT=$PWD/second hew doctor --store --deep
}

@test "output local and tar hold the files" {
	small -o type=local,dest=tree -o type=tar,dest=all.tar
	equal made "$(cat tree/made)"
	equal hello "$(tar xOf all.tar file)"
}

@test "tag, rmi, prune" {
	small
	hew tag small again:2
	hew rmi small
	equal "$ID" "$(hew inspect again:2 | jq -r '.[0].Id')"
	hew rmi again:2
	hew prune -a
	fails 6 hew inspect again:2
	sound
}

@test "two stores, another umask, one job: the same image with SOURCE_DATE_EPOCH" {
	export SOURCE_DATE_EPOCH=1700000000
	small
	first=$ID
	umask 077
	chmod 644 file
	HEW_ROOT=$PWD/second small --jobs 1
	equal "$first" "$ID"
}

@test "push, pull by tag and digest, log in" {
	"$TOP/test/bases/serve" start "$PWD/reg" --empty --htpasswd user:right
	port=$("$TOP/test/bases/serve" port "$PWD/reg")
	small
	fails 8 hew push small "127.0.0.1:$port/x:1"
	fails 8 hew login -u user -p wrong "127.0.0.1:$port"
	hew login -u user -p right "127.0.0.1:$port"
	digest=$(hew push -q small "127.0.0.1:$port/x:1")
	skopeo inspect --no-tags --creds user:right --tls-verify=false "docker://127.0.0.1:$port/x:1" >got
	equal "$digest" "$(jq -r .Digest got)"
	equal "$ID" "$(HEW_ROOT=$PWD/second hew pull -q "127.0.0.1:$port/x:1")"
	equal "$ID" "$(HEW_ROOT=$PWD/third hew pull -q "127.0.0.1:$port/x@$digest")"
	"$TOP/test/bases/serve" stop "$PWD/reg"
}
