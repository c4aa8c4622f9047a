# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Where layers are built: a scratch file system that vanishes with this process's mount
# namespace, and root file systems in it that packages are installed into.
# Invariant: runs only inside `unshare -m`, so that no mount is ever seen by the host.

# scratch_open DIR: memory where there is plenty, else a file system in one file, else DIR itself.
# (Making and deleting tens of thousands of files on the disk's own file system is the slow part.)
# HEW_BASES_SCRATCH=memory|file|folder overrules the choice.
scratch_open() {
	local dir=$1 kind=${HEW_BASES_SCRATCH-} free
	mkdir -p "$dir"
	free=$(awk '$1 == "MemAvailable:" { print int($2 / 1024) }' /proc/meminfo)
	if [ -z "$kind" ]; then
		kind='file'
		[ "$free" -lt 8192 ] || kind='memory'
	fi
	case $kind in
	memory) mount -t tmpfs -o size=6g,mode=755 hew-bases "$dir" ;;
	file) scratch_open_file "$dir" || say "building in $dir itself: no loop device" ;;
	esac
}

scratch_open_file() {
	local dir=$1 image=$1.img
	local rc=0
	truncate -s 8G "$image"
	{ mkfs.ext4 -q -F -E lazy_itable_init=1,lazy_journal_init=1 "$image" &&
		mount -o loop,noatime "$image" "$dir"; } || rc=1
	rm -f "$image" # the loop device keeps it until the mount goes
	return $rc
}

# root_enter ROOT: what package scripts expect to find, all of it mounts, so none of it in the layer.
root_enter() {
	local r=$1
	mount -t proc proc "$r/proc"
	mount --rbind /dev "$r/dev"
	mount -t tmpfs tmpfs "$r/run"
	mount -t tmpfs -o mode=1777 tmpfs "$r/tmp"
	mkdir -p "$r/run/lists" "$r/run/debs/partial"
	mount --bind "$APT_PRIVATE/lists" "$r/run/lists"
	mount --bind "$DEBS" "$r/run/debs"
	cp "$APT_PRIVATE/sources.list" "$r/run/sources.list"
	fact proxy >"$r/run/apt.conf"
	if [ -f "$r/etc/resolv.conf" ]; then mount --bind /etc/resolv.conf "$r/etc/resolv.conf"; fi
}

root_leave() {
	local r=$1 d
	for d in etc/resolv.conf run tmp dev proc; do
		if mountpoint -q "$r/$d"; then umount -R -l "$r/$d"; fi
	done
}

# in_root COMMAND...: run it in the root that is being built ($R). SOURCE_DATE_EPOCH: no date of
# today in /etc/shadow, and Python's compiled files go by content, not by times that we clamp.
in_root() {
	chroot "$R" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive TERM=dumb SOURCE_DATE_EPOCH="$EPOCH" \
		SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt APT_CONFIG=/run/apt.conf "$@"
}

root_apt() {
	in_root apt-get -q -y --no-install-recommends \
		-o Dir::Etc::sourcelist=/run/sources.list -o Dir::Etc::sourceparts=/run/none \
		-o Dir::State::lists=/run/lists -o Dir::Cache::archives=/run/debs \
		-o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root \
		-o APT::Keep-Downloaded-Packages=true -o Acquire::Retries=3 -o Debug::NoLocking=1 \
		-o DPkg::Options::=--force-unsafe-io "$@"
}

# root_install PACKAGE...: as `apt-get install` in a RUN would leave it, lists and caches gone.
# Downloads are kept in the cache and are one at a time; two roots may be unpacking meanwhile.
root_install() {
	(
		flock 8
		root_apt install --download-only "$@"
	) 8>"$DEBS/lock"
	root_apt install "$@"
}

# root_tidy ROOT: away with what records when and how it was made.
root_tidy() {
	local r=$1
	rm -f "$r"/var/log/{dpkg,alternatives,fontconfig,bootstrap}.log "$r"/var/log/apt/*.log* \
		"$r"/var/log/apt/*.xz "$r/var/cache/ldconfig/aux-cache" "$r"/var/cache/debconf/*-old \
		"$r"/var/lib/dpkg/*-old "$r"/var/cache/apt/*.bin "$r/etc/machine-id"
	rm -rf "$r/root/.npm" "$r/root/.cache"
	find "$r/var/lib/apt/lists" -mindepth 1 -delete 2>/dev/null || true
}
