# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the bases take from the machine that makes them: its Debian mirror, apt proxies,
# extra CA certificates and npm registry. All of it is part of the bases' key, and none
# of it is written anywhere but into the cache. Sourced after say.bash.

CA_EXTRA_DIR=/usr/local/share/ca-certificates

# One line for each apt source of Debian 12 that this machine uses: URI SUITE COMPONENT...
machine_apt_sources() {
	# shellcheck disable=SC2016  # the format is apt's, not the shell's
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
		awk '$2 ~ /^bookworm(-updates|-security)?$/ && $3 == "main" && !seen[$2]++'
}

# The URI of the archive itself, where backports and sources lie beside the suite.
machine_apt_mirror() { awk '$1 == "apt" && $3 == "bookworm" { print $2; exit }' <<<"$FACTS"; }

machine_apt_proxies() { apt-config dump | grep -iE '^Acquire::(http|https|ftp)::Proxy\b.*".+"' || true; }

machine_ca_digest() {
	find "$CA_EXTRA_DIR" -name '*.crt' -print0 2>/dev/null | sort -z |
		xargs -0 --no-run-if-empty cat | sha256sum | cut -d' ' -f1
}

machine_npm_registry() {
	if have_command npm; then
		npm config get registry 2>/dev/null
	else
		echo https://registry.npmjs.org/
	fi
}

# machine_facts: every fact, one a line, first word the kind. (They are asked for side by side:
# each is a second of some interpreter's start.)
machine_facts() {
	{
		machine_npm_registry | sed 's/^/npm /' &
		machine_apt_proxies | sed 's/^/proxy /' &
		machine_apt_sources | sed 's/^/apt /'
		echo "ca $(machine_ca_digest)"
		echo "arch $(dpkg --print-architecture)"
		wait
	} | LC_ALL=C sort
}

fact() { awk -v k="$1" '$1 == k { sub(/^[^ ]* /, ""); print }' <<<"$FACTS"; }

machine_has_extra_ca() { [ -n "$(find "$CA_EXTRA_DIR" -name '*.crt' -print -quit 2>/dev/null)" ]; }

# ---- apt with a configuration of our own: nothing of /etc/apt is read or changed ----

# apt_private_setup DIR: lists of the machine's suites, of backports and of sources.
apt_private_setup() {
	local d=$1 mirror
	mirror=$(machine_apt_mirror)
	[ -n "$mirror" ] || die "apt of this machine has no source for Debian 12 (bookworm) main"
	mkdir -p "$d/lists/partial" "$d/cache/archives/partial" "$d/empty"
	{
		fact apt | sed 's/^/deb /'
		echo "deb $mirror bookworm-backports main"
		echo "deb-src $mirror bookworm main"
		echo "deb-src $mirror trixie main"
	} >"$d/sources.list"
	apt_private_conf "$d" >"$d/apt.conf"
	APT_PRIVATE=$d
	apt_private apt-get -q update >"$d/update.log" 2>&1 || {
		cat "$d/update.log" >&2
		die "apt-get update failed for the suites of the bases: see above"
	}
}

apt_private_conf() {
	cat <<-EOF
		Dir::Etc::main "$1/none";
		Dir::Etc::parts "$1/empty";
		Dir::Etc::sourcelist "$1/sources.list";
		Dir::Etc::sourceparts "$1/empty";
		Dir::State::lists "$1/lists";
		Dir::Cache "$1/cache";
		APT::Sandbox::User "root";
		Acquire::Languages "none";
		Acquire::Retries "3";
	EOF
	fact proxy
}

apt_private() { APT_CONFIG=$APT_PRIVATE/apt.conf "$@"; }

# deb_fetch DIR SUITE PACKAGE...: download binary packages.
deb_fetch() {
	local dir=$1 suite=$2
	shift 2
	mkdir -p "$dir"
	(cd "$dir" && apt_private apt-get -q download "${@/%//$suite}" >download.log 2>&1) || {
		cat "$dir/download.log" >&2
		die "apt cannot download: $*"
	}
}

# source_fetch DIR PACKAGE [VERSION]: download the upstream tarball of a source package; that
# version of upstream's, or the newest that the mirror has the tarball of (some lack old ones).
source_fetch() {
	local dir=$1 name=$2 want=${3-} v
	mkdir -p "$dir"
	for v in $(source_versions "$name"); do
		[[ -z $want || $v == "$want"-* ]] || continue
		(cd "$dir" && apt_private apt-get -q source --tar-only --only-source "$name=$v") \
			>"$dir/$name.log" 2>&1 && return 0
	done
	cat "$dir/$name.log" >&2
	die "apt cannot download the source of $name${want:+ $want}"
}

source_versions() {
	apt_private apt-cache showsrc --only-source "$1" | awk '$1 == "Version:" { print $2 }' | sort -rVu
}
