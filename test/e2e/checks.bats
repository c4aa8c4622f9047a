#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The checks of tools/: they hold for this tree, and each can fail: it is given a copy of the tree with one thing
# wrong, and must name it.
load lib/hew

# A copy of what the checks look at; the test stands in it.
copy_tree() {
	mkdir tree && cd tree || return 1
	cp -a "$TOP"/{src,test,tools,script,bench,doc,.ci,.clang-format,.clang-tidy,meson.build,ARCHITECTURE.md} .
}

# finds TEXT CHECK...: it ends with 1 and says TEXT.
finds() {
	local text=$1 out rc=0
	shift
	out=$("$@" 2>&1) || rc=$?
	equal 1 "$rc"
	has "$text" "$out"
}

# breaks FILE LINE TEXT CHECK...: finds TEXT once LINE is added to FILE, and nothing once it is gone.
breaks() {
	local file=$1 line=$2 text=$3
	shift 3
	cp "$file" ../before
	printf '%s\n' "$line" >>"$file"
	finds "$text" "$@"
	cp ../before "$file"
	"$@"
}

@test "this tree is as the checks want it" {
	for check in layers size words license format; do "$TOP/tools/check-$check"; done
}

@test "check-layers: directions, spellings, private headers, #pragma once" {
	copy_tree
	layers() { breaks "$1" "#include $2" "$1:" tools/check-layers; }
	layers src/base/buf.c '"store/store.h"'
	layers src/store/open.c '"registry/registry.h"'
	layers src/sandbox/step.h '"image/digest.h"'
	layers src/main.c '"store/store.h"'
	layers src/exec/run.c '"store/store-int.h"'
	layers src/exec/run.c '"base/../base/buf.h"'
	layers src/exec/run.c '"base//buf.h"'
	layers src/exec/run.c '"exec-int.h"'
	layers src/exec/run.c '<base/buf.h>'
	layers src/exec/run.c '"cmd/command.h"'
	printf 'int x;\n' >src/base/bare.h
	finds "src/base/bare.h: no #pragma once" tools/check-layers
	rm src/base/bare.h
	mkdir src/attic
	printf '#pragma once\n' >src/attic/old.h
	finds "'attic' is not in tools/layers.txt" tools/check-layers
}

@test "check-size: a function of 71 lines, a file of 601" {
	copy_tree
	function_of() { # LINES
		printf 'int long_one(void)\n{\n'
		yes '	;' | head -n $(($1 - 3))
		printf '}\n'
	}
	function_of 70 >src/base/new.c
	tools/check-size
	function_of 71 >src/base/new.c
	finds "src/base/new.c:1: long_one has 71 lines" tools/check-size
	yes '// line' | head -n 600 >src/base/new.c
	tools/check-size
	yes '// line' | head -n 601 >src/base/new.c
	finds "src/base/new.c: 601 lines" tools/check-size
}

@test "check-words: unfinished business, names that say nothing" {
	copy_tree
	for word in TO'DO' FIX'ME' XX'X' HA'CK'; do
		breaks src/exec/run.c "// $word: later" src/exec/run.c: tools/check-words
		breaks test/e2e/lib/hew.bash "# $word later" test/e2e/lib/hew.bash: tools/check-words
	done
	for name in src/base/util.c test/unit/helpers.h tools/misc script/lib/store_common.bash; do
		touch "$name"
		finds "$name: the name does not say what is inside" tools/check-words
		rm "$name"
	done
	tools/check-words
}

@test "check-license: code of every kind" {
	copy_tree
	for name in src/base/new.c src/base/new.h test/e2e/new.bats script/lib/new.bash test/new.py src/new/meson.build; do
		mkdir -p "${name%/*}"
		printf 'one\ntwo\nthree\nSPDX-License-Identifier: Apache-2.0\n' >"$name"
		finds "$name: no SPDX" tools/check-license
		printf 'SPDX-License-Identifier: Apache-2.0\n' >"$name"
		tools/check-license
		printf 'SPDX-License-Identifier: MIT\n' >"$name"
		finds "$name: no SPDX" tools/check-license
		rm "$name"
	done
	printf '#!/bin/sh\ntrue\n' >tools/new
	finds "tools/new: no SPDX" tools/check-license
	printf 'text\n' >tools/new
	tools/check-license
}

