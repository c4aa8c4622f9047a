#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hew debug vercmp: which of two versions is the older one, against the package managers' own code.
load lib/hew

# same_order ECOSYSTEM FILE: hew has the signs of the lines "A < B".
same_order() {
	[ "$(wc -l <"$2")" -ge 1 ]
	sed 's/ [<=>] / /' "$2" | hew debug vercmp "$1" - >got
	diff "$2" got
}

@test "vercmp: one pair" {
	equal "<" "$(hew debug vercmp debian 1.0~rc1-1 1.0-1)"
	equal ">" "$(hew debug vercmp rpm 1:0.1-1 9-9)"
	equal "=" "$(hew debug vercmp PyPI 1.0a1 1.0.alpha1)"
	equal "<" "$(hew debug vercmp Alpine:v3.19 1.36.1-r5 1.36.1-r15)"
	fails 2 hew debug vercmp npm latest 1.0.0
	has '"latest" is no version that semver knows: it does not begin with a number' "$LAST"
	fails 2 hew debug vercmp Hex 1 2
	has 'unknown ecosystem "Hex"' "$LAST"
	fails 2 hew debug vercmp npm 1.0.0
	fails 2 hew debug vercmp maven 1 "$(printf '%600d' 1 | tr ' ' 1)"
	has "longer than" "$LAST"
}

@test "vercmp: ten thousand random pairs, against dpkg" {
	perl -MDpkg::Version - >pairs <<-'END'
		srand(7);
		my @c = split //, '01234567890123abzAZ..++~~-';
		sub version {
			my $v = int(rand 10) . join '', map { $c[rand @c] } 1 .. 1 + rand 8;
			$v =~ s/-$/-1/;
			return rand() < 0.2 ? int(rand 3) . ":$v" : $v;
		}
		for (1 .. 10000) {
			my ($a, $b) = (version(), version());
			substr($b = $a, rand length $a, 1) = int(rand 10) if rand() < 0.5;
			my $order = version_compare($a, $b);
			print "$a ", $order < 0 ? '<' : $order > 0 ? '>' : '=', " $b\n";
		}
	END
	equal 10000 "$(wc -l <pairs)"
	same_order dpkg pairs
}

@test "vercmp: ten thousand random pairs, against npm's semver" {
	cat >pairs.js <<-'END'
		const semver = require(process.argv[2] + "/npm/node_modules/semver")
		const words = ["1", "2", "10", "a", "b", "-", ".", "beta", "rc", "0", "+", "x"]
		let state = 5
		const random = n => { state = (state * 1103515245 + 12345) & 0x7fffffff; return (state >> 8) % n }
		function version() {
			let v = `${random(3)}.${random(3)}.${random(3)}`
			if (random(2)) v += "-"
			for (let i = v.endsWith("-") ? random(5) + 1 : 0; i--;) v += words[random(words.length)]
			return v
		}
		for (let n = 0; n < 10000;) {
			const a = version(), b = random(2) ? version() : a + words[random(words.length)]
			if (!semver.valid(a) || !semver.valid(b)) continue
			n++
			console.log(a, "<=>"[semver.compare(a, b) + 1], b)
		}
	END
	node pairs.js "$(npm root -g)" >pairs
	same_order npm pairs
}

@test "vercmp: the orders of ten thousand published versions" {
	local data=$TOP/test/data/version-vectors name
	for name in alpine debian maven pypi redhat rubygems semver; do
		cat "$data/$name"-versions*.txt | grep -vE '^(#|//|$)' | sed 's/ *$//' >"$name"
		same_order "$name" "$name"
	done
	[ "$(cat alpine debian maven pypi redhat rubygems semver | wc -l)" -gt 8000 ]
}
