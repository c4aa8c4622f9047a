#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hew report: a page that needs nothing but itself. What stands in it is held against hew why and hew scan, and against a
# count over the layers' tars; what it does is tried in a browser.
load lib/hew
load lib/advisories

setup_file() {
	suite_setup
	advisories_setup
}

check() { python3 "$E2E_LIB/page_check.py" "$@"; }
drive() { python3 "$E2E_LIB/page_drive.py" "$@"; }

# app ARGS...: two stages that do not need each other, one that needs both; a file that a later layer deletes.
app() {
	mkdir -p a/node_modules/left-made-up
	echo '{"name":"left-made-up","version":"1.1.0"}' >a/node_modules/left-made-up/package.json
	dockerfile <<-'END'
		FROM debian:bookworm-slim AS one
		RUN head -c 300000 /dev/zero >/one; echo said by one; echo and again
		FROM debian:bookworm-slim AS two
		ARG WORD=a
		RUN echo $WORD >/two
		FROM debian:bookworm-slim AS three
		COPY --from=one /one /srv/
		COPY --from=two /two /srv/
		RUN head -c 200000 /dev/zero >/gone; ln /srv/one /srv/link
		RUN rm /gone
		COPY a /srv/
	END
	build -t app "$@"
}

# weigh NAME: bytes of all layers and those that can be seen, counted in the tars of an OCI layout.
weigh() {
	skopeo copy -q "oci:$HEW_ROOT:docker.io/library/$1:latest" "oci:$BATS_TEST_TMPDIR/$1.oci:x"
	python3 - "$BATS_TEST_TMPDIR/$1.oci" <<-'END'
		import json, os, sys, tarfile
		blob = lambda d: f"{sys.argv[1]}/blobs/{d.replace(':', '/')}"
		index = json.load(open(sys.argv[1] + "/index.json"))
		total, seen = 0, {}
		for layer in json.load(open(blob(index["manifests"][0]["digest"])))["layers"]:
		    new, gone = {}, []
		    for m in tarfile.open(blob(layer["digest"])):
		        path = os.path.normpath(m.name)
		        folder, name = os.path.split(path)
		        if name.startswith(".wh."):
		            gone.append(os.path.join(folder, name[4:]))
		        elif m.isreg():
		            new[path] = (m.size, layer["digest"] + path)
		            total += m.size
		        elif m.islnk():
		            new[path] = new[os.path.normpath(m.linkname)]
		        else:
		            new[path] = None
		    seen = {p: v for p, v in seen.items() if not any(p == g or p.startswith(g + "/") for g in gone)}
		    seen.update(new)
		print(total, sum(dict((i, s) for s, i in filter(None, seen.values())).values()))
	END
}

@test "page: well-formed, nothing from outside, the policy has the digests of what is in it; the same again" {
	app
	said hew report app
	equal hew-report-app.html "$OUT"
	check hew-report-app.html
	hew report -o - app >again
	cmp hew-report-app.html again
	hew report -q -o elsewhere.html app >out
	[ ! -s out ]
	cmp elsewhere.html again
	has "$ID" "$(check again text)"
	has "Base
debian:bookworm-slim" "$(check again text)"
	HEW_DB=$PWD/none hew report -o - app >nodb
	has "no advisory database" "$(check nodb text)"
	check nodb
}

@test "build: stages, states and reasons are those of hew why; what a step printed; what waited for what" {
	app
	build -t app --build-arg WORD=b
	hew report -o page.html app
	check page.html
	check page.html rows "Steps of the build" | tail -n +2 | cut -f 1-3 | sort >got
	hew why --format json | jq -r '.steps[] | [.stage, (.name | sub("^\\[[^]]*\\] "; "")), .state] | @tsv' | sort >want
	cmp want got
	equal "$(hew why --format json | jq '[.steps[] | select(.state == "cached")] | length')" "$(grep -c cached got)"
	local text
	text=$(check page.html text)
	has 'variable WORD is "b", was "a"' "$text"
	build -t app --no-cache
	hew report -o page.html app
	text=$(check page.html text)
	has "said by one
and again" "$text"
	matches "*Waited*for *RUN head -c 300000*" "$text"
}

@test "build: by its id; a failed one has no image, but an error and a log" {
	app --no-cache # of a cached one the page of the image would tell of the one that ran
	local id
	id=$(hew builds ls --format json | jq -rs 'flatten | .[0].id')
	hew report -o one.html "$id"
	hew report -o two.html app:latest
	cmp one.html two.html
	printf 'FROM debian:bookworm-slim\nRUN echo about to fail; exit 3\n' | dockerfile
	build_fails 5 -t bad
	hew report -o bad.html ^0
	check bad.html
	local text
	text=$(check bad.html text)
	has "did not complete successfully: exit code: 3" "$text"
	has "about to fail" "$text"
	has_not "Where the bytes are" "$text"
	fails 6 hew report --compare app -o x.html ^0
	fails 6 hew report -o x.html ^99
	[ ! -e x.html ]
}

