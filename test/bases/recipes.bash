# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What is in each layer. A recipe finds the root to change in $R (empty, or an overlay on
# its parent) and may leave values for the image's configuration as files in $VARS.

# ---- what the machine trusts ----

# ca_files: Mozilla's certificates as Debian packages them, and the machine's own.
ca_files() {
	deb_fetch "$W/ca" bookworm ca-certificates
	dpkg-deb -x "$W"/ca/ca-certificates_*.deb "$W/ca/tree"
}

ca_install() {
	once ca_files
	mkdir -p "$R/etc/ssl/certs" "$R$CA_EXTRA_DIR"
	if machine_has_extra_ca; then
		find "$CA_EXTRA_DIR" -name '*.crt' -exec install -m 644 -t "$R$CA_EXTRA_DIR" {} +
	fi
	find "$W/ca/tree/usr/share/ca-certificates/mozilla" "$R$CA_EXTRA_DIR" -name '*.crt' |
		sort | xargs cat >"$R/etc/ssl/certs/ca-certificates.crt"
}

# ---- Debian ----

recipe_debian() {
	local aptopts=(--aptopt='Acquire::Languages "none"') line
	while read -r line; do
		[ -z "$line" ] || aptopts+=(--aptopt="$line")
	done < <(fact proxy)
	fact apt | sed 's/^/deb /' >"$W/debian.list"
	SOURCE_DATE_EPOCH=$EPOCH mmdebstrap --variant=minbase --mode=root --format=directory "${aptopts[@]}" \
		--dpkgopt=force-unsafe-io --include=usr-is-merged,netbase,tzdata \
		--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr bookworm "$R" "$W/debian.list"
	debian_configure
	ca_install
}

# As in the images of Docker Hub: apt keeps nothing it downloaded, nothing is started.
debian_configure() {
	local conf=$R/etc/apt/apt.conf.d clean='rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true'
	rm -f "$conf/99mmdebstrap" "$R/etc/dpkg/dpkg.cfg.d/99mmdebstrap" "$R/etc/apt/sources.list"
	cat >"$conf/docker-clean" <<-EOF
		DPkg::Post-Invoke { "$clean"; };
		APT::Update::Post-Invoke { "$clean"; };
		Dir::Cache::pkgcache "";
		Dir::Cache::srcpkgcache "";
	EOF
	echo 'Acquire::Languages "none";' >"$conf/docker-no-languages"
	echo 'Acquire::GzipIndexes "true";' >"$conf/docker-gzip-indexes"
	echo 'APT::AutoRemove::SuggestsImportant "false";' >"$conf/docker-autoremove-suggests"
	if [ -n "$(fact proxy)" ]; then fact proxy >"$conf/machine-proxy"; fi
	echo force-unsafe-io >"$R/etc/dpkg/dpkg.cfg.d/docker-apt-speedup"
	debian_sources >"$R/etc/apt/sources.list.d/debian.sources"
	printf '#!/bin/sh\nexit 101\n' >"$R/usr/sbin/policy-rc.d"
	chmod 755 "$R/usr/sbin/policy-rc.d"
	chown 0:0 "$R/var/cache/apt/archives/partial"
	: >"$R/etc/resolv.conf"
	: >"$R/etc/hostname"
}

debian_sources() {
	local uri suite component
	while read -r uri suite component; do
		printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: %s\nSigned-By: %s\n\n' \
			"$uri" "$suite" "$component" /usr/share/keyrings/debian-archive-keyring.gpg
	done < <(fact apt)
}

