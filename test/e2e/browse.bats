#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hew browse, in a terminal that tmux emulates: keys go in, the screen is looked at. What has to be on it comes
# from a docker archive that python made, and from python's reading of that.
load lib/hew

setup_file() {
	suite_setup
	export IMAGE=$BATS_FILE_TMPDIR/image.tar
	python3 "$E2E_LIB/craft" image "$IMAGE" <<-'END'
		folder("etc"); file("etc/app.conf", b"one\n"); file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
		folder("data"); file("data/old.bin", b"o" * 100000)
		file("usr/bin/tool", b"#!/bin/sh\n" * 300, mode=0o4755)
		file("usr/lib/big.so", b"b" * 500000, uid=1000, gid=50)
		file("var/log/build.log", b"l" * 20000)
		layer()
		folder("etc"); file("etc/app.conf", b"two\n")
		folder("data"); file("data/.wh.old.bin", b"")
		file("usr/bin/hard", b"#!/bin/sh\n", mode=0o755); hard("usr/bin/new", "usr/bin/hard", mode=0o755)
		symlink("usr/bin/link", "new")
		layer()
		file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n", mode=0o600)
		file("names/esc-\x1b[31mred", b"1"); file("names/line\nbreak", b"22")
		file("names/\u4e2d\u6587\u540d.txt", b"333"); file("names/cafe\u0301", b"4444")
		file("names/over\u202eride", b"55555"); file("names/csi-\u009b31m", b"666666")
		file("names/wide-\uff21\u3042", b"7777777")
		file("var/log/.wh.build.log", b"")
		history += ["COPY base / # buildkit", "RUN /bin/sh -c rm data/old.bin && make install # buildkit",
		            "/bin/sh -c #(nop) COPY names / "]
	END
	chmod 644 "$IMAGE"
}

setup() {
	test_setup
	N_MUX=0
}

teardown() {
	shut
	test_teardown
}

# mux ARGS...: a tmux of this test's own
mux() { env -u TMUX tmux -S "$BATS_TEST_TMPDIR/tmux$N_MUX" -f /dev/null "$@" 3>&-; }

# shut: the terminal is closed; the next one has a server of its own, as this one takes its time to go
shut() {
	mux kill-server 2>/dev/null || true
	N_MUX=$((N_MUX + 1))
	rm -f "$BATS_TEST_TMPDIR"/{before,after,status}
}

