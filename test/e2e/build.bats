#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Instructions from end to end. What an image contains is read by skopeo and umoci, its config by jq.
load lib/hew

# ---- RUN, ENV, ARG, WORKDIR, USER, SHELL

@test "RUN: a shell command and an exec form, as root in /" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN pwd >/where; id -u >>/where; id -g >>/where
		RUN ["/bin/sh", "-c", "echo \"$0 $1\" >/args", "a b", "c"]
	EOF
	build -t t
	unpack t
	equal $'/\n0\n0' "$(cat "$ROOTFS/where")"
	equal "a b c" "$(cat "$ROOTFS/args")"
}

@test "RUN: files made, changed, removed, linked and replaced become one layer" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN mkdir -p /a/b /gone && echo 1 >/a/one && echo 2 >/a/b/two && echo x >/gone/x
		RUN rm -r /gone && rm /a/one && rm -r /a/b && mkdir /a/b && echo new >/a/b/new && \
		    ln -s b /a/link && ln /a/b/new /a/hard && chown 7:8 /a/b/new && chmod 4750 /a/b/new
	EOF
	build -t t
	unpack t
	[ ! -e "$ROOTFS/gone" ]
	equal $'b\nhard\nlink' "$(ls "$ROOTFS/a")"
	equal "new" "$(ls "$ROOTFS/a/b")"
	equal "file 4750 7:8 4" "$(entry a/b/new)"
	equal "link 0:0 b" "$(entry a/link)"
	equal "$(stat -c %i "$ROOTFS/a/b/new")" "$(stat -c %i "$ROOTFS/a/hard")"
	equal 3 "$(config '.rootfs.diff_ids | length')"
}

@test "RUN: extended attributes, capabilities and fifos are kept" {
	dockerfile <<-'EOF'
		FROM python:3.12-slim
		RUN printf '#!/bin/sh\n' >/cap && chmod 755 /cap && mkfifo -m 640 /pipe
		RUN python3 -c 'import os, struct; os.setxattr("/cap", "security.capability", struct.pack("<5I", 0x02000001, 0x2000, 0, 0, 0)); os.setxattr("/cap", "user.note", b"kept")'
	EOF
	build -t t
	unpack t
	has "cap_net_raw" "$(getcap "$ROOTFS/cap")"
	equal kept "$(getfattr --absolute-names -n user.note --only-values "$ROOTFS/cap")"
	equal "fifo 640 0:0 0" "$(entry pipe)"
}

@test "RUN: device nodes are kept" {
	only_root "a user namespace makes no device nodes"
	printf 'FROM alpine:3.19\nRUN mknod /null c 1 3 && chmod 666 /null\n' | dockerfile
	build -t t
	unpack t
	equal "character special file 666 0:0 0" "$(entry null)"
	equal "1 3" "$(stat -c '%t %T' "$ROOTFS/null")"
}

@test "ENV and ARG: what RUN sees and what the image keeps" {
	dockerfile <<-'EOF'
		ARG BASE=3.19
		ARG GLOBAL=global
		FROM alpine:${BASE}
		ARG GLOBAL
		ARG PLAIN
		ARG DEFAULT=default
		ENV A=1 B="two words" C=three\ words
		ENV A=2 D=$A
		ENV OLD legacy value
		RUN echo "$GLOBAL|${PLAIN-unset}|$DEFAULT|$A|$B|$C|$D|$OLD" >/out
		ENV E=${DEFAULT:-none} F=${NOTHING:-none} G=${A:+set}
	EOF
	build -t t --build-arg PLAIN=given --build-arg DEFAULT=over
	unpack t
	equal "global|given|over|2|two words|three words|1|legacy value" "$(cat "$ROOTFS/out")"
	equal "A=2 B=two words C=three words D=1 OLD=legacy value E=over F=none G=set" \
		"$(config '[.config.Env[] | select(startswith("PATH=") | not)] | join(" ")')"
	build -t t
	unpack t
	equal "global|unset|default|2|two words|three words|1|legacy value" "$(cat "$ROOTFS/out")"
}

@test "ENV: a later one beats an ARG of its name, an ARG after it beats it" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		ARG X=arg
		ENV X=env
		RUN echo $X >/first
		ARG X=again
		RUN echo $X >/second
	EOF
	build -t t --build-arg X=given
	unpack t
	equal env "$(cat "$ROOTFS/first")"
	equal given "$(cat "$ROOTFS/second")"
	equal "X=env" "$(config '.config.Env[] | select(startswith("X="))')"
}

@test "ARG: a value may come from the environment of the caller" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		ARG FROM_ENV
		RUN echo "${FROM_ENV-unset}" >/out
	EOF
	FROM_ENV=here build -t t --build-arg FROM_ENV
	unpack t
	equal here "$(cat "$ROOTFS/out")"
}

@test "ARG: proxies and the platform are known without a word" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		ARG TARGETPLATFORM
		ARG TARGETARCH
		ARG BUILDOS
		RUN echo "$TARGETPLATFORM $TARGETARCH $BUILDOS $http_proxy $HTTP_PROXY" >/out
	EOF
	build -t t --build-arg http_proxy=http://proxy.test:1
	unpack t
	local arch
	arch=$(config .architecture)
	equal "linux/$arch $arch linux http://proxy.test:1 http://proxy.test:1" "$(cat "$ROOTFS/out")"
	has_not proxy.test "$(config .)"
}

@test "WORKDIR: relative, through variables, made with the user's id" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		ENV D=deep
		WORKDIR /a
		WORKDIR b/$D
		RUN pwd >/where
		USER 12:34
		WORKDIR /mine/inner
		WORKDIR ../up
		RUN touch here
	EOF
	build -t t
	unpack t
	equal /a/b/deep "$(cat "$ROOTFS/where")"
	equal "dir 755 0:0" "$(entry a/b/deep)"
	equal "dir 755 12:34" "$(entry mine/inner)"
	equal "file 644 12:34 0" "$(entry mine/up/here)"
	equal /mine/up "$(config .config.WorkingDir)"
}

