# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The layers of the bases, each made once and kept by key. A key covers the layer's parent, the
# text of its recipe with all that it calls, the files it names, the machine's facts and the tar
# writer; the store holds the gzip blob by digest and layers/KEY.json with what an image needs
# to know of it.
# Trees are kept in the scratch place while this process lives, so children can be stacked.

# Nothing in a layer is younger than this (seconds since 1970), so that days do not change digests.
EPOCH=1769558400

declare -A LAYER_KEY=() LAYER_PARENT=()
PACKERS=()

layer_key() { # recipe, keys of the layers it builds on
	{
		printf '%s\n' "$EPOCH" "$FACTS" "$@"
		recipe_text "$1"
		recipe_text root_tidy
		cat "$HERE/layertar.py"
	} | sha256sum | cut -c1-32
}

# recipe_text FUNCTION: its text and that of the functions it calls, and the files they name.
recipe_text() {
	local todo=("$1") f name text
	local -A seen=()
	while [ "${#todo[@]}" -gt 0 ]; do
		f=${todo[0]} todo=("${todo[@]:1}")
		[ -z "${seen[$f]-}" ] || continue
		seen[$f]=1
		text=$(declare -f "$f")
		printf '%s\n' "$text"
		while read -r name; do
			if declare -F "$name" >/dev/null; then todo+=("$name"); fi
		done < <(grep -oE '[a-z][a-z0-9]*(_[a-z0-9]+)+' <<<"$text" | sort -u)
		while read -r name; do
			cat "$HERE/$name"
		done < <(grep -oE '[$]HERE/[a-z./-]+[a-z]' <<<"$text" | cut -d/ -f2-)
	done
}

# layer NAME PARENT|- RECIPE CREATED-BY [NEEDS]: make the layer unless the store has it.
# RECIPE is a function that finds the root to change in $R; NEEDS a layer whose tree it reads.
layer() {
	local name=$1 parent=$2 recipe=$3 created=$4 keys=() n
	for n in "$parent" "${5--}"; do
		[ "$n" = - ] || keys+=("${LAYER_KEY[$n]}")
	done
	LAYER_KEY[$name]=$(layer_key "$recipe" "${keys[@]}")
	LAYER_PARENT[$name]=$parent
	echo "${LAYER_KEY[$name]}" >"$W/keys/$name"
	layer_known "$name" && return 0
	note "layer $name"
	layer_make "$name" "$parent" "$recipe"
	layer_pack "$name" "$created" &
	PACKERS+=($!)
}

layer_known() {
	local f=$STORE/layers/${LAYER_KEY[$1]}.json
	[ -e "$f" ] && [ -e "$STORE/blobs/sha256/$(sed -n 's/.*"digest": "sha256:\([0-9a-f]*\)".*/\1/p' "$f")" ]
}

layer_make() {
	local name=$1 parent=$2 recipe=$3 tree=$W/trees/$1
	mkdir -p "$tree" "$W/vars/$name"
	# shellcheck disable=SC2034  # recipes use it
	VARS=$W/vars/$name
	if [ "$parent" = - ]; then
		R=$tree
		layer_run "$name" "$recipe"
	else
		R=$W/merged/$name
		mkdir -p "$R" "$W/work/$name"
		layer_unpack_chain "$parent"
		mount -t overlay -o "index=off,redirect_dir=off,metacopy=off,lowerdir=$(layer_chain "$parent"),upperdir=$tree,workdir=$W/work/$name" \
			overlay "$R"
		root_enter "$R"
		layer_run "$name" "$recipe"
		root_leave "$R"
		umount "$R"
	fi
}

# (errexit is off inside any condition, so the status is taken the long way round)
layer_run() {
	local log=$W/logs/$1.log rc
	set +e
	(
		set -e
		"$2"
		root_tidy "$R"
	) >"$log" 2>&1 </dev/null
	rc=$?
	set -e
	[ "$rc" -eq 0 ] && return 0
	tail -n 30 "$log" >&2
	die "layer $1 could not be made: see above"
}

# Trees of a layer and its ancestors, uppermost first, as overlayfs wants them.
layer_chain() {
	local n=$1 chain=
	while [ "$n" != - ]; do
		chain+=${chain:+:}$W/trees/$n
		n=${LAYER_PARENT[$n]}
	done
	echo "$chain"
}

layer_unpack_chain() {
	local n=$1
	while [ "$n" != - ]; do
		layer_unpack "$n"
		n=${LAYER_PARENT[$n]}
	done
}

# A layer that an earlier run made has a blob but no tree.
layer_unpack() {
	local tree=$W/trees/$1
	(
		flock 7
		if [ ! -e "$tree" ]; then
			python3 "$HERE/layertar.py" unpack "$STORE" "${LAYER_KEY[$1]}" "$tree.part"
			mv "$tree.part" "$tree"
		fi
	) 7>"$W/keys/$1.lock"
}

layer_pack() {
	python3 "$HERE/layertar.py" pack "$W/trees/$1" "$STORE" "${LAYER_KEY[$1]}" \
		--epoch "$EPOCH" --created-by "$2" --vars "$W/vars/$1"
}

layers_wait() {
	local p
	for p in "${PACKERS[@]}"; do
		wait "$p" || die "a layer could not be written to $STORE: is the disk full?"
	done
	PACKERS=()
}

# once FUNCTION: run it the first time it is asked for in this run, whoever asks.
once() {
	(
		flock 6
		if [ ! -e "$W/once/$1" ]; then
			"$1"
			: >"$W/once/$1"
		fi
	) 6>"$W/once/$1.lock"
}
