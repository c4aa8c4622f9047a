#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""language.py replay CASES HEW-ROOT FOLDER: every case of a file of test/data/language, built with hew in the
store HEW-ROOT and compared with what BuildKit made of it (CASES' .golden). FOLDER is for contexts.
language.py bases FILE: the base images of the cases as an archive of docker's, for any builder to load.
language.py rules: the cases that show what the rules of normalisation are for.

A file of cases:

    === NAME                        one case
    # 1.7 COPY: a rule, in words    which rule it shows; the number is a section of the reference
    --- args                        options of the build, one a line
    --- setup                       a shell script, run in the context
    --- only-root                   why an ordinary user's hew cannot
    --- hand                        why the golden is not BuildKit's but written by hand
    --- differs                     why hew means to differ from BuildKit; the golden is then hew's
    --- any other name              a file of the context (Dockerfile), as it stands

A golden has, after the same `=== NAME`, whose it is and what the result holds:

    error KIND LINE                 or, of a build that succeeds:
    config KEY VALUE                of the image's configuration
    layer WORDS, empty WORDS        of its history, with and without a layer; @TIME behind them is an old one
    f PATH MODE OWNER SIZE CONTENT TIME {ATTRIBUTES}        a file; "d" a folder, "l" a link, "p", "c", "b"
    f PATH = OTHER                  another name of the same file
    t PATH TIME                     a folder of the base that has only another time
    gone PATH                       of the base

What is not compared, or made equal first, is the list NORMALISED; each of its rules names its case.
"""
import calendar
import collections
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time

import compare_images

NORMALISED = {  # rule: why; the case that needs it
    "now": ("times since 2020 are the build's own; of a folder they are not compared", "copy-file-names"),
    "base": ("what the base image brings, files and history, is left out", "copy-merge"),
    "absent": ("null, {}, [] and false in a config say as little as nothing", "config-empty-commands"),
    "machine": ("the machine's own architecture is called ARCH", "args-platform"),
    "expose": ("docker 26.1 words the history of EXPOSE as a map of Go", "config-expose"),
    "health": ("docker 26.1 quotes the parts of HEALTHCHECK in the history", "config-health"),
    "arg": ("docker 26.1 words ARG in the history by defaults, not by values", "args-given"),
    "kind": ("of an error its kind and its line are compared and not the words", "lex-unknown"),
}
ARCH = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
OLD, BASE_TIME, CONTEXT_TIME = 1577836800, 900000000, 1000000000
SECTIONS = ("args", "setup", "only-root", "hand", "differs")


# ---- cases


class Case:
    def __init__(self, name):
        self.name, self.rule, self.files, self.said = name, [], {}, {}

    def args(self):
        return self.said.get("args", "").split("\n")[:-1]


def read_cases(path):
    case, section, cases = None, None, []
    with open(path, encoding="utf-8", newline="\n") as f:
        for line in f:
            if line.startswith("=== "):
                case, section = Case(line[4:].strip()), None
                cases.append(case)
            elif line.startswith("--- "):
                section = line[4:].strip()
                (case.said if section in SECTIONS else case.files)[section] = ""
            elif section:
                (case.said if section in SECTIONS else case.files)[section] += line
            elif case and line.startswith("# "):
                case.rule.append(line[2:].strip())
    for case in cases:
        for text in (case.said, case.files):
            for name in text:  # a blank line parts cases
                text[name] = re.sub(r"\n\n$", "\n", text[name]) if text[name] != "\n" else ""
    return cases


def read_goldens(path):
    """Name -> lines; the lines in front of the first are ""."""
    goldens, lines = {}, []
    goldens[""] = lines
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            for line in f:
                if line.startswith("=== "):
                    lines = goldens[line[4:].strip()] = []
                elif line.strip():
                    lines.append(line.rstrip("\n"))
    return goldens


def make_context(case, folder, user=None):
    """The files, then what setup makes; all of one time, unless setup gave another old one."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for name, text in case.files.items():
        os.makedirs(os.path.dirname(f"{folder}/{name}"), exist_ok=True)
        with open(f"{folder}/{name}", "w", encoding="utf-8", newline="") as f:
            f.write(text)
    if user is not None:
        subprocess.run(["chown", "-R", f"{user}:{user}", folder], check=True)
    rights = {"user": user, "group": user, "extra_groups": []} if user is not None else {}
    if "setup" in case.said:
        subprocess.run(["sh", "-euc", case.said["setup"]], cwd=folder, check=True, umask=0o022, **rights)
    for at, folders, names in os.walk(folder, topdown=False):
        links = [name for name in folders if os.path.islink(f"{at}/{name}")]
        for path in [f"{at}/{name}" for name in names + links] + [at]:
            if os.lstat(path).st_mtime > OLD:
                os.utime(path, (CONTEXT_TIME, CONTEXT_TIME), follow_symlinks=False)


# ---- base images: one layer, several configurations

PASSWD = ("root:x:0:0:root:/root:/bin/sh\n# no entry\nbroken\napp:x:1001:1002:App:/home/app:/bin/sh\n"
          "other:x:1005:1005::/nonexistent:/bin/sh\n77:x:88:99::/:/bin/sh\n")
GROUP = "root:x:0:\napp:x:1002:\nmore:x:1003:other,app\nwheel:x:1004:app,other\n"
APPLETS = ("sh cat ls id stat mkdir rmdir rm ln touch chmod chown env pwd grep sort printf test true false echo mkfifo "
           "mknod head readlink tr wc cp mv dd find sed umask tail date sleep").split()


def base_layer():
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as t:

        def add(name, kind, mode, owner=(0, 0), content=b"", link=""):
            m = tarfile.TarInfo(name)
            m.type, m.mode, m.mtime, m.size, m.linkname = kind, mode, BASE_TIME, len(content), link
            m.uid, m.gid = owner
            t.addfile(m, io.BytesIO(content))

        def folder(name, mode=0o755, *owner):
            add(name, tarfile.DIRTYPE, mode, owner or (0, 0))

        for name in ("bin", "dev", "etc", "home", "proc", "run", "sys", "usr", "usr/lib", "usr/lib/deep"):
            folder(name)
        with open("/bin/busybox", "rb") as f:
            add("bin/busybox", tarfile.REGTYPE, 0o755, content=f.read())
        for name in APPLETS:
            add("bin/" + name, tarfile.SYMTYPE, 0o777, link="busybox")
        add("etc/passwd", tarfile.REGTYPE, 0o644, content=PASSWD.encode())
        add("etc/group", tarfile.REGTYPE, 0o644, content=GROUP.encode())
        folder("home/app", 0o700, 1001, 1002)
        folder("tmp", 0o1777)
        folder("own", 0o711, 3, 4)
        folder("own/sub", 0o2750, 5, 6)
        add("own/f", tarfile.REGTYPE, 0o640, (7, 8), b"old\n")
        add("own/hard", tarfile.LNKTYPE, 0o640, (7, 8), link="own/f")
        add("own/sub/f", tarfile.REGTYPE, 0o600, (5, 6), b"old\n")
        for name, target in (("lib", "usr/lib"), ("to-own", "/own"), ("to-file", "own/f"), ("up", "../../own"),
                             ("nowhere", "not/there"), ("loop", "loop"), ("via", "to-own")):
            add(name, tarfile.SYMTYPE, 0o777, link=target)
    return data.getvalue()


FULL = {
    "User": "app", "Env": ["PATH=/bin", "HOME=/home/app", "A=base", "B=base"], "Entrypoint": ["/bin/entry"],
    "Cmd": ["one", "two"], "WorkingDir": "/home/app", "Labels": {"a": "base", "b": "base"},
    "ExposedPorts": {"80/tcp": {}, "90/udp": {}}, "Volumes": {"/base": {}}, "StopSignal": "SIGINT",
    "Shell": ["/bin/sh", "-ec"], "Healthcheck": {"Test": ["CMD", "true"], "Interval": 1000000000, "Retries": 2},
}
TRIGGERS = ["COPY f /by-trigger/", "ENV T=$BASE", "RUN echo $T >/ran", "ARG LATE=late", "WORKDIR inner"]
CONFIGS = {  # name -> configuration, architecture
    "base": ({"Env": ["PATH=/bin", "BASE=1"], "Cmd": ["/bin/sh"]}, ARCH),
    "full": (FULL, ARCH),
    "bare": ({}, ARCH),
    "relative": ({"Env": ["PATH=/bin"], "WorkingDir": "/"}, ARCH),
    "onbuild": ({"Env": ["PATH=/bin", "BASE=1"], "WorkingDir": "/own", "OnBuild": TRIGGERS}, ARCH),
    "onbuild-from": ({"Env": ["PATH=/bin"], "OnBuild": ["COPY --from=src /f /from-src"]}, ARCH),
    "onbuild-bad": ({"Env": ["PATH=/bin"], "OnBuild": ["FROM scratch"]}, ARCH),
    "other": ({"Env": ["PATH=/bin"]}, "s390x"),
}


def write_bases(path):
    layer = base_layer()
    diff_id = "sha256:" + hashlib.sha256(layer).hexdigest()
    files, manifest = {"base/layer.tar": layer}, []
    for name, (config, arch) in CONFIGS.items():
        image = {"architecture": arch, "os": "linux", "config": config, "created": "1998-07-09T16:00:00Z",
                 "rootfs": {"type": "layers", "diff_ids": [diff_id]},
                 "history": [{"created": "1998-07-09T16:00:00Z", "created_by": "base"}]}
        if name == "full":
            image["author"] = "Base"
        files[f"{name}.json"] = json.dumps(image).encode()
        manifest.append({"Config": f"{name}.json", "RepoTags": [f"lang/{name}:latest"], "Layers": ["base/layer.tar"]})
    files["manifest.json"] = json.dumps(manifest).encode()
    with tarfile.open(path, "w") as t:
        for name, data in files.items():
            m = tarfile.TarInfo(name)
            m.size = len(data)
            t.addfile(m, io.BytesIO(data))
    return diff_id


# ---- what an image is, in lines


def tree_of(layers):
    tree = compare_images.Tree()
    for layer in layers:
        tree.apply(layer)
    tree.settle()
    return tree.at


def base_tree():
    tree = compare_images.Tree()
    tree.apply(io.BytesIO(base_layer()))
    tree.settle()
    return tree.at


BASE = None


def shown_name(path):
    return path.encode("utf-8", "surrogateescape").decode("latin-1").encode("unicode_escape").decode().replace(" ", "\\x20")


def shown_content(inode):
    text = inode.start
    if inode.size <= 100 and text.isascii():
        return json.dumps(text.decode())
    return "sha256:" + inode.content[:32]


def shown_entry(path, inode):
    name = shown_name(path)
    kind = {"file": "f", "folder": "d", "link": "l", "fifo": "p", "character device": "c", "block device": "b"}[inode.type]
    if kind == "f" and inode.names[0] != path:
        return f"f {name} = {shown_name(inode.names[0])}"
    words = [kind, name]
    if kind == "l":
        words += ["->", shown_name(inode.link), inode.owner]
    else:
        words += [f"{inode.mode:04o}", inode.owner]
    if kind == "f":
        words += [str(inode.size), shown_content(inode)]
    if inode.device:
        words.append(inode.device)
    if inode.mtime < OLD:
        words.append(f"@{inode.mtime}")
    elif kind != "d":
        words.append("@now")
    if inode.xattrs:
        words.append(json.dumps(inode.xattrs, sort_keys=True))
    return " ".join(words)


def entry_lines(tree, base):
    def untimed(line):
        return re.sub(r" @(now|\d+)", "", line)

    for path in sorted(tree.keys() | base.keys()):
        name = shown_name(path)
        if path not in tree:
            yield f"gone {name}"
            continue
        line = shown_entry(path, tree[path])
        before = shown_entry(path, base[path]) if path in base else None
        if before is None or untimed(line) != untimed(before):
            yield line
        elif line != before and " @" in line:
            yield line if tree[path].type != "folder" else f"t {name} {line.rpartition(' ')[2]}"


def shown_json(value):
    return json.dumps(value, sort_keys=True, ensure_ascii=True)


def old_time(text):
    """ @SECONDS of an RFC 3339 time that no build of today makes; "" of others and of none."""
    if not text or text.startswith("0001-"):
        return ""
    at = calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))
    return f" @{at}" if at < OLD else ""