@test "USER: by name, by number, with a group; the groups of /etc/group" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN echo 'app:x:1001:1002::/home/app:/bin/sh' >>/etc/passwd; \
		    printf 'app:x:1002:\nmore:x:1003:app\n' >>/etc/group; chmod 1777 /tmp
		USER app
		RUN echo "$(id -u) $(id -g) $(id -G) $HOME" >/tmp/name
		USER app:more
		RUN echo "$(id -u) $(id -g)" >/tmp/group
		USER 5
		RUN echo "$(id -u) $(id -g)" >/tmp/number
	EOF
	build -t t
	unpack t
	equal "1001 1002 1002 1003 /home/app" "$(cat "$ROOTFS/tmp/name")"
	equal "1001 1003" "$(cat "$ROOTFS/tmp/group")"
	equal "5 0" "$(cat "$ROOTFS/tmp/number")"
	equal 5 "$(config .config.User)"
}

@test "SHELL: used for RUN and for the shell form of CMD" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		SHELL ["/bin/sh", "-eux", "-c"]
		RUN false | true; echo "$-" >/out
		CMD echo hi
	EOF
	build -t t
	unpack t
	matches "*e*u*x*" "$(cat "$ROOTFS/out" | grep -o . | sort | tr -d '\n')"
	equal '["/bin/sh","-eux","-c","echo hi"]' "$(config '.config.Cmd | tojson')"
	equal '["/bin/sh","-eux","-c"]' "$(config '.config.Shell | tojson')"
}

# ---- heredocs

@test "heredocs: a script, a script with its own interpreter, several files" {
	dockerfile <<-'END'
		FROM alpine:3.19
		ENV WHO=world
		RUN <<EOF
		echo "hello $WHO" >/script
		echo "two" >>/script
		EOF
		RUN <<EOF
		#!/bin/sh -eu
		echo "$- $0" >/own
		EOF
		RUN cat >/joined <<ONE && cat >>/joined <<TWO
		one $WHO
		ONE
		two
		TWO
		COPY <<expanded <<"literal" /files/
		hello $WHO
		expanded
		hello $WHO
		literal
		COPY --chmod=700 <<-tabs /one
			indented
			tabs
	END
	build -t t
	unpack t
	equal $'hello world\ntwo' "$(cat "$ROOTFS/script")"
	matches "*[eu]*[eu]* /dev/pipes/EOF" "$(cat "$ROOTFS/own")"
	equal $'one world\ntwo' "$(cat "$ROOTFS/joined")"
	equal "hello world" "$(cat "$ROOTFS/files/expanded")"
	equal 'hello $WHO' "$(cat "$ROOTFS/files/literal")"
	equal "file 644 0:0 12" "$(entry files/expanded)"
	equal "file 700 0:0 9" "$(entry one)"
}

# ---- COPY

@test "COPY: files, folders, wildcards, several sources, names with blanks" {
	mkdir -p dir/sub "with blank" && echo a >a.txt && echo b >b.txt && echo c >c.md && echo d >dir/d
	echo e >dir/sub/e && echo f >"with blank/f g" && ln -s d dir/link && mkdir dir/empty
	chmod 600 a.txt && chmod 755 b.txt && chmod 2770 dir/sub
	touch -d @1000000000 a.txt dir/sub/e
	dockerfile <<-'EOF'
		FROM alpine:3.19
		COPY a.txt /file
		COPY a.txt /into/
		COPY a.txt b.txt /both/
		COPY *.txt /glob/
		COPY dir /dir
		COPY dir/sub dir/d /flat/
		COPY ["with blank", "/spaced dir/"]
		COPY ?.md /q/
	EOF
	build -t t
	unpack t
	equal "file 600 0:0 2" "$(entry file)"
	equal "file 600 0:0 2" "$(entry into/a.txt)"
	equal "dir 755 0:0" "$(entry into)"
	equal $'a.txt\nb.txt' "$(ls "$ROOTFS/both")"
	equal $'a.txt\nb.txt' "$(ls "$ROOTFS/glob")"
	equal "file 755 0:0 2" "$(entry glob/b.txt)"
	equal $'d\nempty\nlink\nsub' "$(ls "$ROOTFS/dir")"
	equal "link 0:0 d" "$(entry dir/link)"
	equal "dir 755 0:0" "$(entry dir/empty)"
	equal "dir 2770 0:0" "$(entry dir/sub)"
	equal $'d\ne' "$(ls "$ROOTFS/flat")"
	equal f "$(cat "$ROOTFS/spaced dir/f g")"
	equal c.md "$(ls "$ROOTFS/q")"
	equal 1000000000 "$(mtime file)"
	equal 1000000000 "$(mtime dir/sub/e)"
}

@test "COPY: a wildcard without a match copies nothing, and nothing else is said" {
	echo a >a
	dockerfile <<-'EOF'
		FROM scratch
		COPY a maybe* /d/
	EOF
	build -t t
	unpack t
	equal a "$(ls "$ROOTFS/d")"
}

@test "COPY: whatever the ids in the context, files belong to root" {
	mkdir d && echo x >d/x && chown -R 1234:4321 d
	dockerfile <<-'EOF'
		FROM alpine:3.19
		USER 55
		COPY d /d
	EOF
	build -t t
	unpack t
	equal "file 644 0:0 2" "$(entry d/x)"
	equal "dir 755 0:0" "$(entry d)"
}

@test "COPY --chown: by number, by name, with variables, for the parents it makes" {
	mkdir -p d/e && echo x >d/e/x && echo y >y
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN echo 'app:x:1001:1002::/:/bin/sh' >>/etc/passwd; echo 'grp:x:1003:' >>/etc/group
		ARG U=app
		COPY --chown=12:34 d /num
		COPY --chown=9 y /only-user
		COPY --chown=$U y /new/parent/y
		COPY --chown=app:grp d /named
	EOF
	build -t t
	unpack t
	equal "dir 755 12:34" "$(entry num)"
	equal "file 644 12:34 2" "$(entry num/e/x)"
	equal "file 644 9:9 2" "$(entry only-user)"
	equal "file 644 1001:1002 2" "$(entry new/parent/y)"
	equal "dir 755 1001:1002" "$(entry new/parent)"
	equal "file 644 1001:1003 2" "$(entry named/e/x)"
}