# open COLUMNSxROWS [VARIABLE=VALUE]... [-- ARGUMENT...]: hew browse, on the crafted image if no other is said. before and
# after are what stty says of the terminal, status is how it ended.
open() {
	local size=$1 variables=()
	shift
	while [[ ${1-} == *=* ]]; do
		variables+=("$1")
		shift
	done
	[ "${1-}" != -- ] || shift
	[ $# -gt 0 ] || set -- "docker-archive:$IMAGE"
	[ -z "${HEW_TEST_UID-}" ] || readable
	cat >"$BATS_TEST_TMPDIR/inside" <<-END
		stty -g >"$BATS_TEST_TMPDIR/before"
		echo prompt
		env LANG=C.UTF-8 ${variables[*]@Q} hew browse -q ${*@Q} 2>"$BATS_TEST_TMPDIR/err"
		echo \$? >"$BATS_TEST_TMPDIR/status"
		stty -g >"$BATS_TEST_TMPDIR/after"
		exec cat
	END
	mux new-session -d -x "${size%x*}" -y "${size#*x}" bash "$BATS_TEST_TMPDIR/inside"
	sees efficiency
}

screen() { mux capture-pane -p "$@"; }
line() { screen | sed -n "$1p"; }
keys() { mux send-keys "$@"; }
on_screen() { screen | grep -qF -- "$1"; }
off_screen() { ! on_screen "$1"; }
sees() { wait_for on_screen "$1" || { screen; return 1; }; }
# The tree alone has the name, or no longer.
in_tree() { screen | sed -n 's/^[^│]*│.*[├└] //p' | sed 's/^[▾▸] //; s/ *$//' | grep -qxF -- "$1"; }
not_in_tree() { ! in_tree "$1"; }
lists() { wait_for in_tree "$1" || { screen; return 1; }; }
lists_no_more() { wait_for not_in_tree "$1" || { screen; return 1; }; }
sees_no_more() { wait_for off_screen "$1" || { screen; return 1; }; }
# what: of the pane, a format of tmux
pane() { mux display-message -p "$1"; }

# ended STATUS: it has, and left the terminal as it was
ended() {
	wait_for test -s "$BATS_TEST_TMPDIR/after"
	equal "$1" "$(cat "$BATS_TEST_TMPDIR/status")"
	equal "$(cat "$BATS_TEST_TMPDIR/before")" "$(cat "$BATS_TEST_TMPDIR/after")"
	# the screen of before, with its cursor
	equal "0 1" "$(pane '#{alternate_on} #{cursor_flag}')"
	equal prompt "$(line 1)"
}

screen_is_plain() { [ "$(pane '#{alternate_on}')" = 0 ]; }
rows() { screen | python3 "$E2E_LIB/browse_rows.py" got; }
wanted() { python3 "$E2E_LIB/browse_rows.py" want "$@"; }
process() { find /proc/[0-9]*/exe -maxdepth 0 -lname "$HEW_PROGRAM*" -printf '%h\n' 2>/dev/null | sed 's,/proc/,,' | head -n 1; }

# ---- what is shown

@test "80 x 24: layers, details and files" {
	open 80x24
	equal "$(cat <<-'END'
		─ ● Layers ─────────────────│─ Files: changes of layer 1 (623kB) ───────────────
		      size instruction      │   permission ids   size  name
		>+1  623kB COPY base /      │>+ drwxr-xr-x 0:0  100kB ├ ▸ data
		  2    14B RUN rm data/old.…│ + drwxr-xr-x 0:0    34B ├ ▸ etc
		  3    58B COPY names /     │ + drwxr-xr-x 0:0  503kB ├ ▸ usr
		─ Layer 1 of 3 ─────────────│ + drwxr-xr-x 0:0   20kB └ ▸ var
		623kB, 8 entries            │
	END
	)" "$(screen | head -n 7)"
	matches "sha256:*│" "$(line 8)"
	local digest
	digest=$(line 8; line 9; line 10)
	equal "$(tar -xOf "$IMAGE" 0/layer.tar | sha256sum | cut -c 1-64)" \
		"$(sed 's/sha256://; s/ *│.*//' <<<"$digest" | tr -d '\n')"
	sees "COPY base /"
	sees "623kB, efficiency 80 %"
	sees "wasted 120kB"
	matches "/data *1/4" "$(line 23)"
	matches "q quit*" "$(line 24)"
	# the second layer's whole instruction
	keys j
	sees "Layer 2 of 3"
	sees "RUN rm data/old.bin && make"
	sees "install"
	matches "*changes of layer 2 (523kB)*" "$(line 1)"
}

@test "120 x 40, every layer, one by one and together: the rows are those that python works out" {
	open 120x40
	keys Tab z
	lists old.bin
	equal "$(wanted "$IMAGE" 1 0)" "$(rows)"
	keys ']'
	sees "changes of layer 2"
	equal "$(wanted "$IMAGE" 2 1)" "$(rows)"
	keys c ']'
	sees "changes of layers 2 to 3"
	equal "$(wanted "$IMAGE" 3 1)" "$(rows)"
	keys '[' '['
	sees "layer 1, before all changes"
	equal "$(wanted "$IMAGE" 1 1)" "$(rows)"
}

@test "layers made at random: the rows are those that python works out" {
	local seed
	for seed in 1 2 3; do
		python3 "$E2E_LIB/craft" image "random$seed.tar" <<-END
			import random
			r = random.Random($seed)
			names = ["a", "b", "c-d", "c.d", "c"]
			for n in range(4):
			    if n:
			        layer()
			    seen = set()
			    for _ in range(14):
			        path = "/".join(r.choice(names) for _ in range(r.randint(1, 3)))
			        if any(path == p or path.startswith(p + "/") or p.startswith(path + "/") for p in seen):
			            continue
			        seen.add(path)
			        act = r.randint(0, 5 if n else 3)
			        if act < 3:
			            file(path, b"x" * r.randint(0, 3000), mode=r.choice([0o644, 0o755]), uid=r.choice([0, 7]))
			        elif act == 3:
			            folder(path, mode=r.choice([0o755, 0o1777]))
			        else:
			            head, _, tail = path.rpartition("/")
			            file((head + "/" if head else "") + ".wh." + tail, b"")
		END
		open 100x90 -- "docker-archive:$PWD/random$seed.tar"
		keys Tab z
		local upper
		for upper in 1 2 3 4; do
			sees "changes of layer $upper"
			equal "$(wanted "random$seed.tar" "$upper" $((upper - 1)))" "$(rows)"
			keys ']'
		done
		keys q
		ended 0
		shut
	done
}