@test "check-format: a blank too many, a line too long, in source and header" {
	copy_tree
	breaks src/base/buf.c 'int  x;' src/base/buf.c: tools/check-format
	breaks test/unit/store_fixture.h "// $(printf 'word %.0s' {1..20})" store_fixture.h: tools/check-format
}

@test "check-docs: options, exit statuses, pages and rooms" {
	copy_tree
	docs() { tools/check-docs "$HEW"; }
	docs
	sed -i '/^\*--no-cache\*/d' doc/hew-build.1.scd
	finds "doc/hew-build.1.scd: its options are not those" docs
	cp "$TOP/doc/hew-build.1.scd" doc
	printf '*--invented*\n' >>doc/hew-run.1.scd
	finds "doc/hew-run.1.scd: its options are not those" docs
	cp "$TOP/doc/hew-run.1.scd" doc
	rm doc/hew-tag.1.scd
	finds "doc/hew-tag.1.scd is missing" docs
	cp "$TOP/doc/hew-tag.1.scd" doc
	sed -i 's/^\tX(ERR_NET, 7,/\tX(ERR_NET, 77,/' src/base/err.h
	finds "exit status 77 is missing" docs
	cp "$TOP/src/base/err.h" src/base
	sed -i '/^store:/s/$/ registry/' tools/layers.txt
	finds "store may include" docs
}

@test "check-tidy: a finding in a source, and in a header of ours" {
	copy_tree
	mkdir -p build
	rm -rf src && mkdir -p src/base
	tidy() { tools/check-tidy build; }
	compile() {
		cat >src/base/new.c
		printf '[{"directory": "%s/build", "file": "../src/base/new.c", "command": "cc -I../src -c ../src/base/new.c"}]' \
			"$PWD" >build/compile_commands.json
	}
	compile <<<'int twice(int n);
int twice(int n) { return 2 * n; }'
	tidy
	compile <<<'#include <stdlib.h>
int last(void);
int last(void) { int *p = malloc(sizeof(*p)); free(p); return *p; }'
	finds "Use of memory after it is freed" tidy
	compile <<<'#include <string.h>
int same(const char *a, const char *b);
int same(const char *a, const char *b) { if (strcmp(a, b)) return 0; return 1; }'
	finds bugprone-suspicious-string-compare tidy
	printf '#pragma once\n#define TWICE(n) n * 2\n' >src/base/new.h
	compile <<<'#include "base/new.h"
int twice(int n);
int twice(int n) { return TWICE(n); }'
	finds bugprone-macro-parentheses tidy
}

# The names are worked out from what glibc's manual says of each: no bound, no error, hidden state.
@test "banned functions cannot be called, with either compiler, anywhere" {
	local names=(strcpy strcat sprintf vsprintf strtok strncpy strncat stpcpy alloca gets atoi atol atoll atof
		system popen basename dirname localtime gmtime ctime asctime mktemp tmpnam tempnam rand srand)
	for cc in gcc "clang -ferror-limit=0"; do
		for name in "${names[@]}"; do printf 'void *x_%s = (void *)%s;\n' "$name" "$name"; done >banned.c
		# shellcheck disable=SC2086 # a word or two
		$cc -D_GNU_SOURCE -O2 -D_FORTIFY_SOURCE=2 -include "$TOP/src/base/banned.h" -fsyntax-only banned.c 2>out ||
			true
		for i in "${!names[@]}"; do
			grep -q "^banned.c:$((i + 1)):.*poisoned" out || { echo "$cc: ${names[i]}"; false; }
		done
	done
	jq -e 'length > 100 and all(.[]; .command | test("-include [^ ]*src/base/banned.h "))' \
		"${HEW_TEST_BIN%/*}/compile_commands.json"
}
