# SPDX-License-Identifier: Apache-2.0
"""Walks through a page of hew report with a browser as people do: page_drive.py PAGE. Says what is wrong."""
import sys

from browser import Browser

# Of all text that can be seen: the contrast with what lies behind it, where that is below 4.5.
CONTRAST = """(() => {
	const parse = (c) => (c.match(/[\\d.]+/g) || []).map(Number);
	const light = (c) => {
		const [r, g, b] = c.slice(0, 3).map((v) => v / 255)
			.map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const behind = (e) => {
		for (; e; e = e.parentElement) {
			const c = parse(getComputedStyle(e).backgroundColor);
			if (c.length === 3 || c[3] === 1)
				return c;
		}
		return [255, 255, 255];
	};
	const bad = new Set();
	let n = 0;
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (walk.nextNode()) {
		const e = walk.currentNode.parentElement;
		if (!walk.currentNode.textContent.trim() || !e.checkVisibility({ visibilityProperty: true }) ||
			["SCRIPT", "STYLE"].includes(e.tagName))
			continue;
		const style = getComputedStyle(e);
		const ink = parse(e.namespaceURI.endsWith("svg") ? style.fill : style.color);
		const [a, b] = [light(ink), light(behind(e))].sort((x, y) => y - x);
		const ratio = (a + 0.05) / (b + 0.05);
		n++;
		if (ratio < 4.5)
			bad.add(`${e.tagName}.${e.getAttribute("class")}: ${ratio.toFixed(2)} "${e.textContent.slice(0, 20)}"`);
	}
	return [n, [...bad]];
})()"""

# What has no name for who cannot see it.
NAMELESS = """[...document.querySelectorAll("button, a, summary, input, section, nav, [role=region], [role=group]")]
	.filter((e) => !(e.textContent.trim() || e.getAttribute("aria-label") || e.getAttribute("aria-labelledby") ||
		e.closest("label"))).map((e) => e.outerHTML.slice(0, 80))"""
HERE = "document.activeElement.className + '|' + (document.activeElement.getAttribute('aria-label') || document.activeElement.textContent).slice(0, 80)"