@test "COPY --chmod: octal and symbolic" {
	mkdir d && echo x >d/x && chmod 644 d/x && echo s >s && chmod 755 s
	dockerfile <<-'EOF'
		FROM alpine:3.19
		COPY --chmod=750 d /octal/
		COPY --chmod=u=rwX,go=rX d /symbolic/
		ARG M=0400
		COPY --chmod=$M s /variable
	EOF
	build -t t
	unpack t
	equal "file 750 0:0 2" "$(entry octal/x)"
	equal "file 644 0:0 2" "$(entry symbolic/x)"
	equal "file 400 0:0 2" "$(entry variable)"
}

@test "COPY --link: a layer that does not look at what lies below" {
	echo x >x
	dockerfile <<-'EOF'
		FROM alpine:3.19
		COPY --link x /a/b/x
		COPY --link --chown=3:4 x /y
	EOF
	build -t t
	unpack t
	equal "file 644 0:0 2" "$(entry a/b/x)"
	equal "dir 755 0:0" "$(entry a/b)"
	equal "file 644 3:4 2" "$(entry y)"
}

@test "COPY --parents and --exclude" {
	mkdir -p src/a src/b && echo 1 >src/a/1.c && echo 2 >src/b/2.c && echo 3 >src/b/2.o
	dockerfile <<-'EOF'
		FROM alpine:3.19
		COPY --parents src/*/*.c /p/
		COPY --exclude=**/*.o --exclude=a src /e/
	EOF
	build -t t
	unpack t
	equal $'src/a/1.c\nsrc/b/2.c' "$(cd "$ROOTFS/p" && find . -type f | sort | sed 's,^\./,,')"
	equal $'b/2.c' "$(cd "$ROOTFS/e" && find . -type f | sort | sed 's,^\./,,')"
}

@test "COPY: /tmp keeps its mode and an existing folder its owner" {
	echo x >x
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN mkdir -p /tmp /own && chmod 1777 /tmp && chown 9:9 /own && chmod 711 /own
		COPY x /tmp/
		COPY x /own/deep/
	EOF
	build -t t
	unpack t
	equal "dir 1777 0:0" "$(entry tmp)"
	equal "dir 711 9:9" "$(entry own)"
	equal "dir 755 0:0" "$(entry own/deep)"
}

@test "FROM: a layer that names no folders on the way leaves those below as they are" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN mkdir -p /tmp /srv/own && chmod 1777 /tmp && chown 7:8 /srv/own
	EOF
	build -t ground
	skopeo copy -q "oci:$HEW_ROOT:docker.io/library/ground:latest" oci:layout:x
	# as Bazel's rules and jib write them: files alone
	python3 - <<-'EOF'
		import io, tarfile
		with tarfile.open("bare.tar", "w") as t:
		    for name in "tmp/one", "srv/own/two", "new/three":
		        t.addfile(tarfile.TarInfo(name), io.BytesIO())
	EOF
	umoci raw add-layer --image layout:x bare.tar
	echo inserted >f && umoci insert --image layout:x f /new/f # a tar that ends with the file's last byte
	skopeo copy -q oci:layout:x oci-archive:image.tar:docker.io/library/bare:1
	hew load -q -i image.tar
	printf 'FROM bare:1\nRUN stat -c "%%a %%u:%%g %%n" /tmp /srv/own /new >/seen && ls /tmp /srv/own /new\n' | dockerfile
	build -t t -o type=local,dest=out
	equal $'1777 0:0 /tmp\n755 7:8 /srv/own\n755 0:0 /new' "$(cat out/seen)"
	equal 1777 "$(stat -c %a out/tmp)"
	equal inserted "$(cat out/new/f)"
}

@test "COPY: symlinks on the way to the destination stay inside the image" {
	echo x >x && mkdir d && echo y >d/y
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN mkdir -p /real /etc && ln -s /real /abs && ln -s real /rel && ln -s ../../../../real /out && ln -s /abs /twice && echo old >/real/file && ln -s /real/file /flink
		COPY x /abs/1
		COPY x /rel/2
		COPY x /out/3
		COPY x /twice/4
		COPY d /abs/
		COPY x /flink
	EOF
	build -t t
	unpack t
	equal $'1\n2\n3\n4\nfile\ny' "$(ls "$ROOTFS/real")"
	equal "link 0:0 /real" "$(entry abs)"
	equal "link 0:0 ../../../../real" "$(entry out)"
}

@test "COPY: a folder over a file and a file over a folder" {
	mkdir d && echo y >d/y && echo x >x
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN mkdir /folder
		COPY x /folder
		COPY x /plain
	EOF
	build -t t
	unpack t
	equal "file 644 0:0 2" "$(entry folder/x)"
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN echo file >/plain
		COPY d /plain
	EOF
	build_fails 4 || build_fails 1
	has plain "$LAST"
}

@test "COPY --from: stages by name and number, an image, ownership kept" {
	dockerfile <<-'EOF'
		FROM alpine:3.19 AS First
		RUN mkdir /o && echo one >/o/one && chown -R 3:4 /o && chmod 4711 /o/one && touch -d @1000000000 /o/one
		FROM alpine:3.19
		RUN echo two >/two
		FROM scratch
		COPY --from=first /o /o
		COPY --from=1 two /
		COPY --from=gcr.io/distroless/static:latest /etc/passwd /passwd
	EOF
	build -t t
	unpack t
	equal "dir 755 0:0" "$(entry o)"
	equal "file 4711 3:4 4" "$(entry o/one)"
	equal 1000000000 "$(mtime o/one)"
	equal two "$(cat "$ROOTFS/two")"
	has nonroot "$(cat "$ROOTFS/passwd")"
	equal 3 "$(config '.rootfs.diff_ids | length')"
}