# The slim one is the full one without what nobody reads in a container.
recipe_debian_slim() {
	layer_unpack debian
	tar -C "$W/trees/debian" --xattrs -cf - . | tar -C "$R" --xattrs -xpf -
	find "$R"/usr/share/{man,info,groff,lintian,linda} -mindepth 1 -delete 2>/dev/null || true
	find "$R/usr/share/locale" -mindepth 1 ! -name locale.alias -delete
	find "$R/usr/share/doc" -mindepth 1 \( -type f -o -type l \) ! -name copyright -delete
	find "$R/usr/share/doc" -mindepth 1 -type d -empty -delete
	cat >"$R/etc/dpkg/dpkg.cfg.d/docker" <<-'EOF'
		path-exclude /usr/share/doc/*
		path-include /usr/share/doc/*/copyright
		path-exclude /usr/share/man/*
		path-exclude /usr/share/info/*
		path-exclude /usr/share/groff/*
		path-exclude /usr/share/lintian/*
		path-exclude /usr/share/locale/*
		path-include /usr/share/locale/locale.alias
	EOF
}

recipe_ubuntu() {
	cat >"$R/usr/lib/os-release" <<-'EOF'
		PRETTY_NAME="Ubuntu 22.04.5 LTS"
		NAME="Ubuntu"
		VERSION_ID="22.04"
		VERSION="22.04.5 LTS (Jammy Jellyfish)"
		VERSION_CODENAME=jammy
		ID=ubuntu
		ID_LIKE=debian
		UBUNTU_CODENAME=jammy
	EOF
	printf 'Ubuntu 22.04.5 LTS \\n \\l\n\n' >"$R/etc/issue"
	printf 'DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=22.04\nDISTRIB_CODENAME=jammy\n' >"$R/etc/lsb-release"
}

# ---- busybox in the shape of Alpine ----

recipe_alpine() {
	local applet
	mkdir -p "$R"/{bin,dev,etc,home,lib,media,mnt,opt,proc,root,run,sbin,srv,sys,tmp,usr,var} \
		"$R"/usr/{bin,lib,local/bin,sbin,share} "$R"/var/{cache,empty,lib,log,spool,tmp}
	chmod 1777 "$R/tmp" "$R/var/tmp"
	chmod 700 "$R/root"
	install -m 755 "$(command -v busybox)" "$R/bin/busybox"
	while read -r applet; do
		case $applet in */dpkg | */dpkg-deb | */rpm | */busybox) continue ;; esac
		ln -s /bin/busybox "$R/$applet"
	done < <("$R/bin/busybox" --list-full)
	alpine_programs
	alpine_etc
	ca_install
}

# A few programs are where Alpine has them, not where this busybox would have them.
alpine_programs() {
	local p
	for p in sh ash cat cp mv rm ls ln mkdir rmdir chmod chown echo grep sed date df kill ps pwd sleep \
		stat sync tar touch true false gzip gunzip hostname mktemp more mount umount uname; do
		[ -e "$R/bin/$p" ] || ln -s /bin/busybox "$R/bin/$p"
	done
	install -m 755 "$HERE/alpine/adduser" "$R/usr/sbin/adduser"
	install -m 755 "$HERE/alpine/addgroup" "$R/usr/sbin/addgroup"
}

alpine_etc() {
	cat >"$R/etc/os-release" <<-'EOF'
		NAME="Alpine Linux"
		ID=alpine
		VERSION_ID=3.19.9
		PRETTY_NAME="Alpine Linux v3.19"
		HOME_URL="https://alpinelinux.org/"
	EOF
	echo 3.19.9 >"$R/etc/alpine-release"
	echo 'export PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"' >"$R/etc/profile"
	cat >"$R/etc/passwd" <<-'EOF'
		root:x:0:0:root:/root:/bin/sh
		bin:x:1:1:bin:/bin:/sbin/nologin
		daemon:x:2:2:daemon:/sbin:/sbin/nologin
		www-data:x:82:82:www-data:/var/www:/sbin/nologin
		guest:x:405:100:guest:/dev/null:/sbin/nologin
		nobody:x:65534:65534:nobody:/:/sbin/nologin
	EOF
	cat >"$R/etc/group" <<-'EOF'
		root:x:0:root
		bin:x:1:root,bin,daemon
		daemon:x:2:root,bin,daemon
		tty:x:5:
		www-data:x:82:
		users:x:100:
		nogroup:x:65533:
		nobody:x:65534:
	EOF
	printf 'root:*::0:::::\nnobody:!::0:::::\n' >"$R/etc/shadow"
	chmod 640 "$R/etc/shadow"
	printf '/bin/sh\n/bin/ash\n' >"$R/etc/shells"
	printf '127.0.0.1\tlocalhost\n::1\tlocalhost\n' >"$R/etc/hosts"
}

# The programs of the "-alpine" images come from Debian and so want its C library, not musl.
recipe_alpine_glibc() {
	local d
	deb_fetch "$W/glibc" bookworm libc6 libgcc-s1 libstdc++6
	for d in "$W"/glibc/*.deb; do dpkg-deb -x "$d" "$R"; done
	rm -rf "$R/usr/share/doc" "$R/usr/share/lintian" "$R/usr/share/gcc" "$R/usr/share/gdb" \
		"$R"/usr/lib/*/gconv "$R"/usr/lib/*/audit
}

# ---- distroless ----

distroless_package() { # package, name of its status file
	local dir=$W/distroless/$1
	deb_fetch "$dir" bookworm "$1"
	dpkg-deb -x "$dir/$1"_*.deb "$R"
	rm -rf "$R"/usr/share/{doc,man,lintian,locale,bug} "$R/usr/sbin"
	mkdir -p "$R/var/lib/dpkg/status.d"
	dpkg-deb -f "$dir/$1"_*.deb >"$R/var/lib/dpkg/status.d/$2"
	dpkg-deb -I "$dir/$1"_*.deb md5sums >"$R/var/lib/dpkg/status.d/$2.md5sums"
}

recipe_distroless_base() {
	distroless_package base-files base
	sed -i 's/^PRETTY_NAME=.*/PRETTY_NAME="Distroless"/' "$R/usr/lib/os-release"
}
recipe_distroless_netbase() { distroless_package netbase netbase; }
recipe_distroless_media() { distroless_package media-types media-types; }
recipe_distroless_tzdata() {
	distroless_package tzdata tzdata
	rm -rf "$R"/usr/share/zoneinfo/{right,posix}
}
recipe_distroless_ca() { ca_install; }