class Walk:
    def __init__(self, browser, path):
        self.b, self.path, self.faults = browser, path, 0

    def expect(self, is_so, what):
        if not is_so:
            self.faults += 1
            print(what)

    def colours(self):
        for theme in ("light", "dark"):
            self.b.media(prefers_color_scheme=theme)
            n, bad = self.b.run(CONTRAST)
            self.expect(n > 20, f"{theme}: only {n} texts are seen")
            self.expect(not bad, f"{theme}: contrast below 4.5: {bad}")

    def switch(self):
        self.b.media(prefers_color_scheme="light")
        ground = "getComputedStyle(document.body).backgroundColor"
        light = self.b.run(ground)
        for want in ("light", "dark", "system"):
            self.b.run("document.getElementById('theme').click()")
            self.expect(self.b.run("document.getElementById('theme').textContent") == "Theme: " + want, f"no theme {want}")
            self.expect((self.b.run(ground) == light) == (want != "dark"), f"the ground of {want}")

    def skip_link(self):
        self.b.run("scrollTo(0, 0); document.activeElement.blur()")
        self.b.key("Tab")
        self.expect("skip|" in self.b.run(HERE), f"Tab first leads to {self.b.run(HERE)}")
        seen = self.b.run("document.querySelector('.skip').getBoundingClientRect().left >= 0")
        self.expect(seen, "the skip link is not seen when it has the focus")
        self.b.key("Enter")
        self.expect(self.b.run("document.activeElement.id") == "main", "the skip link does not lead to main")

    def steps(self):
        if not self.b.run("document.querySelectorAll('details.step').length"):
            return
        self.b.run("document.querySelector('details.step > summary').focus()")
        before = self.b.run("document.querySelector('details.step').open")
        self.b.key("Enter")
        self.expect(self.b.run("document.querySelector('details.step').open") != before, "Enter does not open a step")
        outline = "getComputedStyle(document.activeElement).outlineStyle"
        self.expect(self.b.run(outline) != "none", "the focus is not seen")

    def map(self):
        tiles = "document.querySelectorAll('.tile').length"
        where = "[...document.querySelectorAll('.way > *')].map((e) => e.textContent).join('/')"
        self.expect(self.b.run(tiles) > 1, "the map has no tiles")
        self.expect(self.b.run("document.querySelectorAll('.tile[tabindex=\"0\"]').length") == 1, "tiles: one stop of Tab")
        self.b.run("document.querySelector('.tile').focus()")
        first, root = self.b.run(HERE), self.b.run(where)
        self.b.key("ArrowRight")
        self.expect(self.b.run(HERE) != first, "ArrowRight does not move")
        self.b.key("Home")
        self.expect(self.b.run(HERE) == first, "Home does not lead to the first tile")
        self.expect(self.b.run("document.querySelector('.said').textContent.length") > 10, "nothing is said of a tile")
        self.b.key("Enter")
        self.expect(self.b.run(where).startswith(root + "/"), f"Enter does not go in: {self.b.run(where)}")
        self.expect("tile" in self.b.run(HERE), "the focus is lost going in")
        self.b.key("Escape")
        self.expect(self.b.run(where) == root, "Escape does not go out")
        self.expect(self.b.run(HERE) == first, "going out does not lead back")
        for kind in range(self.b.run("document.querySelectorAll('.tools > button').length")):
            self.b.run(f"document.querySelectorAll('.tools > button')[{kind}].click()")
            self.expect(self.b.run(tiles) > 0, f"the map {kind} has no tiles")
            over = self.b.run("[...document.querySelectorAll('.tile')].filter((t) => t.offsetLeft + t.offsetWidth > "
                              "t.parentElement.clientWidth + 1 || t.offsetTop + t.offsetHeight > t.parentElement.clientHeight + 1).length")
            self.expect(over == 0, f"{over} tiles lie outside the map")

    def filter(self):
        if not self.b.run("document.querySelectorAll('.filter input').length"):
            return
        self.b.run("(() => { const i = document.querySelector('.filter input'); i.value = 'no such package'; "
                   "i.dispatchEvent(new Event('input')); })()")
        rows = "[...document.querySelectorAll('#flaws tbody tr')].filter((r) => !r.hidden).length"
        self.expect(self.b.run(rows) == 0, "the filter hides nothing")

    def narrow(self):
        for width in (400, 320):
            self.b.size(width)
            over = self.b.run("document.scrollingElement.scrollWidth - innerWidth")
            self.expect(over <= 0, f"at {width} the page is {over} too wide")
        self.b.size(1280)

    def without_script(self):
        self.b.call("Emulation.setScriptExecutionDisabled", value=True)
        self.b.open(self.path)
        root = self.b.call("DOM.getDocument")["root"]["nodeId"]
        find = lambda s: self.b.call("DOM.querySelectorAll", nodeId=root, selector=s)["nodeIds"]
        self.expect(len(find("#map[hidden]")) == len(find("#map")), "without script an empty map is shown")
        self.expect(len(find("table tbody tr")) > 0, "without script there are no tables")
        self.b.call("Emulation.setScriptExecutionDisabled", value=False)

    def all(self):
        self.b.open(self.path)
        self.expect(self.b.run("document.documentElement.lang") == "en", "no language")
        self.expect(self.b.run("[...document.querySelectorAll('header, nav, main, footer')].length") == 4, "landmarks")
        self.expect(not self.b.run(NAMELESS), f"without a name: {self.b.run(NAMELESS)}")
        self.colours()
        self.switch()
        self.skip_link()
        self.steps()
        if self.b.run("document.getElementById('map') && !document.getElementById('map').hidden"):
            self.map()
        self.filter()
        self.narrow()
        self.without_script()
        self.expect(not self.b.complaints, "\n".join(self.b.complaints))
        outside = [u for u in self.b.requests if not u.startswith("file://") and u != "about:blank"]
        self.expect(not outside, f"asked for {outside}")
        return self.faults


def main():
    with Browser() as b:
        sys.exit(1 if Walk(b, sys.argv[1]).all() else 0)


main()