@test "times in layers are whole seconds, as docker's are: no file needs a header more for them" {
	echo x >copied && touch -d @1000000000.75 copied
	tar --format=pax -cf added.tar copied
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN touch /ran
		COPY copied /
		ADD added.tar /sub/
	EOF
	build -t t -o type=oci,dest=t.tar
	python3 - t.tar >times <<-'EOF'
		import io, json, sys, tarfile
		oci = tarfile.open(sys.argv[1])
		blob = lambda d: oci.extractfile("blobs/sha256/" + d["digest"][7:])
		read = lambda d: json.load(blob(d))
		manifest = read(json.load(oci.extractfile("index.json"))["manifests"][0])
		for layer in manifest["layers"][1:]:
		    for m in tarfile.open(fileobj=io.BytesIO(blob(layer).read())):
		        if m.isfile():
		            print(m.name, "" if m.name == "ran" else m.mtime, *m.pax_headers)
	EOF
	equal $'copied 1000000000\nran \nsub/copied 1000000000' "$(sort times)"
}

@test "COPY --from: hard links, symlinks and wildcards inside a stage" {
	dockerfile <<-'EOF'
		FROM alpine:3.19 AS a
		RUN mkdir /d && echo x >/d/x && ln /d/x /d/hard && ln -s x /d/soft && ln -s /d /via && ln -s nowhere /d/dangling
		FROM scratch
		COPY --from=a /d /all
		COPY --from=a /d/h* /one/
		COPY --from=a /via/x /through/
		COPY --from=a /d/soft /followed
	EOF
	build -t t
	unpack t
	equal "$(stat -c %i "$ROOTFS/all/x")" "$(stat -c %i "$ROOTFS/all/hard")"
	equal "link 0:0 x" "$(entry all/soft)"
	equal "link 0:0 nowhere" "$(entry all/dangling)"
	equal "x" "$(cat "$ROOTFS/one/hard")"
	equal "file 644 0:0 2" "$(entry through/x)"
	equal "file 644 0:0 2" "$(entry followed)"
}

@test "COPY --from: a folder made of a root has the build's time" {
	dockerfile <<-'EOF'
		FROM scratch AS s
		COPY Dockerfile /
		FROM scratch
		COPY --from=s / /all
		COPY . /here/
	EOF
	touch -d @0 .
	build -t t
	unpack t
	[ "$(mtime all)" -gt 1500000000 ]
	equal 0 "$(mtime here)"
}

@test "COPY: of several names of one file a later source may take one" {
	mkdir d1 d2 && echo one >d1/a && ln d1/a d1/b && ln d1/a d1/c && echo two >d2/a
	printf 'FROM scratch\nCOPY d1/ d2/ /d/\n' | dockerfile
	build -t t
	unpack t
	equal "two one one" "$(cd "$ROOTFS/d" && cat a b c | xargs)"
	equal "$(stat -c %i "$ROOTFS/d/b")" "$(stat -c %i "$ROOTFS/d/c")"
}