recipe_distroless_users() {
	mkdir -p "$R/etc" "$R/home/nonroot" "$R/root" "$R/tmp"
	chmod 700 "$R/home/nonroot" "$R/root"
	chmod 1777 "$R/tmp"
	chown 65532:65532 "$R/home/nonroot"
	cat >"$R/etc/passwd" <<-'EOF'
		root:x:0:0:root:/root:/sbin/nologin
		nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin
		nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin
	EOF
	printf 'root:x:0:\nnobody:x:65534:\ntty:x:5:\nstaff:x:50:\nnonroot:x:65532:\n' >"$R/etc/group"
	echo 'hosts: files dns' >"$R/etc/nsswitch.conf"
}

# ---- the stack of buildpack-deps ----

recipe_deps_curl() { root_install ca-certificates curl gnupg netbase sq wget; }
recipe_deps_scm() { root_install git mercurial openssh-client subversion procps; }
# (without ImageMagick, which is a tenth of the real list's weight)
recipe_deps_dev() {
	root_install autoconf automake bzip2 default-libmysqlclient-dev dpkg-dev file g++ gcc \
		libbz2-dev libc6-dev libcurl4-openssl-dev libdb-dev libevent-dev libffi-dev \
		libgdbm-dev libglib2.0-dev libgmp-dev libjpeg-dev libkrb5-dev liblzma-dev \
		libmaxminddb-dev libncurses5-dev libncursesw5-dev \
		libpng-dev libpq-dev libreadline-dev libsqlite3-dev libssl-dev libtool libwebp-dev \
		libxml2-dev libxslt-dev libyaml-dev make patch unzip xz-utils zlib1g-dev
}

# ---- node ----

node_arch() { case $(fact arch) in amd64) echo x64 ;; *) fact arch ;; esac; }

node_packages() {
	mkdir -p "$W/npm"
	(cd "$W/npm" && npm pack --silent "node-linux-$(node_arch)@20" npm@10 yarn@1.22.22)
}

node_unpack() { # package directory
	once node_packages
	mkdir -p "$2"
	tar -xzf "$W/npm/$1"-[0-9]*.tgz -C "$2" --strip-components=1 --no-same-owner --mode=u+rw,go+r-w,a+X
}

recipe_node_user_debian() {
	in_root groupadd --gid 1000 node
	in_root useradd --uid 1000 --gid node --shell /bin/bash --create-home node
}

recipe_node_user_alpine() {
	echo 'node:x:1000:1000::/home/node:/bin/sh' >>"$R/etc/passwd"
	echo 'node:x:1000:' >>"$R/etc/group"
	echo 'node:!::0:::::' >>"$R/etc/shadow"
	mkdir -p "$R/home/node"
	chown 1000:1000 "$R/home/node"
}