def history_line(h):
    words = h.get("created_by", "")
    m = re.fullmatch(r"EXPOSE map\[(.*)\]", words)
    if m:
        words = "EXPOSE [" + m[1].replace(":{}", "") + "]"
    m = re.fullmatch(r"HEALTHCHECK &\{(\[.*\]) (.*)\}", words, re.S)
    if m:
        test = re.findall(r'"((?:[^"\\]|\\.)*)"', m[1])
        *times, retries = m[2].rsplit(" ", 4)
        code = retries.strip("'")
        number = int(code[2:], 16) if code.startswith("\\x") else ord(code.encode().decode("unicode_escape"))
        names = "Interval", "Timeout", "StartPeriod", "StartInterval"
        if len(times) == 3:
            names = names[:3]
        words = ("HEALTHCHECK {Test:[" + " ".join(json.loads(f'"{t}"') for t in test) + "] "
                 + " ".join(f"{n}:{t.strip(chr(34))}" for n, t in zip(names, times)) + f" Retries:{number}" + "}")
    what = "empty" if h.get("empty_layer") else "layer"
    comment = h.get("comment", "")
    return f"{what} {json.dumps(words, ensure_ascii=True)[1:-1]}" + ("" if comment == "buildkit.dockerfile.v0" else f" ({comment})") \
        + old_time(h.get("created"))