@test "COPY --from: a hard link keeps its bytes whatever became of its other name" {
	dockerfile <<-'EOF'
		FROM alpine:3.19 AS made
		RUN mkdir -p /t/x /t/y && echo shared >/t/x/f && ln /t/x/f /t/y/g && echo own >/t/y/f
		FROM made AS changed
		RUN rm /t/x/f && echo new >/t/x/f
		FROM scratch
		COPY --from=made /t/* /wild/
		COPY --from=made /t/y /below/
		COPY --from=made /t /whole/
		COPY --from=changed /t /changed/
	EOF
	build -t links
	unpack links
	equal "own shared" "$(cd "$ROOTFS/wild" && cat f g | xargs)"
	equal "own shared" "$(cd "$ROOTFS/below" && cat f g | xargs)"
	equal "shared own shared" "$(cd "$ROOTFS/whole" && cat x/f y/f y/g | xargs)"
	equal "$(stat -c %i "$ROOTFS/whole/x/f")" "$(stat -c %i "$ROOTFS/whole/y/g")"
	equal "new own shared" "$(cd "$ROOTFS/changed" && cat x/f y/f y/g | xargs)"
	build -o changed.out --target changed
	equal "new own shared" "$(cd changed.out/t && cat x/f y/f y/g | xargs)"
}

# ---- ADD

@test "ADD: an archive goes through links of the root, and its hard links stay links" {
	mkdir a b && echo f >a/f && ln a/f b/f && ln a/f b/g && tar -cf x.tar a/f b/f b/g
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN mkdir -p /d/z && ln -s z /d/a
		ADD x.tar /d/
	EOF
	build -t t
	unpack t
	equal "link 0:0 z" "$(entry d/a)"
	equal "f f f" "$(cd "$ROOTFS/d" && cat z/f b/f b/g | xargs)"
	equal 3 "$(stat -c %h "$ROOTFS/d/z/f")"
}

@test "ADD --exclude: what an archive's paths only imply stays what the root has" {
	mkdir -p lib/sub own && echo f >lib/sub/f && echo r >R.md && echo g >own/g && echo h >own/h.md
	chmod 711 own
	tar -cf x.tar lib/sub/f R.md own
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN mkdir -p /d/usrlib/sub && chmod 1777 /d/usrlib/sub && echo keep >/d/usrlib/k && ln -s usrlib /d/lib
		ADD --exclude=*.md --exclude=own --exclude=!own/g x.tar /d/
	EOF
	build -t t
	unpack t
	equal "link 0:0 usrlib" "$(entry d/lib)"
	equal "dir 1777 0:0" "$(entry d/usrlib/sub)"
	equal "f keep" "$(cd "$ROOTFS/d/usrlib" && cat sub/f k | xargs)"
	equal "dir 711 0:0" "$(entry d/own)"
	equal $'lib\nown\nusrlib' "$(ls "$ROOTFS/d")"
	equal g "$(ls "$ROOTFS/d/own")"
}

@test "ADD: where a member lands is asked of what was unpacked before it" {
	mkdir -p a/b one/x two three/x four/y five && echo f >a/b/f && tar --no-recursion -cf folder.tar a a/b/f
	echo old >one/x/f && tar -C one -cf one.tar x
	echo x >two/x && tar -C two -cf two.tar x
	echo new >three/x/f && tar -C three --no-recursion -cf three.tar x/f
	ln -s y four/x && tar -C four -cf four.tar x y
	ln -s /other five/x && tar -C five -cf five.tar x
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN mkdir -p /d/z /other /base/x /anew/x && ln -s z /d/a && touch /base/x/below /anew/x/below
		ADD folder.tar /d/
		ADD one.tar two.tar /file/
		ADD one.tar two.tar one.tar /again/
		ADD four.tar three.tar /link/
		ADD five.tar three.tar /base/
		ADD two.tar one.tar /anew/
	EOF
	build -t t -o out
	build -t t
	unpack t
	local got
	for got in out "$ROOTFS"; do
		equal f "$(cat "$got/d/a/b/f")"
		equal "" "$(ls "$got/d/z")"
		equal x "$(cat "$got/file/x")"
		equal old "$(cat "$got/again/x/f")"
		equal y "$(readlink "$got/link/x")"
		equal new "$(cat "$got/link/y/f")"
		equal /other "$(readlink "$got/base/x")"
		equal new "$(cat "$got/other/f")"
		equal f "$(ls "$got/anew/x")"
	done
}

@test "ADD: archives of every compression are unpacked, other files copied" {
	mkdir in && echo x >in/x && chmod 640 in/x
	tar --numeric-owner --owner=5 --group=6 -C in -cf t.tar x
	for z in gzip:gz xz:xz zstd:zst bzip2:bz2; do "${z%:*}" -qkc t.tar >"t.${z#*:}"; done
	echo "not an archive" >plain.tar.gz
	dockerfile <<-'EOF'
		FROM alpine:3.19
		ADD t.tar /tar/
		ADD t.gz /gz
		ADD t.xz /xz/
		ADD t.zst /zst/
		ADD t.bz2 /bz2/
		ADD plain.tar.gz /plain/
		ADD --chown=1:2 t.tar /own/
		ADD --unpack=false t.tar /packed/
		COPY t.tar /copied/
	EOF
	build -t t
	unpack t
	for z in tar gz xz zst bz2; do equal "file 640 5:6 2" "$(entry $z/x)"; done
	equal "file 644 0:0 15" "$(entry plain/plain.tar.gz)"
	equal "file 640 1:2 2" "$(entry own/x)"
	equal t.tar "$(ls "$ROOTFS/packed")"
	equal t.tar "$(ls "$ROOTFS/copied")"
}

@test "sparse files of archives: in a base image and in what ADD unpacks, of every form" {
	local v n=0 layers=() ids=()
	mkdir -p root/bin
	cp /bin/busybox root/bin/
	for v in old 0.0 0.1 1.0; do
		truncate -s 3M "root/$v"
		printf "end of %s" $v >>"root/$v"
		printf xxxxxxxx | dd of="root/$v" bs=1 seek=1000000 conv=notrunc status=none
	done
	pack_sparse() { # FORM NAME...: a layer
		case $1 in
		old) tar --format=gnu -S --sort=name -C root -cf $((n += 1)).tar "${@:2}" ;;
		*) tar --format=posix -S --sparse-version="$1" --sort=name -C root -cf $((n += 1)).tar "${@:2}" ;;
		esac
		layers+=("$n.tar") ids+=("sha256:$(sha256sum <$n.tar | cut -d' ' -f1)")
	}
	pack_sparse old bin old
	for v in 0.0 0.1 1.0; do pack_sparse $v $v; done
	jq -nc --arg a "$(go_arch)" '{architecture: $a, os: "linux", config: {}, rootfs: {type: "layers", diff_ids: $ARGS.positional}}' \
		--args "${ids[@]}" >config.json
	jq -nc '[{Config: "config.json", RepoTags: ["sparse:latest"], Layers: $ARGS.positional}]' --args "${layers[@]}" >manifest.json
	tar -cf image.tar manifest.json config.json "${layers[@]}"
	hew load -q -i image.tar
	dockerfile <<-'EOF'
		FROM sparse AS seen
		RUN ["/bin/busybox", "sha256sum", "old", "0.0", "0.1", "1.0"]
		# the holes are kept
		RUN ["/bin/busybox", "sh", "-c", "for f in old 0.0 0.1 1.0; do [ $(busybox du -k $f | busybox cut -f1) -lt 100 ] || exit 1; done"]
		FROM scratch
		COPY --from=sparse /old /0.0 /copied/
		ADD 1.tar 3.tar /added/
		COPY --from=seen /0.1 /1.0 /copied/
	EOF
	build -t t
	unpack t
	for v in old 0.0 0.1 1.0; do cmp "root/$v" "$ROOTFS/copied/$v"; done
	cmp root/old "$ROOTFS/added/old"
	cmp root/0.1 "$ROOTFS/added/0.1"
	build --target seen --no-cache
	for v in old 0.0 0.1 1.0; do
		has "$(sha256sum <"root/$v" | cut -d' ' -f1)  $v" "$(cat "$ERR")"
	done
	# what is passed on is what came
	hew save sparse -o saved.tar
	mkdir saved
	tar -xf saved.tar -C saved
	equal "${ids[*]}" "$(cd saved && jq -r '.[0].Layers[]' manifest.json | while read -r f; do echo "sha256:$(sha256sum <"$f" | cut -d' ' -f1)"; done | xargs)"
}

@test "ADD: an address is fetched, with its name, mode and time" {
	mkdir www && echo remote >www/file.txt && touch -d @1000000000 www/file.txt
	serve_folder www
	dockerfile <<-EOF
		FROM alpine:3.19
		ADD http://127.0.0.1:$PORT/file.txt /named
		ADD http://127.0.0.1:$PORT/file.txt /into/
		ADD --checksum=sha256:$(sha256sum <www/file.txt | cut -d' ' -f1) http://127.0.0.1:$PORT/file.txt /sum
	EOF
	build -t t
	unpack t
	equal remote "$(cat "$ROOTFS/named")"
	equal "file 600 0:0 7" "$(entry named)"
	equal 1000000000 "$(mtime named)"
	equal "file 600 0:0 7" "$(entry into/file.txt)"
	equal "file 600 0:0 7" "$(entry sum)"
	dockerfile <<-EOF
		FROM alpine:3.19
		ADD --checksum=sha256:$(echo other | sha256sum | cut -d' ' -f1) http://127.0.0.1:$PORT/file.txt /sum
	EOF
	build_fails 9
	has "Dockerfile:2" "$LAST"
}

# ---- RUN --mount, --network

@test "RUN --mount=bind: the context, a stage, an image; nothing of it in the layer" {
	mkdir d && echo ctx >d/file
	dockerfile <<-'EOF'
		FROM alpine:3.19 AS other
		RUN echo stage >/s
		FROM alpine:3.19
		RUN --mount=type=bind,source=d,target=/m cat /m/file >/1
		RUN --mount=type=bind,from=other,source=/s,target=/s cat /s >/2
		RUN --mount=from=gcr.io/distroless/static,target=/img test -s /img/etc/passwd && echo ok >/3
		RUN --mount=source=d,target=/m ! touch /m/new 2>/dev/null && echo ro >/4
		RUN --mount=source=d,target=/m,rw touch /m/new && rm /m/file && ls /m >/5
	EOF
	build -t t
	unpack t
	equal ctx "$(cat "$ROOTFS/1")"
	equal stage "$(cat "$ROOTFS/2")"
	equal ok "$(cat "$ROOTFS/3")"
	equal ro "$(cat "$ROOTFS/4")"
	equal new "$(cat "$ROOTFS/5")"
	equal file "$(ls d)"
	[ ! -e "$ROOTFS/m/file" ]
	[ ! -e "$ROOTFS/s" ] || [ ! -s "$ROOTFS/s" ]
}

@test "RUN --mount=cache: kept between builds, by id, with mode and owner" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		ARG N
		RUN --mount=type=cache,target=/c echo "$N" >>/c/log && cp /c/log /seen
		RUN --mount=type=cache,id=other,target=/c,uid=5,gid=6,mode=0700 stat -c '%a %u:%g' /c >/other; ls /c >>/other
	EOF
	build -t t --build-arg N=1
	build -t t --build-arg N=2
	unpack t
	equal $'1\n2' "$(cat "$ROOTFS/seen")"
	equal "700 5:6" "$(cat "$ROOTFS/other")"
	[ ! -e "$ROOTFS/c/log" ]
}

@test "RUN --mount=cache: two at once, each wanting what the other has, and one wanted twice" {
	{
		printf 'FROM alpine:3.19 AS a\nRUN %s %s sleep 0.2; echo a >/one/a\n' \
			--mount=type=cache,sharing=locked,target=/one --mount=type=cache,sharing=locked,target=/two
		printf 'FROM alpine:3.19 AS b\nRUN %s %s %s sleep 0.2; echo b >/one/b\n' \
			--mount=type=cache,sharing=locked,target=/two --mount=type=cache,sharing=locked,target=/one \
			--mount=type=cache,sharing=locked,id=/one,target=/three
		printf 'FROM alpine:3.19\nCOPY --from=a /etc/passwd /a\nCOPY --from=b /etc/passwd /b\n'
		printf 'RUN --mount=type=cache,target=/one cat /one/a /one/b >/both\n'
	} | dockerfile
	build --jobs 2 -o out
	equal $'a\nb' "$(cat out/both)"
}

@test "RUN --mount=tmpfs: empty, writable, gone afterwards, with a size" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN mkdir /t && echo below >/t/below
		RUN --mount=type=tmpfs,target=/t,size=1m ls /t >/seen; echo x >/t/x; ! dd if=/dev/zero of=/t/big bs=1M count=2 2>/dev/null
	EOF
	build -t t
	unpack t
	equal "" "$(cat "$ROOTFS/seen")"
	equal below "$(ls "$ROOTFS/t")"
	printf 'FROM alpine:3.19\nRUN --mount=type=tmpfs,target=/t,ro ! touch /t/x\n' | dockerfile
	build
}

@test "RUN --mount=secret: as a file, as a variable, missing, required; nowhere in the image" {
	printf 'hunter2-file' >"$BATS_TEST_TMPDIR/secret"
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN --mount=type=secret,id=f sha256sum </run/secrets/f >/1; stat -c '%a %u:%g' /run/secrets/f >>/1
		RUN --mount=type=secret,id=f,target=/s,uid=5,gid=6,mode=0440 stat -c '%a %u:%g' /s >/2
		RUN --mount=type=secret,id=e,env=TOKEN echo "$TOKEN" | sha256sum >/3
		RUN --mount=type=secret,id=absent ls /run/secrets 2>&1 | wc -l >/4
	EOF
	# of two with one id the last counts
	E=hunter2-env build -t t --secret id=f,env=E --secret id=f,src="$BATS_TEST_TMPDIR/secret" --secret id=e,env=E
	unpack t
	equal "$(printf hunter2-file | sha256sum)"$'\n400 0:0' "$(cat "$ROOTFS/1")"
	equal "440 5:6" "$(cat "$ROOTFS/2")"
	equal "$(echo hunter2-env | sha256sum)" "$(cat "$ROOTFS/3")"
	! grep -rq hunter2 "$HEW_ROOT" || { grep -rl hunter2 "$HEW_ROOT"; false; }
	has_not hunter2 "$(cat "$ERR")"
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN --mount=type=secret,id=absent,required cat /run/secrets/absent
	EOF
	build_fails 5
	has absent "$LAST"
	# also if it has run without
	printf 'FROM alpine:3.19\nRUN --mount=type=secret,id=absent true\n' | dockerfile
	build
	sed -i 's/id=absent/&,required=true/' Dockerfile
	build_fails 5
	has absent "$LAST"
	# as with buildx: a variable that is not set is an empty secret, and a path may have a comma
	printf 'FROM alpine:3.19\nRUN --mount=type=secret,id=a wc -c </run/secrets/a\n' >Dockerfile
	build --secret id=a,env=NOT_SET
	grep -q '^#2 [0-9.]* 0$' "$ERR"
	has "NOT_SET is not set" "$(cat "$ERR")"
	mkdir "$BATS_TEST_TMPDIR/a,b" && printf 12345 >"$BATS_TEST_TMPDIR/a,b/s"
	build --no-cache --secret "id=a,\"src=$BATS_TEST_TMPDIR/a,b/s\""
	grep -q '^#2 [0-9.]* 5$' "$ERR"
	build_fails 2 --secret id=a,type=foo,src=Dockerfile
}

@test "RUN --network: none has loopback only, the host's is the default" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN --network=none ls /sys/class/net >/none; cat /proc/net/route | wc -l >>/none
		RUN --network=host ls /sys/class/net >/host
		RUN ls /sys/class/net >/default
	EOF
	build -t t
	unpack t
	equal $'lo' "$(head -n 1 "$ROOTFS/none")"
	equal "$(ls /sys/class/net)" "$(cat "$ROOTFS/host")"
	equal "$(cat "$ROOTFS/host")" "$(cat "$ROOTFS/default")"
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN cat /proc/net/dev | grep -c : >/n
	EOF
	build -t t --network none
	unpack t
	equal 1 "$(cat "$ROOTFS/n")"
}

@test "RUN: hosts, resolv.conf and host name are there and not in the layer" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		RUN grep -q localhost /etc/hosts && test -s /etc/hostname || hostname >/n
		RUN cat /etc/resolv.conf >/r && hostname >/h
	EOF
	build -t t
	unpack t
	[ -s "$ROOTFS/r" ]
	[ -s "$ROOTFS/h" ]
	[ ! -s "$ROOTFS/etc/resolv.conf" ]
}

# ---- stages

@test "--target: stages that the target does not need are not run" {
	dockerfile <<-'EOF'
		FROM alpine:3.19 AS base
		RUN echo base >/base
		FROM base AS broken
		RUN false
		FROM base AS wanted
		RUN echo wanted >/wanted
		FROM base
		COPY --from=broken / /
	EOF
	build -t t --target wanted
	unpack t
	equal base "$(cat "$ROOTFS/base")"
	has_not broken "$(cat "$ERR")"
	build -t t --target BASE
	build_fails 5
}

@test "stages: a stage on a stage inherits its config, ARG values and files" {
	dockerfile <<-'EOF'
		FROM alpine:3.19 AS a
		ARG V=value
		ENV E=env
		WORKDIR /w
		USER 7
		LABEL l=1
		CMD ["a"]
		ENTRYPOINT ["e"]
		FROM a
		RUN echo "$V $E $(id -u)" >/tmp/x
		ENTRYPOINT ["f"]
	EOF
	sed -i 's/^USER 7/RUN mkdir -p \/tmp; chmod 1777 \/tmp\nUSER 7/' Dockerfile
	build -t t
	unpack t
	equal "value env 7" "$(cat "$ROOTFS/tmp/x")"
	equal '{"Cmd":null,"Entrypoint":["f"],"Labels":{"l":"1"},"User":"7","WorkingDir":"/w"}' \
		"$(config '.config | {Cmd,Entrypoint,Labels,User,WorkingDir} | tojson')"
}

@test "ONBUILD: triggers run in the image built on it, once" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		ONBUILD COPY file /from-trigger
		ONBUILD RUN echo ran >>/count
		ONBUILD ENV T=1
	EOF
	build -t onbuild-base
	equal 3 "$(config '.config.OnBuild | length')"
	echo x >file
	echo "FROM onbuild-base" | dockerfile
	build -t child
	unpack child
	equal x "$(cat "$ROOTFS/from-trigger")"
	equal ran "$(cat "$ROOTFS/count")"
	equal null "$(config '.config.OnBuild // "null"')"
	echo "FROM child" | dockerfile
	build -t grandchild
	unpack grandchild
	equal ran "$(cat "$ROOTFS/count")"
}

@test "scratch: nothing but what was copied" {
	echo x >x
	dockerfile <<-'EOF'
		FROM scratch
		COPY x /only
	EOF
	build -t t
	unpack t
	equal only "$(ls -A "$ROOTFS")"
	equal 1 "$(config '.rootfs.diff_ids | length')"
	equal "/" "$(config '.config.WorkingDir // "/"')"
	matches "PATH=/usr/local/sbin:*" "$(config '.config.Env[0]')"
}

# ---- the context

@test ".dockerignore: patterns, exceptions, comments; ignored files are not seen" {
	mkdir -p node_modules/m a/b keep && echo 1 >node_modules/m/1 && echo 2 >a/b/2.log && echo 3 >a/b/3.txt
	echo 4 >keep/4.log && echo 5 >5.md && echo 6 >README.md && echo 7 >.hidden
	printf '# comment\nnode_modules\n**/*.log\n!keep/*.log\n/*.md\n!README.md\nDockerfile\n.dockerignore\n' >.dockerignore
	dockerfile <<-'EOF'
		FROM scratch
		COPY . /
	EOF
	build -t t
	unpack t
	equal $'.hidden\nREADME.md\na/b/3.txt\nkeep/4.log' "$(cd "$ROOTFS" && find . -type f | sed 's,^\./,,' | sort)"
	[ ! -e "$ROOTFS/node_modules" ]
}

@test ".dockerignore: the one named after the Dockerfile wins" {
	echo a >a && echo b >b
	echo a >.dockerignore
	printf 'b\n*ignore\n*.docker\n' >my.docker.dockerignore
	dockerfile my.docker <<-'EOF'
		FROM scratch
		COPY . /
	EOF
	build -t t -f my.docker
	unpack t
	equal a "$(ls -A "$ROOTFS")"
	# whether it is named or not
	mv my.docker Dockerfile && mv my.docker.dockerignore Dockerfile.dockerignore
	echo Dockerfile >>Dockerfile.dockerignore
	build -t t
	unpack t
	equal a "$(ls -A "$ROOTFS")"
	# one from standard input lies nowhere
	build -t t -f - <Dockerfile
	unpack t
	equal b "$(cd "$ROOTFS" && ls a b 2>/dev/null)"
}

@test "--build-context: another folder and an image by name" {
	mkdir "$BATS_TEST_TMPDIR/other" && echo o >"$BATS_TEST_TMPDIR/other/file"
	dockerfile <<-'EOF'
		FROM base
		COPY --from=extra file /file
		RUN --mount=from=extra,target=/m cat /m/file >/bound
	EOF
	build -t t --build-context extra="$BATS_TEST_TMPDIR/other" --build-context base=docker-image://alpine:3.19
	unpack t
	equal o "$(cat "$ROOTFS/file")"
	equal o "$(cat "$ROOTFS/bound")"
}

@test "-f: another name, another folder, standard input, no context at all" {
	mkdir sub && echo x >x
	printf 'FROM scratch\nCOPY x /by-name\n' >sub/Other
	build -t t -f sub/Other
	unpack t
	equal by-name "$(ls -A "$ROOTFS")"
	printf 'FROM scratch\nCOPY x /by-stdin\n' | build -t t -f -
	unpack t
	equal by-stdin "$(ls -A "$ROOTFS")"
	printf 'FROM alpine:3.19\nRUN echo 1 >/n\n' | hew build -q -t t -
	unpack t
	equal 1 "$(cat "$ROOTFS/n")"
}

# ---- config and history

@test "config: every instruction that only describes the image" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		MAINTAINER someone
		LABEL a=1 b="two words"
		EXPOSE 80 8000-8001/udp 443/TCP
		VOLUME /data ["/more"]
		VOLUME ["/json"]
		STOPSIGNAL SIGUSR1
		HEALTHCHECK --interval=5s --timeout=1m --retries=3 CMD curl -f http://localhost/
		ENTRYPOINT ["/bin/echo", "hi"]
		CMD ["there"]
		USER nobody:nobody
		WORKDIR /srv
	EOF
	sed -i '/"\/more"/s/ \["\/more"\]/ \/more/' Dockerfile
	build -t t --label c=3
	equal someone "$(config .author)"
	equal '{"a":"1","b":"two words","c":"3"}' "$(config '.config.Labels | tojson')"
	equal '["443/tcp","80/tcp","8000/udp","8001/udp"]' "$(config '.config.ExposedPorts | keys | tojson')"
	equal '["/data","/json","/more"]' "$(config '.config.Volumes | keys | tojson')"
	equal SIGUSR1 "$(config .config.StopSignal)"
	equal '{"Interval":5000000000,"Retries":3,"Test":["CMD-SHELL","curl -f http://localhost/"],"Timeout":60000000000}' \
		"$(config '.config.Healthcheck | to_entries | sort_by(.key) | from_entries | tojson')"
	equal '[["/bin/echo","hi"],["there"]]' "$(config '[.config.Entrypoint, .config.Cmd] | tojson')"
	equal nobody:nobody "$(config .config.User)"
	equal linux "$(config .os)"
}

@test "history: one entry an instruction, as BuildKit words them" {
	echo x >x
	dockerfile <<-'EOF'
		FROM scratch
		ARG A=1
		ENV E=2
		COPY x /x
		WORKDIR /w
		EXPOSE 80
		CMD ["/x", "y"]
	EOF
	build -t t
	equal 'ARG A=1|true
ENV E=2|true
COPY x /x # buildkit|false
WORKDIR /w|false
EXPOSE [80/tcp]|true
CMD ["/x" "y"]|true' "$(config '.history[] | "\(.created_by)|\(.empty_layer // false)"')"
	equal buildkit.dockerfile.v0 "$(config '[.history[].comment] | unique | join(",")')"
	equal 2 "$(config '.rootfs.diff_ids | length')"
}

@test "history: RUN has its arguments, and entries of the base stay" {
	dockerfile <<-'EOF'
		FROM alpine:3.19
		ARG A=1
		RUN echo $A
	EOF
	build -t t
	equal 'RUN |1 A=1 /bin/sh -c echo $A # buildkit' "$(config '.history[-1].created_by')"
	matches "*busybox rootfs*" "$(config '.history[0].created_by')"
	equal "$(config '[.history[] | select(.empty_layer | not)] | length')" "$(config '.rootfs.diff_ids | length')"
}

# ---- outputs

@test "-o: a folder and a tar hold the files as they are" {
	mkdir d && echo x >d/x && chmod 640 d/x && touch -d @1000000000 d/x
	dockerfile <<-'EOF'
		FROM scratch
		COPY --chown=3:4 d /d
	EOF
	build -o out
	ROOTFS=out
	equal "file 640 ${HEW_TEST_UID:-3}:${HEW_TEST_UID:-4} 2" "$(entry d/x)" # an ordinary user owns what it writes
	equal 1000000000 "$(mtime d/x)"
	build -o type=tar,dest=out.tar
	matches "*-rw-r----- 3/4 * 2 *d/x*" "$(tar --numeric-owner -tvf out.tar)"
	hew build -q -o - . | tar -t | grep -qx 'd/x'
}

@test "-o: oci and docker archives and layouts are read by skopeo" {
	echo x >x
	dockerfile <<-'EOF'
		FROM alpine:3.19
		COPY x /x
	EOF
	build -t t -o type=oci,dest=oci.tar -o type=docker,dest=docker.tar -o type=oci,tar=false,dest=layout
	local want
	want=$(config '.rootfs.diff_ids | join(" ")')
	for from in oci-archive:oci.tar docker-archive:docker.tar oci:layout; do
		equal "$want" "$(skopeo inspect --config "$from" | jq -r '.rootfs.diff_ids | join(" ")')"
	done
}

@test "two names, and the image id is the config's digest" {
	printf 'FROM scratch\nCOPY Dockerfile /\n' | dockerfile
	build -t one -t two:2
	equal "$ID" "sha256:$(sha256sum <"$(blob "$ID")" | cut -d' ' -f1)"
	equal "$ID" "$(hew inspect one | jq -r '.[0].Id')"
	equal "$ID" "$(hew inspect two:2 | jq -r '.[0].Id')"
}
