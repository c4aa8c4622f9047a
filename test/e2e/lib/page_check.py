# SPDX-License-Identifier: Apache-2.0
"""What must be true of every page of hew report, found out without hew and without a browser.

page_check.py PAGE                    well-formed, needs nothing from outside, its policy fits what is in it
page_check.py PAGE trees              the trees of the map as JSON
page_check.py PAGE text               all text that people see, a line an element
page_check.py PAGE rows CAPTION       the rows of a table, cells by tabs
"""
import base64
import hashlib
import json
import re
import sys
from html.parser import HTMLParser

VOID = {"meta", "br", "input", "link", "img", "hr"}
KNOWN = {"html", "head", "meta", "title", "style", "body", "a", "nav", "ul", "ol", "li", "button", "header", "p", "h1", "h2",
         "h3", "dl", "dt", "dd", "div", "span", "small", "b", "strong", "main", "section", "details", "summary", "svg",
         "rect", "path", "text", "pre", "table", "caption", "thead", "tbody", "tr", "th", "td", "br", "footer", "script"}
ATTRIBUTES = {"lang", "charset", "http-equiv", "content", "name", "class", "id", "href", "hidden", "type", "role", "tabindex",
              "scope", "open", "title", "viewbox", "preserveaspectratio", "x", "y", "d", "width", "height", "text-anchor",
              "data-table"}


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.stack, self.texts, self.ids, self.raw = [], [], [], {}
        self.tables, self.policy, self.links, self.levels = {}, None, [], []
        self.table = None
        if not text.startswith("<!doctype html>\n"):
            raise SystemExit("no doctype")
        self.feed(text)
        self.close()
        if self.stack:
            raise SystemExit(f"not closed: {self.stack}")

    def fail(self, what):
        raise SystemExit(f"line {self.getpos()[0]}: {what}")

    def handle_starttag(self, tag, attrs):
        if tag not in KNOWN:
            self.fail(f"<{tag}>")
        given = dict(attrs)
        for name, value in attrs:
            if name not in ATTRIBUTES and not name.startswith("aria-"):
                self.fail(f"attribute {name}")
            if name == "href" and not value.startswith("#"):
                self.fail(f"a link to {value}")
        if "id" in given:
            if given["id"] in self.ids:
                self.fail(f"id {given['id']} twice")
            self.ids.append(given["id"])
        if "href" in given:
            self.links.append(given["href"][1:])
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"]
        if tag in ("h1", "h2", "h3"):
            self.levels.append(int(tag[1]))
        if tag not in VOID:
            self.stack.append((tag, given))
        if tag == "caption":
            self.caption = ""
        if tag == "br" and self.table:
            self.table[-1][-1] += "; "
        if tag == "tr" and self.table is not None:
            self.table.append([])
        if tag in ("td", "th") and self.table:
            self.table[-1].append("")

    def handle_endtag(self, tag):
        if not self.stack or self.stack[-1][0] != tag:
            self.fail(f"</{tag}> within {[t for t, _ in self.stack]}")
        self.stack.pop()
        if tag == "caption":
            self.table = self.tables.setdefault(self.caption, [])
        if tag == "table":
            self.table = None

    def handle_data(self, data):
        if not self.stack:
            return
        tag, given = self.stack[-1]
        if tag in ("script", "style"):
            key = (tag, given.get("type"))
            self.raw[key] = self.raw.get(key, "") + data
            return
        if any(t == "caption" for t, _ in self.stack):
            self.caption += data
        if self.table and any(t in ("td", "th") for t, _ in self.stack):
            self.table[-1][-1] += data
        if data.strip():
            self.texts.append(data.strip())

    def handle_comment(self, data):
        self.fail(f"a comment: {data[:40]}")


def digest(text):
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def check(page, text):
    want = (f"default-src 'none'; script-src {digest(page.raw[('script', None)])}; "
            f"style-src {digest(page.raw[('style', None)])}; base-uri 'none'; form-action 'none'")
    if page.policy != want:
        raise SystemExit(f"the policy is {page.policy}\nexpected {want}")
    for target in page.links:
        if target not in page.ids:
            raise SystemExit(f"a link to #{target}, which is not there")
    if page.levels[0] != 1 or page.levels.count(1) != 1 or any(b > a + 1 for a, b in zip(page.levels, page.levels[1:])):
        raise SystemExit(f"headings: {page.levels}")
    style = page.raw[("style", None)]
    if "url(" in style or "@import" in style:
        raise SystemExit("the style loads something")
    odd = re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]", text)
    if odd:
        raise SystemExit(f"a character {odd.group()!r} at {odd.start()}")
    if len(text.encode()) > 1 << 20:
        raise SystemExit(f"{len(text.encode())} bytes")


def main():
    with open(sys.argv[1], encoding="utf-8", newline="") as f:
        text = f.read()
    page = Page(text)
    what = sys.argv[2] if len(sys.argv) > 2 else ""
    if not what:
        check(page, text)
    elif what == "trees":
        print(json.dumps(json.loads(page.raw[("script", "application/json")])))
    elif what == "text":
        print("\n".join(page.texts))
    elif what == "rows":
        for row in page.tables[sys.argv[3]]:
            print("\t".join(row))


main()
