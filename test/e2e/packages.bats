#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hew debug packages: what is installed in an image or a folder, against what the package managers say.
load lib/hew

# listed IMAGE|FOLDER JQ...: what hew finds, a line each.
listed() {
	local what=$1
	shift
	hew debug packages --format json "$what" | jq -r "$@" | LC_ALL=C sort
}

sql() { sqlite3 "$HEW_ROOT/hew.db" "$1"; }

# same_lines WANT GOT
same_lines() {
	[ -s "$1" ]
	diff "$1" "$2"
}

@test "packages: dpkg, as dpkg-query has them" {
	hew pull -q debian:bookworm-slim
	hew run debian:bookworm-slim dpkg-query -W -f '${Package} ${Version} ${Architecture} ${source:Package} ${source:Version}\n' |
		LC_ALL=C sort >want
	listed debian:bookworm-slim 'select(.type == "deb") |
		"\(.name) \(.version) \(.arch) \(.source // .name) \(.sourceVersion // .version)"' >got
	[ "$(wc -l <want)" -gt 60 ]
	same_lines want got
	listed debian:bookworm-slim 'select(.name == "libc6") | .purl' >got
	has "pkg:deb/debian/libc6@2.36-9%2Bdeb12u" "$(cat got)"
	has "?arch=amd64&distro=debian-12&upstream=glibc" "$(cat got)"
}

@test "packages: distroless, a file of status.d each" {
	hew pull -q gcr.io/distroless/static
	equal "base-files media-types netbase tzdata" "$(listed gcr.io/distroless/static .name | paste -sd' ')"
	equal "4" "$(listed gcr.io/distroless/static .layer | uniq | wc -l)"
	equal "pkg:deb/debian/netbase@6.4?arch=all&distro=debian-12" \
		"$(listed gcr.io/distroless/static 'select(.name == "netbase") | .purl')"
}