def image_lines(config_file, layers):
    global BASE
    with open(config_file, encoding="utf-8") as f:
        image = json.load(f)
    with_base = (image["rootfs"].get("diff_ids") or [])[:1] == [os.environ.get("LANGUAGE_BASE")]
    if with_base and BASE is None:
        BASE = base_tree()
    if old_time(image.get("created")):
        yield "config created" + old_time(image["created"])
    for key in ("author", "architecture", "os", "variant", "os.version"):
        value = image.get(key)
        if value and (key, value) not in (("architecture", ARCH), ("os", "linux")):
            yield f"config {key} {shown_json(value)}"
    for key, value in sorted((image.get("config") or {}).items()):
        if value not in (None, "", [], {}, False) and key not in ("Hostname", "Image"):
            yield f"config {key} {shown_json(value)}"
    history = image.get("history") or []
    if history and history[0].get("created_by") == "base":
        history = history[1:]
    yield from map(history_line, history)
    yield from entry_lines(tree_of(layers), BASE if with_base else {})


def described(lines):
    return [line.replace(ARCH, "ARCH") for line in lines]


# ---- hew

KINDS = {3: "dockerfile", 2: "usage", 4: "files", 5: "step", 6: "image", 7: "image", 8: "image", 9: "files"}


def line_of_error(said):
    line = re.search(r"ockerfile:(\d+)\b", said) or re.search(r"parse error on line (\d+)", said)
    return f" {line[1]}" if line else ""