@test "bytes: of layers and of what can be seen, as a count over the tars has them" {
	app
	hew report -o page.html app
	local total seen
	read -r total seen <<<"$(weigh app)"
	check page.html trees >trees
	equal "$total" "$(jq '.layers[1]' trees)"
	equal "$((total - seen))" "$(jq '.layers[2]' trees)"
	equal "$seen" "$(jq '.folders[1]' trees)"
	equal "$seen" "$(jq '.packages[1]' trees)"
	# every node is the sum of what is in it
	jq -e '[.. | arrays | select(length == 6 and (.[0] | type) == "string") |
		.[1] == ([.[5][][1]] | add) + (if .[4] == 0 then 0 else .[4][0] end)] | all' trees
	equal 200000 "$(jq '[.layers[5][] | select(.[0] | test("RUN head -c 200000")) | .[2]] | add' trees)"
	has "200 kB" "$(check page.html rows "Waste, the heaviest first" | grep /gone)"
}

@test "flaws: those of hew scan, each with its fix" {
	app
	hew report -o page.html app
	check page.html rows "Known flaws, the most severe first" | tail -n +2 | cut -f 2 | cut -d';' -f 1 | sort -u >got
	hew scan -q --format json app | jq -r '.Results[].Vulnerabilities[]?.VulnerabilityID' | sort -u >want
	[ -s want ]
	equal "$(cat want)" "$(cat got)"
	has "1.2.0" "$(check page.html rows "Known flaws, the most severe first" | grep left-made-up)"
}

@test "compare: what has come and gone since another image" {
	app
	hew report --compare debian:bookworm-slim -o page.html app
	check page.html
	has "left-made-up" "$(check page.html rows Packages | grep gained)"
	equal "$(hew diff -q --format json debian:bookworm-slim app | jq -r '.flaws[] | "\(.change) \(.flaw)"' | sort)" \
		"$(check page.html rows Flaws | tail -n +2 | awk -F'\t' '{ print $1, $2 }' | sort)"
	hew report --compare app -o back.html debian:bookworm-slim
	has "left-made-up" "$(check back.html rows Packages | grep lost)"
	has "/srv" "$(check back.html rows "Folders, by how much they changed")"
	printf 'FROM debian:bookworm-slim\nENV WORD=<b>\n' | dockerfile
	build -t env
	hew report --compare debian:bookworm-slim -o env.html env
	equal "gained	WORD	env	–	<b>" "$(check env.html rows Configuration | tail -n +2)"
	has "The same in both." "$(check env.html text)"
}

@test "hostile: names, instructions, logs and versions make neither markup nor script" {
	mkdir -p "a/<b onclick=x>" "b/node_modules/x"
	head -c 9000 /dev/zero >"a/<b onclick=x>/'\"><svg onload=alert(1)>"
	head -c 9000 /dev/zero >a/$'bi\xe2\x80\xaedi\xe2\x80\xa8\x01\xff\x1b[31m\n&amp;'
	printf '{"name":"<i>x\u2028","version":"</script>\u202e"}' >b/node_modules/x/package.json
	dockerfile <<-'END'
		FROM debian:bookworm-slim AS one
		RUN printf '</pre></script><script>alert(1)</script>\033[31m\n' && echo '</td><!--'
		COPY a "/srv/</script><script>alert(2)</script>/"
		COPY b /srv/
		LABEL a="</title>"
		CMD ["</dd><script>alert(3)</script>"]
	END
	build -t app
	hew tag app "registry.example.com/a/b:1"
	hew report --compare debian:bookworm-slim -o page.html app
	check page.html
	hew report registry.example.com/a/b:1 >name
	equal hew-report-registry.example.com-a-b-1.html "$(cat name)"
	check page.html trees >trees
	grep -q 'onclick=x' trees
	has '\u202e' "$(check page.html text)$(cat trees)"
	has '<script>alert(1)</script>' "$(check page.html text)"
}

@test "what is no image, a file that cannot be written: an error, and nothing is left" {
	app
	mkdir folder
	fails 2 hew report ./folder
	fails 6 hew report -o x.html ./none.tar
	fails 1 hew report -o none/x.html app
	fails 2 hew report
	equal "" "$(find . -name '*.html*')"
}

@test "from an archive, a layout, a registry" {
	app
	hew save -o app.tar app
	hew report -o tar.html ./app.tar
	hew report -o layout.html "oci:$HEW_ROOT:docker.io/library/app:latest"
	hew report -o registry.html docker://debian:bookworm-slim
	for f in tar layout registry; do check "$f.html"; done
	check registry.html trees | jq -e '.folders[1] > 10000000'
}

@test "a hundred thousand files: below a megabyte, and every byte is counted" {
	python3 - >many.tar <<-'END'
		import sys, tarfile, io
		t = tarfile.open(fileobj=sys.stdout.buffer, mode="w|")
		for i in range(100000):
		    m = tarfile.TarInfo(f"srv/{'x' * (i % 180)}{i % 97}/{i % 11}/a long name of a file {i}")
		    m.size = i % 300
		    t.addfile(m, io.BytesIO(b"x" * m.size))
		t.close()
	END
	hew import many.tar many
	hew report -o page.html many
	check page.html
	equal "$(python3 -c 'print(sum(i % 300 for i in range(100000)))') 100000" "$(check page.html trees | jq -r '.folders | "\(.[1]) \(.[3])"')"
	drive page.html
}

@test "browser: no complaints, all by keys, contrast, both themes, narrow, without script" {
	app
	hew report --compare debian:bookworm-slim -o page.html app
	drive page.html
	printf 'FROM debian:bookworm-slim\nRUN echo about to fail; exit 3\n' | dockerfile
	build_fails 5 -t bad
	hew report -o bad.html ^0
	drive bad.html
}
