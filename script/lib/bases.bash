# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The base images and registries of the tests, as functions. Sourced after say.bash by a script
# that has set $top to the repository's folder. Every registry started through here is stopped
# when the script calls registries_stop (from its EXIT trap).

REGISTRY_DIRS=()

# bases_layout: make the bases if need be; prints the OCI image layout they are in.
# shellcheck disable=SC2154  # top is the caller's
bases_layout() { "$top/test/bases/make"; }

# registry_start DIR [--empty] [--htpasswd USER:PASSWORD] [--tls]
registry_start() {
	REGISTRY_DIRS+=("$1")
	"$top/test/bases/serve" start "$@"
}

registry_stop() { "$top/test/bases/serve" stop "$1"; }

registries_stop() {
	local d
	for d in "${REGISTRY_DIRS[@]}"; do registry_stop "$d"; done
	REGISTRY_DIRS=()
}

# registry_use DIR: from here on docker.io and gcr.io are the registry of DIR, for hew and for the
# peers that read containers' registries.conf.
registry_use() {
	export CONTAINERS_REGISTRIES_CONF=$1/registries.conf
}

# docker_hub_answers: the real thing can be asked (any answer of its API will do).
docker_hub_answers() {
	curl -s -o /dev/null -m 5 -w '%{http_code}' https://registry-1.docker.io/v2/ | grep -qE '^(200|401)$'
}