def build_with_hew(case, context, root):
    argv = [os.environ.get("HEW", "hew"), "build", "-q", "-t", "language/" + case.name, *case.args(), "."]
    p = subprocess.run(argv, cwd=context, capture_output=True, text=True, errors="replace", check=False)
    if p.returncode:
        return [f"error {KINDS.get(p.returncode, p.returncode)}" + line_of_error(p.stderr)], p.stderr
    image = p.stdout.strip()
    return described(image_lines(*compare_images.image_of_layout(f"{root}@{image}"))), p.stderr


def untold(golden, lines):
    """The lines without times of folders that the golden does not tell."""
    told = {line.split(" ")[1] for line in golden if line[:2] in ("d ", "t ") and " @" in line}
    for line in lines:
        if line[:2] in ("d ", "t ") and line.split(" ")[1] not in told:
            line = re.sub(r" @\d+", "", line) if line[0] == "d" else None
        if line:
            yield line


def differences(golden, lines):
    lines = list(untold(golden, lines))
    if any(re.fullmatch(r"error \w+", line) for line in golden):
        lines = [re.sub(r"^(error \w+) \d+$", r"\1", line) for line in lines]
    if any(re.fullmatch("empty ARG", line) for line in golden):
        lines = [re.sub(r"^empty ARG .*", "empty ARG", line) for line in lines]
    want, got = collections.Counter(golden), collections.Counter(lines)
    yield from (f"  missing {line}" for line in (want - got).elements())
    yield from (f"  extra   {line}" for line in (got - want).elements())
    if want == got and golden != lines:
        yield "  in another order"


def is_result(line):
    return not line.startswith(("by ", "docker ", "buildah "))


def replay(path, root, folder):
    goldens = read_goldens(path.removesuffix(".cases") + ".golden")
    user = int(os.environ["HEW_TEST_UID"]) if os.environ.get("HEW_TEST_UID") else None
    failed, cases = 0, read_cases(path)
    for case in cases:
        if user is not None and "only-root" in case.said:
            continue
        golden = [line for line in goldens.get(case.name, []) if is_result(line)]
        context = f"{folder}/{case.name}"
        make_context(case, context, user)
        lines, said = build_with_hew(case, context, root)
        found = list(differences(golden, lines)) if golden else ["  there is no golden"]
        if found:
            failed += 1
            print(f"{case.name}: {' '.join(case.rule)}", *found, sep="\n")
            if any(" error " in line for line in found):
                print(*(f"  | {line}" for line in said.splitlines()[-4:]), sep="\n")
        shutil.rmtree(context)
    for name in goldens.keys() - {case.name for case in cases} - {""}:
        failed += 1
        print(f"{name}: a golden without a case")
    return 1 if failed else 0


def main():
    verb, *args = sys.argv[1:]
    if verb == "bases":
        print(write_bases(*args))
        return 0
    if verb == "rules":
        print(*(case for _, case in NORMALISED.values()), sep="\n")
        return 0
    return {"replay": replay}[verb](*args)


if __name__ == "__main__":
    sys.exit(main())