node_install() {
	local l=$R/usr/local
	node_unpack "node-linux-$(node_arch)" "$l"
	rm -f "$l"/package.json "$l"/*.md "$l/LICENSE"
	node_unpack npm "$l/lib/node_modules/npm"
	chmod 755 "$l/bin/node" "$l"/lib/node_modules/npm/bin/np[mx]-cli.js
	ln -s node "$l/bin/nodejs"
	ln -s ../lib/node_modules/npm/bin/npm-cli.js "$l/bin/npm"
	ln -s ../lib/node_modules/npm/bin/npx-cli.js "$l/bin/npx"
	if [ "$(fact npm)" != https://registry.npmjs.org/ ]; then
		mkdir -p "$l/etc"
		echo "registry=$(fact npm)" >"$l/etc/npmrc"
	fi
	in_root node --version | sed 's/^v//' >"$VARS/NODE_VERSION"
	in_root npm --version
}

recipe_node() { node_install; }

recipe_node_alpine() {
	node_install
	rm -rf "$R/usr/local/include/node" "$R/usr/local/share"
	rm -rf "$R"/usr/local/lib/node_modules/npm/{docs,man}
}

recipe_yarn() {
	local v=1.22.22
	node_unpack yarn "$R/opt/yarn-v$v"
	chmod 755 "$R/opt/yarn-v$v"/bin/{yarn,yarnpkg,yarn.js}
	ln -s "/opt/yarn-v$v/bin/yarn" "$R/usr/local/bin/yarn"
	ln -s "/opt/yarn-v$v/bin/yarnpkg" "$R/usr/local/bin/yarnpkg"
	echo $v >"$VARS/YARN_VERSION"
	in_root yarn --version
}

recipe_node_entrypoint() { install -m 755 "$HERE/node-entrypoint.sh" "$R/usr/local/bin/docker-entrypoint.sh"; }

# ---- go ----

recipe_go_gcc() { root_install g++ gcc libc6-dev make pkg-config; }

go_packages() { deb_fetch "$W/go-debs" bookworm-backports golang-1.22-go golang-1.22-src; }

# Debian keeps half of it in /usr/share and links there; the real image has one tree.
go_install() {
	local tree=$W/go-tree-$BASHPID l
	once go_packages
	mkdir -p "$tree" "$R/usr/local"
	for l in "$W"/go-debs/*.deb; do dpkg-deb -x "$l" "$tree"; done
	go_gather "$tree" "$tree/usr/lib/go-1.22"
	mv "$tree/usr/lib/go-1.22" "$R/usr/local/go"
	in_root /usr/local/go/bin/go env GOVERSION | sed 's/^go//' >"$VARS/GOLANG_VERSION"
}

go_gather() { # where the packages are unpacked, the tree that links elsewhere
	local links l target
	mapfile -t links < <(find "$2" -type l)
	for l in "${links[@]}"; do
		target=$(realpath "$l")
		case $target in
		"$1"/usr/share/go-1.22/*)
			rm "$l"
			mv "$target" "$l"
			;;
		esac
	done
	find "$2" -xtype l -delete
}

recipe_go() { go_install; }

recipe_go_path() {
	mkdir -p "$R/go/src" "$R/go/bin"
	chmod -R 1777 "$R/go"
}

go_sources() {
	source_fetch "$W/go-src" golang-github-google-uuid 1.3.0
	source_fetch "$W/go-src" golang-github-gorilla-mux 1.8.0
}

# What proxy.golang.org would answer, as files: the modules that example/go asks for.
recipe_go_proxy() {
	once go_sources
	python3 "$HERE/goproxy.py" "$R/opt/goproxy" github.com/google/uuid "$W"/go-src/golang-github-google-uuid_*.orig.tar.*
	python3 "$HERE/goproxy.py" "$R/opt/goproxy" github.com/gorilla/mux "$W"/go-src/golang-github-gorilla-mux_*.orig.tar.*
}

# ---- python ----

# libpq5: psycopg2 compiled in a builder needs it at run time, and nobody else brings it.
# libc6-dev: gcc only recommends it, and a builder that leaves recommendations out has no stdlib.h.
recipe_python_libs() { root_install ca-certificates netbase tzdata libpq5 libc6-dev; }

recipe_python() {
	root_install python3 python3-venv
	in_root python3 -m venv /usr/local
	python_headers
	in_root python3 -c 'import platform; print(platform.python_version())' >"$VARS/PYTHON_VERSION"
	find "$R/usr/local" -name __pycache__ -prune -exec rm -rf {} +
}

# The real image can compile extensions once gcc is there, so Python.h has to be.
python_headers() {
	deb_fetch "$W/python-dev" bookworm libpython3.11-dev
	dpkg-deb -x "$W"/python-dev/libpython3.11-dev_*.deb "$W/python-dev/tree"
	mkdir -p "$R/usr/include"
	cp -a "$W/python-dev/tree/usr/include/." "$R/usr/include/"
}

# A folder that pip finds everything in: pure packages as wheels, psycopg2 as its source.
recipe_python_index() {
	local d=$W/python-debs out=$R/opt/pypi
	mkdir -p "$out"
	deb_fetch "$d" bookworm python3-uvicorn python3-asgiref python3-h11 python3-click \
		python3-setuptools-whl python3-wheel-whl
	source_fetch "$W/python-src" psycopg2
	python3 "$HERE/pypackages.py" wheels "$out" "$d"/*.deb
	python3 "$HERE/pypackages.py" sdist "$out" psycopg2 "$W"/python-src/psycopg2_*.orig.tar.*
}