@test "folders open and fold, with space, enter, arrows, and all at once" {
	open 80x24
	keys Tab Down Space
	lists app.conf
	matches "*│>+ drwxr-xr-x 0:0    34B ├ ▾ etc" "$(line 4)"
	keys Enter
	lists_no_more app.conf
	keys Right
	lists app.conf
	keys l
	sees "/etc/app.conf  (layer 1)"
	keys Left
	sees "/etc  (layer 1)"
	equal "4 3" "$(pane '#{cursor_y} 3' | awk '{ print $1 + 1, $2 }')" # where a screen reader looks
	keys C-Space
	lists build.log
	sees "└ build.log"
	keys End
	sees "/var/log/build.log  (layer 1)"
	keys Home z
	lists_no_more build.log
	sees "/data  (layer 1)"
}

@test "filter: text, regular expressions, what is none; while typing" {
	open 80x24
	keys /
	keys -l bi
	sees "Filter: bi"
	lists tool # /usr/bin/tool
	lists_no_more app.conf
	sees "3 files"
	keys BSpace BSpace
	keys -l '(conf|so)$'
	lists app.conf
	lists big.so
	lists_no_more tool
	sees "2 files"
	keys Enter
	sees "Esc drops it"
	keys Escape
	sees_no_more Filter
	lists_no_more app.conf # folded, as before
	keys C-f
	keys -l '[x'
	sees "as text"
	sees "nothing contains this text"
	keys Escape
	sees "▸ etc"
}

@test "what was added, removed, modified or is unmodified is hidden and shown" {
	open 80x24
	keys j Tab z
	sees "│ └ old.bin"
	equal "- + ~ =" "$(for k in old.bin hard app.conf passwd; do rows | awk -v k=$k '$NF == k { print $1 }'; done | paste -sd' ')"
	keys C-u
	lists_no_more passwd
	sees "hidden: unmodified"
	keys C-r
	lists_no_more old.bin
	keys C-a
	lists_no_more hard
	keys M
	lists_no_more app.conf
	sees "nothing that is not hidden"
	keys A R U M
	lists passwd
	lists old.bin
	sees_no_more hidden
}

@test "the heaviest first; permissions and owners away" {
	open 80x24
	keys Tab s
	sees "sorted by size"
	equal "usr data var etc" "$(rows | awk '{ print $NF }' | paste -sd' ')"
	keys C-b
	sees_no_more permission
	sees "623kB"
	matches "*│>+  503kB ├ ▸ usr" "$(line 3)"
}

@test "waste: from one to the next, wherever it is, with what to write instead" {
	open 80x24
	keys w
	sees "waste 1 of"
	sees "100kB deleted in layer 2"
	matches "*│>+ -rw-r--r-- 0:0  100kB │ └ old.bin" "$(line 4)"
	sees "Instead: "
	keys / x Enter
	sees "Filter: x"
	keys w
	sees "20kB deleted in layer 3"
	sees "└ build.log"
	sees_no_more Filter
	keys W
	sees "waste 1 of"
}

# ---- names from outside

@test "names of every kind break no column and send nothing to the terminal" {
	local locale
	for locale in C.UTF-8 C; do
		open 90x40 LANG="$locale"
		keys j j Tab z
		sees 'esc-\x1b[31mred'
		sees 'line\x0abreak'
		sees 'csi-\xc2\x9b31m'
		sees 'over\xe2\x80\xaeride'
		# every line but the last two has its bar at the same column, however wide the names
		equal 31 "$(screen | head -n 38 | tr '|' '\003' | sed 's/│/\x03/g' | python3 "$E2E_LIB/browse_rows.py" bars)"
		if [ $locale = C ]; then
			sees '\xe4\xb8\xad'
			equal "" "$(screen | LC_ALL=C grep $'[\x80-\xff]')"
		else
			sees '中文名.txt'
			sees $'cafe\u0301'
			sees 'wide-Ａあ'
		fi
		keys q
		ended 0
		shut
	done
}