@test "packages: which layer brought them, and what later layers hide" {
	hew pull -q debian:bookworm-slim
	mkdir -p a/node_modules/left a/node_modules/@s/right a/node_modules/left/test b
	echo '{"name":"left","version":"1.0.0"}' >a/node_modules/left/package.json
	echo '{"name":"@s/right","version":"2.0.0"}' >a/node_modules/@s/right/package.json
	echo '{"name":"fixture","version":"9.9.9"}' >a/node_modules/left/test/package.json
	printf 'Package: extra\nStatus: install ok installed\nArchitecture: all\nVersion: 1:2.0-1+b3\n\n' >b/extra
	printf 'Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n' >>b/extra
	dockerfile <<-'END'
		FROM debian:bookworm-slim
		COPY a /srv/
		COPY b/extra /tmp/extra
		RUN cat /tmp/extra >>/var/lib/dpkg/status && rm -r /srv/node_modules/left
		RUN touch /etc/x
	END
	build -t app
	local base
	base=$(hew inspect debian:bookworm-slim | jq '.[0].RootFS.Layers | length')
	listed app 'select(.base | not) | [.type, .name, .version, .sourceVersion, .layer, .createdBy] | @json' >got
	equal "[\"deb\",\"extra\",\"1:2.0-1+b3\",\"1:2.0-1\",$((base + 3)),\"RUN /bin/sh -c cat /tmp/extra >>/var/lib/dpkg/status && rm -r /srv/node_modules/left # buildkit\"]
[\"npm\",\"@s/right\",\"2.0.0\",null,$((base + 1)),\"COPY a /srv/ # buildkit\"]" "$(cat got)"
	equal "$(listed debian:bookworm-slim .name | wc -l)" "$(listed app 'select(.base) | .name' | wc -l)"
	# what was found in a layer is kept with it
	notes=$(hew inspect app | jq -r '.[0].RootFS.Layers[] | sub("sha256:"; "x\u0027") + "\u0027"' | paste -sd,)
	equal "$((base + 4))" "$(sql "SELECT count(*) FROM layer_notes WHERE diff_id IN ($notes)")"
	hew debug packages app >again
	sql "UPDATE layer_notes SET text = 'damaged'"
	equal "$(hew debug packages app)" "$(cat again)"
	hew rmi app debian:bookworm-slim
	hew prune -af >/dev/null
	equal 0 "$(sql "SELECT count(*) FROM layer_notes WHERE diff_id IN ($notes)")"
}

known() { [ -n "$(sql "SELECT 1 FROM layer_notes WHERE text LIKE '%$1%'")" ]; }

@test "packages: a build that is to tell of them looks into each layer once it is written" {
	local name status=0
	for name in early elsewhere unasked; do
		mkdir -p $name/node_modules/$name
		echo "{\"name\":\"$name\",\"version\":\"1.0.0\"}" >$name/node_modules/$name/package.json
	done
	dockerfile <<-'END'
		FROM alpine:3.19 AS other
		COPY elsewhere /srv/
		FROM alpine:3.19
		COPY --from=other /etc/passwd /other
		COPY early /srv/
		RUN exec sleep 1000
	END
	env --default-signal=INT hew build --sbom=true -t app . >said 2>&1 3>&- &
	wait_for known early
	kill -INT $!
	wait $! || status=$?
	equal 130 "$status"
	run ! known elsewhere
	printf 'FROM scratch\nCOPY unasked /\n' >Dockerfile
	build -t app
	run ! known unasked
	sound
}

@test "packages: npm, as npm ls has them" {
	local npm
	npm=$(npm root -g)/npm
	mkdir own
	cp -r --no-preserve=ownership "$npm/node_modules" own/
	(cd "$npm" && npm ls --all --parseable --long 2>/dev/null) | cut -d: -f2 | grep -v '^npm@' | LC_ALL=C sort -u >want
	readable
	listed ./own 'select(.type == "npm") | "\(.name)@\(.version)"' | uniq >got
	[ "$(wc -l <want)" -gt 100 ]
	# npm ls names what its tree needs; a few folders are there beyond that
	equal "" "$(LC_ALL=C comm -23 want got)"
	equal "$(find own -path '*/node_modules/*/package.json' | grep -cE 'node_modules/(@[^/]*/)?[^/]*/package.json$')" \
		"$(listed ./own .path | uniq | wc -l)"
	equal "pkg:npm/%40npmcli/agent@$(jq -r .version own/node_modules/@npmcli/agent/package.json)" \
		"$(listed ./own 'select(.name == "@npmcli/agent") | .purl')"
}

@test "packages: Python, as pip has them; what dpkg owns is said" {
	hew pull -q python:3.12-slim
	hew run python:3.12-slim pip list --format freeze --disable-pip-version-check 2>/dev/null | LC_ALL=C sort >want
	listed python:3.12-slim 'select(.type == "pypi" and (.owned | not)) | "\(.name)==\(.version)"' >got
	same_lines want got
}

@test "packages: programs of Go, as go version has them" {
	hew pull -q golang:1.22-alpine
	hew run golang:1.22-alpine sh -c 'go version $(find /usr/local/go/bin /usr/local/go/pkg/tool -type f)' |
		sed -n 's/^\/\(.*\): go\(.*\)$/\1 stdlib \2/p' | LC_ALL=C sort >want
	listed golang:1.22-alpine 'select(.name == "stdlib") | "\(.path) \(.name) \(.version)"' >got
	same_lines want got
}

@test "packages: modules of a program of Go" {
	[ -n "${HEW_TEST_SLOW-}" ] || skip "half a minute"
	hew pull -q golang:1.22-alpine
	cp -r "$TOP/example/go" app
	dockerfile <<-'END'
		FROM golang:1.22-alpine AS b
		COPY app /src
		RUN cd /src && CGO_ENABLED=0 go build -ldflags '-s -w -X main.version=1.4.2' -o /app ./cmd/server && go version -m /app >/said
		FROM scratch
		COPY --from=b /app /said /
	END
	build -t goapp --output type=local,dest=out
	build -t goapp
	sed -n 's/^\t\(dep\|=>\)\t\([^\t]*\)\t\([^\t]*\).*/\2 \3/p' out/said | LC_ALL=C sort >want
	listed goapp 'select(.type == "golang" and .name != "stdlib" and .version != "1.4.2") | "\(.name) \(.version)"' >got
	same_lines want got
	equal 1 "$(listed goapp 'select(.version == "1.4.2") | .name' | wc -l)"
}

# rpmdb FOLDER: a database of rpm's with three packages, as rpm makes it.
rpmdb() {
	local name
	for name in alpha beta gamma; do
		cat >"$name.spec" <<-END
			Name: $name
			Version: 1.$((${#name} % 3))
			Release: 2%{?dist}
			$([ $name = beta ] && echo "Epoch: 3")
			$([ $name = gamma ] && echo "ModularityLabel: greek:1.1:9040020240101:9edba152")
			Summary: none
			License: none
			BuildArch: noarch
			%description
			%package extra
			Summary: none
			%description extra
			%install
			mkdir -p %{buildroot}/usr/lib/python3/site-packages/$name-1.0.dist-info
			printf 'Name: $name\nVersion: 1.0\n' >%{buildroot}/usr/lib/python3/site-packages/$name-1.0.dist-info/METADATA
			%files
			/usr/lib/python3/site-packages/$name-1.0.dist-info/METADATA
			%files extra
		END
		rpmbuild --quiet --define "_topdir $PWD/rpms" --define "dist .el9" -bb "$name.spec" >/dev/null 2>&1
	done
	rpm --root "$PWD/$1" --define "_dbpath /var/lib/rpm" --initdb
	rpm --root "$PWD/$1" --define "_dbpath /var/lib/rpm" --nodeps --noscripts -i rpms/RPMS/noarch/*.rpm
}

# rpm_query FOLDER
rpm_query() {
	rpm --root "$PWD/$1" --define "_dbpath /var/lib/rpm" "${@:2}" -qa --qf '%{NAME} %{EPOCHNUM}:%{VERSION}-%{RELEASE} %{ARCH} %{SOURCERPM} %{MODULARITYLABEL}\n' |
		sed -E 's/ 0:/ /; s/-1\.[0-9]-[^-]*\.src\.rpm / /; s/:[0-9]+:[0-9a-f]+$//; s/ \(none\)$//' | LC_ALL=C sort
}

rpm_found() { listed "./$1" 'select(.type == "rpm") | "\(.name) \(.version) \(.arch) \(.source // .name)\(if .module then " \(.module)" else "" end)"'; }

@test "packages: rpm's three kinds of database, as rpm has them" {
	mkdir root && rpmdb root
	printf 'ID="rocky"\nVERSION_ID="9.4"\n' >root/etc-os && mkdir -p root/etc root/bdb/var/lib/rpm && mv root/etc-os root/etc/os-release
	rpm_query root >want
	equal 6 "$(wc -l <want)"
	readable
	rpm_found root >got
	same_lines want got
	equal "pkg:rpm/rocky/beta@1.1-2.el9?arch=noarch&distro=rocky-9.4&epoch=3" \
		"$(listed ./root 'select(.name == "beta" and .type == "rpm") | .purl')"
	equal "alpha beta gamma" "$(listed ./root 'select(.owned) | .name' | paste -sd' ')"

	# Berkeley DB: the same headers by number
	sqlite3 root/var/lib/rpm/rpmdb.sqlite "SELECT printf('%08x', hnum), hex(blob) FROM Packages" -separator ' ' |
		awk 'BEGIN { print "VERSION=3\nformat=bytevalue\ntype=hash\ndb_pagesize=4096\nHEADER=END" }
			{ print " " tolower($1) "\n " tolower($2) } END { print "DATA=END" }' |
		db5.3_load root/bdb/var/lib/rpm/Packages
	mv root/bdb bdb
	readable
	rpm_found bdb >got
	same_lines want got

	# ndb, which Debian's rpm does not write: as rpmpkg.c says
	mkdir -p ndb/usr/lib/sysimage/rpm
	python3 - <<-'END'
		import sqlite3, struct, zlib
		rows = sqlite3.connect("root/var/lib/rpm/rpmdb.sqlite").execute("SELECT hnum, blob FROM Packages").fetchall()
		slots, blobs, at = b"", b"", 256
		for n, blob in rows:
		    body = struct.pack("<4sIII", b"BlbS", n, 1, len(blob)) + blob
		    body += bytes(-(len(body) + 12) % 16)
		    body += struct.pack("<II4s", zlib.adler32(body), len(blob), b"BlbE")
		    slots += struct.pack("<4sIII", b"Slot", n, at, len(body) // 16)
		    blobs, at = blobs + body, at + len(body) // 16
		slots += struct.pack("<4sIII", b"Slot", 0, 0, 0) * (254 - len(rows))
		head = struct.pack("<4sIIII12x", b"RpmP", 0, 1, 1, len(rows) + 1)
		open("ndb/usr/lib/sysimage/rpm/Packages.db", "wb").write(head + slots + blobs)
	END
	readable
	rpm_found ndb >got
	same_lines want got
}

@test "packages: Java archives, nested" {
	python3 - <<-'END'
		import io, zipfile
		def jar(members):
		    out = io.BytesIO()
		    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
		        for name, data in members.items():
		            z.writestr(name, data)
		    return out.getvalue()
		def pom(group, name, version):
		    return {f"META-INF/maven/{group}/{name}/pom.properties": f"#made\ngroupId={group}\nartifactId={name}\nversion={version}\n"}
		inner = jar(pom("org.inner", "inner", "1.1"))
		plain = jar({"META-INF/MANIFEST.MF": "Manifest-Version: 1.0\r\nImplementation-Vendor-Id: com.plain\r\nImplementation-Vers\r\n ion: 7\r\n"})
		middle = jar({**pom("org.middle", "middle", "2.2"), **pom("org.shaded", "shaded", "3.3"), "lib/inner.jar": inner})
		open("app.war", "wb").write(jar({"WEB-INF/lib/middle-2.2.jar": middle, "WEB-INF/lib/plain-4.4.RC1.jar": plain}))
		open("named-5.5.jar", "wb").write(plain)
	END
	readable
	equal "app.war com.plain:plain 4.4.RC1
app.war org.inner:inner 1.1
app.war org.middle:middle 2.2
app.war org.shaded:shaded 3.3
named-5.5.jar com.plain:named 5.5" "$(listed "$PWD" 'select(.type == "maven" and .name != "app") | "\(.path) \(.name) \(.version)"')"
	equal "pkg:maven/org.inner/inner@1.1" "$(listed "$PWD" 'select(.name == "org.inner:inner") | .purl')"
}

@test "packages: crates in a program of Rust" {
	python3 -c '
import json, sys, zlib
crates = [{"name": "app", "version": "0.1.0", "source": "local", "root": True},
	{"name": "serde", "version": "1.0.200", "source": "crates.io", "dependencies": []},
	{"name": "cc", "version": "1.0.1", "source": "crates.io", "kind": "build"}]
sys.stdout.buffer.write(zlib.compress(json.dumps({"packages": crates}).encode()))' >deps
	objcopy --add-section .dep-v0=deps /bin/true app
	mkdir root && mv app root/ && readable
	equal "app 0.1.0
serde 1.0.200" "$(listed ./root '"\(.name) \(.version)"')"
}

@test "packages: what lock files name" {
	mkdir -p p/node p/yarn p/pnpm p/py
	cat >p/node/package-lock.json <<-'END'
		{"lockfileVersion": 3, "packages": {"": {"name": "me", "version": "1.0.0"},
		 "node_modules/a": {"version": "1.1.0"}, "node_modules/a/node_modules/@s/b": {"version": "2.0.0"},
		 "node_modules/alias": {"name": "real", "version": "3.0.0"}, "node_modules/local": {"resolved": "x", "link": true}}}
	END
	printf '# yarn lockfile v1\n\n"@y/a@^1.0.0", "@y/a@^1.1.0":\n  version "1.2.0"\n\nb@~2:\n  version "2.0.1"\n  dependencies:\n    c "1"\n' >p/yarn/yarn.lock
	printf "lockfileVersion: '6.0'\npackages:\n\n  /pa@1.0.0(x@2.0.0):\n    dev: false\n\n  '@p/b@3.0.0':\n    dev: true\n\nsnapshots:\n  zz@1.0.0: {}\n" >p/pnpm/pnpm-lock.yaml
	printf 'Flask[async]==2.0.1 ; python_version > "3" # x\nrequests>=2\n-r other.txt\nDjango === 4.2\n' >p/py/requirements.txt
	printf '[[package]]\nname = "poet"\nversion = "1.5"\n\n[metadata]\nversion = "9"\n' >p/py/poetry.lock
	echo '{"default": {"pip-a": {"version": "==1.0"}, "vcs": {"git": "x"}}, "develop": {"pip-b": {"version": "==2.0"}}}' >p/py/Pipfile.lock
	printf '[[package]]\nname = "me"\nversion = "0.1.0"\n\n[[package]]\nname = "serde"\nversion = "1.0.1"\nsource = "registry+x"\n' >p/Cargo.lock
	mkdir -p p/node/node_modules/a
	echo '{"name":"a","version":"1.1.0"}' >p/node/node_modules/a/package.json
	cp -r p/node/package-lock.json p/
	readable
	equal "node/node_modules/a/package.json
node/package-lock.json
package-lock.json" "$(listed ./p 'select(.name == "a") | .path')"
	equal "cargo serde@1.0.1
npm @p/b@3.0.0
npm @s/b@2.0.0
npm @y/a@1.2.0
npm a@1.1.0
npm b@2.0.1
npm pa@1.0.0
npm real@3.0.0
pypi Django@4.2
pypi Flask@2.0.1
pypi pip-a@1.0
pypi pip-b@2.0
pypi poet@1.5" "$(listed ./p 'select(.locked) | "\(.type) \(.name)@\(.version)"' | uniq)"
}

@test "packages: apk" {
	mkdir -p r/lib/apk/db r/etc r/usr/lib/python3.11/site-packages/six-1.16.0.dist-info
	printf 'C:Q1a=\nP:busybox\nV:1.36.1-r5\nA:x86_64\nL:GPL-2.0-only\no:busybox\nF:bin\nR:busybox\n\nC:Q1b=\nP:py3-six\nV:1.16.0-r7\nA:noarch\no:six\nF:usr/lib/python3.11/site-packages/six-1.16.0.dist-info\nR:METADATA\nZ:Q1x=\n\n' >r/lib/apk/db/installed
	printf 'ID=alpine\nVERSION_ID=3.19.1\n' >r/etc/os-release
	printf 'Metadata-Version: 2.1\nName: six\nVersion: 1.16.0\n\nVersion: 9\n' >r/usr/lib/python3.11/site-packages/six-1.16.0.dist-info/METADATA
	readable
	equal "pkg:apk/alpine/busybox@1.36.1-r5?arch=x86_64&distro=3.19
pkg:apk/alpine/py3-six@1.16.0-r7?arch=noarch&distro=3.19&upstream=six
pkg:pypi/six@1.16.0" "$(listed ./r .purl)"
	equal "six" "$(listed ./r 'select(.owned) | .name')"
}

@test "packages: what is damaged is said once, and the rest is found" {
	mkdir -p r/var/lib/rpm r/node_modules/a r/node_modules/b r/node_modules/deep
	echo '{"name":"a","version":"1.0.0"}' >r/node_modules/a/package.json
	echo '{"name":' >r/node_modules/b/package.json
	head -c 3000 /dev/urandom >r/var/lib/rpm/rpmdb.sqlite
	head -c 9000 /dev/zero >r/var/lib/rpm/Packages
	head -c 5000 /bin/true >r/cut && chmod 755 r/cut
	python3 - <<-'END'
		import io, zipfile
		def jar(name, data):
		    out = io.BytesIO()
		    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
		        z.writestr(name, data)
		    return out.getvalue()
		deep = b""
		for _ in range(12):
		    deep = jar("next.jar", deep)
		open("r/deep-1.jar", "wb").write(deep)
		open("r/bomb-1.jar", "wb").write(jar("zeros.jar", bytes(300 << 20)))
	END
	readable
	said hew debug packages --format json ./r
	equal "a" "$(jq -r 'select(.type == "npm") | .name' <<<"$OUT")"
	has "warning: node_modules/b/package.json: " "$(cat "$ERR")"
	has "warning: var/lib/rpm/rpmdb.sqlite: " "$(cat "$ERR")"
	has "warning: var/lib/rpm/Packages: it is no hash table of Berkeley DB" "$(cat "$ERR")"
	has "warning: deep-1.jar: archives are nested deeper than 4" "$(cat "$ERR")"
	has "warning: bomb-1.jar: " "$(cat "$ERR")"
	equal 5 "$(grep -c '^warning: ' "$ERR")"
}