@test "with colour and without" {
	open 80x24
	keys j Tab z
	lists old.bin
	screen -e | grep -qE $'\033\\[31m(\033\\[49m)? - -rw-r--r--.*old.bin'
	screen -e | grep -qE $'\033\\[32m(\033\\[49m)? \\+ -rwxr-xr-x.*hard'
	keys q
	ended 0
	shut
	open 80x24 NO_COLOR=1
	keys j Tab z
	sees "- -rw-r--r--"
	equal "" "$(screen -e | grep -o $'\033\\[[0-9;]*3[0-7][0-9;]*m' || true)"
	screen -e | grep -qE $'\033\\[[0-9;]*7m(\033\\[[0-9;]*m)*>~ d' # the chosen row is seen all the same
}

# ---- files out of it

@test "extraction: the bytes, beside nothing else, over nothing, as nobody else" {
	open 80x24
	keys Tab /
	keys -l tool
	keys Enter End C-e
	sees "wrote 'tool' (3kB) to"
	equal "$(tar -xOf "$IMAGE" 0/layer.tar | tar -xOf - usr/bin/tool | sha256sum)" "$(sha256sum <tool)"
	equal "755 ${HEW_TEST_UID:-0}" "$(stat -c '%a %u' tool)" # setuid in the image
	echo mine >tool
	keys C-e
	sees "nothing was written: 'tool' is in the working directory already"
	equal mine "$(cat tool)"
	keys Escape Home x
	sees "nothing was written: 'data' is a folder"
	# what was removed, a second name, a link, a name with an escape sequence
	keys ']' z Home j x
	sees "wrote 'old.bin' (100kB)"
	equal 100000 "$(tr -d -c o <old.bin | wc -c)"
	keys /
	keys -l /bin/new
	keys Enter End x
	sees "wrote 'new' (10B)"
	equal "#!/bin/sh" "$(cat new)"
	keys Escape /
	keys -l /bin/link
	keys Enter End x
	sees "'link' is a link: choose what it leads to, 'new'"
	keys Escape ']' /
	keys -l esc-
	keys Enter End x
	sees "wrote 'esc-\\x1b[31mred' (1B)"
	equal 1 "$(cat $'esc-\033[31mred')"
	keys Escape /
	keys -l break
	keys Enter End x
	sees "wrote 'line\\x0abreak' (2B)"
	keys q
	ended 0
	equal 5 "$(find . -type f -print0 | tr -dc '\0' | wc -c)" # and nothing else
}

@test "extraction: where nothing can be written it says so, and leaves nothing" {
	mkdir full && mount -t tmpfs -o size=64k,mode=777 tmpfs full && cd full
	open 80x24
	keys Tab z /
	keys -l old.bin
	keys Enter End x
	sees "nothing was written"
	sees "No space left"
	equal "" "$(ls)"
	keys q
	ended 0
	shut
	cd ..
	umount -l full
}

# ---- the terminal

@test "the terminal is given back: q, Ctrl+C" {
	local key
	for key in q C-c; do
		open 80x24
		equal "1 0" "$(pane '#{alternate_on} #{cursor_flag}')"
		keys "$key"
		ended 0
		equal "" "$(cat "$BATS_TEST_TMPDIR/err")"
		shut
	done
}

@test "the terminal is given back: signals, even those of a crash" {
	local row
	for row in TERM:130 INT:130 SEGV:139 ABRT:134 QUIT:131; do
		open 80x24
		kill "-${row%:*}" "$(process)"
		ended "${row#*:}"
		[ "${row#*:}" != 130 ] || equal "ERROR: cancelled" "$(tail -n 1 "$BATS_TEST_TMPDIR/err")"
		shut
	done
	nothing_left
}

@test "Ctrl+Z, the shell, and on with fg; stopped and continued from elsewhere" {
	mux new-session -d -x 80 -y 24 bash --norc --noprofile -i
	keys -l "PS1='here> '; export LANG=C.UTF-8; before=\$(stty -g); hew browse -q 'docker-archive:$IMAGE'"
	keys Enter
	sees efficiency
	keys j Tab z
	lists old.bin
	keys C-z
	sees "Stopped"
	equal "0 1" "$(pane '#{alternate_on} #{cursor_flag}')"
	keys -l '[ "$before" = "$(stty -g)" ] && echo restor''ed'
	keys Enter
	sees restored
	keys -l fg
	keys Enter
	lists old.bin
	sees "changes of layer 2"
	keys G
	sees "/var/log/build.log"
	kill -STOP "$(process)" # nobody can give the screen back then, but fg brings all again
	sees "Stopped"
	keys -l fg
	keys Enter
	sees_no_more "Stopped"
	keys g
	sees "/data  (layer 2)"
	kill -TSTP "$(process)"
	wait_for screen_is_plain
	keys -l fg
	keys Enter
	lists old.bin
	keys q
	sees "here>"
	keys -l '[ "$before" = "$(stty -g)" ] && echo restored ag''ain'
	keys Enter
	sees "restored again"
}

@test "another size while it runs; too small is said kindly" {
	open 80x24
	keys Tab z
	mux resize-window -x 120 -y 40
	sees "s sort" # there is room for more keys
	matches "*1/13" "$(line 39)"
	equal "$(wanted "$IMAGE" 1 0)" "$(rows)"
	mux resize-window -x 50 -y 10
	sees "The terminal has 50 x 10 characters"
	sees "press q"
	mux resize-window -x 60 -y 14
	sees "Layers"
	mux resize-window -x 1 -y 1
	mux resize-window -x 80 -y 24
	sees efficiency
	keys q
	ended 0
}

@test "help: all keys, scrolled where they are too many" {
	open 80x24
	keys '?'
	sees "Everywhere"
	sees_no_more "permissions and owners"
	keys PPage NPage
	sees "write the file to the working directory"
	keys x
	sees efficiency
	[ -z "$(ls)" ]
}

@test "no terminal, or a dumb one: an error that says what to use" {
	fails 2 hew browse "docker-archive:$IMAGE"
	has "standard output is no terminal: hew size and hew diff" "$LAST"
	local how
	for how in dumb ''; do
		mux new-session -d -x 100 -y 24 "env TERM=$how hew browse docker-archive:$IMAGE 2>err; echo \$? >status"
		wait_for test -s status
		equal 2 "$(cat status)"
		has "a terminal of the kind '$how' cannot place its cursor" "$(tail -n 1 err)"
		rm -f status err
		shut
	done
	mux new-session -d "hew browse docker-archive:$IMAGE </dev/null 2>err; echo \$? >status"
	wait_for test -s status
	has "standard input is no terminal" "$(tail -n 1 err)"
	shut
	rm -f status
	mux new-session -d "hew browse nothing:here 2>err; echo \$? >status"
	wait_for test -s status
	matches "ERROR: *" "$(tail -n 1 err)"
	[ "$(cat status)" -ne 0 ]
}

# ---- images

@test "images of the store, of a registry, in a layout, in an archive" {
	local from
	echo x >added
	dockerfile <<-'END'
		FROM alpine:3.19
		COPY added /
	END
	build -t mine
	skopeo copy -q "oci:$HEW_ROOT:docker.io/library/mine:latest" oci:layout:latest
	hew save -o archive.tar mine
	for from in mine "oci:$PWD/layout" "docker-archive:$PWD/archive.tar" ./archive.tar; do
		open 100x30 -- "$from"
		sees "Layer 1 of 2"
		sees "▸ etc"
		keys ']'
		sees "changes of layer 2"
		lists added
		keys q
		ended 0
		shut
	done
	HEW_ROOT=$BATS_TEST_TMPDIR/fresh open 100x30 -- alpine:3.19
	sees "Layer 1 of 1"
	sees "▸ etc"
}

@test "an image without layers" {
	python3 "$E2E_LIB/craft" image empty.tar <<<'layers.clear()'
	open 80x24 -- "docker-archive:$PWD/empty.tar"
	sees "no files"
	keys j k Tab Space w x / a Enter Escape G '?' q
	keys q
	ended 0
}

@test "a hundred thousand files are on the screen in 200 ms" {
	python3 "$E2E_LIB/craft" image big.tar <<-'END'
		for i in range(100000):
		    file("srv/%04d/file-%d.txt" % (i // 100, i), b"x%d" % i)
		layer()
		file("srv/0007/file-700.txt", b"new"); file("etc/motd", b"hello\n")
	END
	[ -z "${HEW_TEST_UID-}" ] || readable
	hew load -q -i big.tar
	# of the processor's time: what else the machine does is not hew's
	local ms
	ms=$(python3 "$E2E_LIB/browse_time.py" crafted "$HEW")
	echo "$ms ms"
	[ "$ms" -le 200 ]
	open 80x24 -- crafted
	keys / 
	keys -l 'file-9999[0-9]'
	sees "10 files"
	sees file-99999.txt
}
