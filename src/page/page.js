// SPDX-License-Identifier: Apache-2.0
// What the page can do beyond its tables: a map of the bytes that is walked by mouse or keys, a
// filter, a switch of the theme. All text is set as text, never as markup.
(function () {
	"use strict";

	const NAME = 0, BYTES = 1, HIDDEN = 2, FILES = 3, REST = 4, CHILDREN = 5;
	const GAP = 2, HEAD = 17, COLOURS = 8, LEAST = 4, LEVELS = 3, TILES = 900;

	const make = (tag, name, text) => {
		const e = document.createElement(tag);
		if (name)
			e.className = name;
		if (text !== undefined)
			e.textContent = text;
		return e;
	};

	function size(bytes) {
		const units = ["B", "kB", "MB", "GB", "TB", "PB"];
		let u = 0;
		while (bytes >= 1000 && u < units.length - 1) {
			bytes /= 1000;
			u++;
		}
		return (u && bytes < 99.95 ? bytes.toFixed(1) : bytes.toFixed(0)) + "\u00a0" + units[u];
	}

	const count = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, "\u202f");
	const files = (n) => count(n) + (n === 1 ? " file" : " files");

	function share(part, whole) {
		const percent = whole ? (100 * part) / whole : 0;
		return part && percent < 0.95 ? "<1\u00a0%" : percent.toFixed(0) + "\u00a0%";
	}

	// ---- where tiles lie: rows as near to squares as they get (Bruls, Huizing, van Wijk)
	function squarify(items, box, place) {
		let { x, y, w, h } = box;
		let sum = items.reduce((s, i) => s + i.weight, 0);
		let from = 0;
		while (from < items.length && sum > 0 && w > 0 && h > 0) {
			const side = Math.min(w, h), scale = (w * h) / sum;
			let row = 0, worst = Infinity, to = from;
			for (; to < items.length; to++) {
				const next = row + items[to].weight;
				const thick = (next * scale) / side;
				const ends = [items[from].weight, items[to].weight].map((v) => (v * scale) / thick);
				const ratio = Math.max(...ends.map((l) => Math.max(l / thick, thick / l)));
				if (ratio > worst)
					break;
				worst = ratio;
				row = next;
			}
			const thick = (row * scale) / side;
			let at = 0;
			for (let i = from; i < to; i++) {
				const length = (items[i].weight * scale) / thick;
				if (w >= h)
					place(items[i], { x, y: y + at, w: thick, h: length });
				else
					place(items[i], { x: x + at, y, w: length, h: thick });
				at += length;
			}
			if (w >= h) {
				x += thick;
				w -= thick;
			} else {
				y += thick;
				h -= thick;
			}
			sum -= row;
			from = to;
		}
	}

	// ---- the map
	const TITLES = { layers: "By layer", folders: "By folder", packages: "By package" };

	class BytesMap {
		constructor(place, trees) {
			this.trees = trees;
			this.place = place;
			this.way = [];
			this.build();
			this.show(Object.keys(trees)[0]);
			place.hidden = false;
			new ResizeObserver(() => this.draw()).observe(this.plane);
		}

		build() {
			const tools = make("div", "tools");
			this.kinds = Object.keys(this.trees).map((kind) => {
				const b = make("button", "", TITLES[kind]);
				b.type = "button";
				b.addEventListener("click", () => this.show(kind));
				tools.append(b);
				return [kind, b];
			});
			this.crumbs = make("div", "way");
			this.crumbs.setAttribute("role", "group");
			this.crumbs.setAttribute("aria-label", "Where the map is");
			tools.append(this.crumbs);
			this.plane = make("div", "plane");
			this.plane.setAttribute("role", "group");
			this.plane.setAttribute("aria-label", "Map of the bytes");
			this.plane.setAttribute("aria-describedby", "map-keys");
			this.said = make("p", "said");
			this.said.setAttribute("aria-live", "polite");
			const keys = make("p", "said", "Arrow keys move, Enter goes in, Escape goes out. Hatched: ");
			keys.id = "map-keys";
			keys.append(make("span", "key"), "later layers hide it.");
			const alt = make("details", "alt");
			alt.append(make("summary", "", "What the map shows, as a table"));
			this.table = make("div", "scroll");
			this.table.tabIndex = 0;
			this.table.setAttribute("role", "region");
			this.table.setAttribute("aria-label", "What the map shows");
			alt.append(this.table);
			this.place.append(tools, this.plane, this.said, keys, alt);
			this.plane.addEventListener("keydown", (e) => this.key(e));
			this.plane.addEventListener("click", (e) => this.enter(e.target.closest(".tile")));
			for (const event of ["focusin", "pointerover"])
				this.plane.addEventListener(event, (e) => this.say(e.target.closest(".tile")));
		}

		show(kind) {
			this.kind = kind;
			for (const [k, b] of this.kinds)
				b.setAttribute("aria-pressed", String(k === kind));
			this.go([this.trees[kind]], false);
		}

		get node() {
			return this.way[this.way.length - 1];
		}

		go(way, focus) {
			this.way = way;
			this.drawCrumbs();
			this.draw();
			this.drawTable();
			this.said.textContent = this.words(this.node, this.way.slice(1));
			if (focus && this.tiles.length)
				this.tiles[0].focus();
		}

		// The children of a node, what is too small as one of them. Folders that hold nothing but
		// one folder are one with it.
		parts(node) {
			const parts = (node[CHILDREN] || []).map((n) => {
				const way = [n];
				while (!n[REST] && n[CHILDREN] && n[CHILDREN].length === 1)
					way.push((n = n[CHILDREN][0]));
				return { node: n, way, name: way.map((w) => w[NAME]).join("/"), weight: n[BYTES] };
			});
			const rest = node[REST];
			if (rest && rest[0]) {
				const name = (parts.length ? "smaller: " : "") + files(rest[2]);
				const n = [name, rest[0], rest[1], rest[2], 0];
				parts.push({ node: n, way: [n], name, weight: rest[0], rest: true });
			}
			return parts.filter((p) => p.weight > 0).sort((a, b) => b.weight - a.weight);
		}

		words(node, way) {
			const name = way.map((n) => n[NAME]).join(this.kind === "folders" ? "/" : " \u203a ");
			let text = (name || node[NAME]) + ": " + size(node[BYTES]) + ", " +
				share(node[BYTES], this.trees[this.kind][BYTES]) + " of all, " + files(node[FILES]);
			if (node[HIDDEN])
				text += "; " + size(node[HIDDEN]) + " hidden by later layers";
			return text;
		}

		drawCrumbs() {
			this.crumbs.replaceChildren();
			this.way.forEach((node, i) => {
				const last = i === this.way.length - 1;
				const e = make(last ? "span" : "button", "", node[NAME]);
				if (last)
					e.setAttribute("aria-current", "location");
				else
					e.addEventListener("click", () => this.go(this.way.slice(0, i + 1), true));
				this.crumbs.append(i ? " \u203a " : "", e);
			});
		}

		draw() {
			const box = { x: 0, y: 0, w: this.plane.clientWidth, h: this.plane.clientHeight };
			const focused = this.tiles ? this.tiles.indexOf(document.activeElement) : -1;
			this.tiles = [];
			this.colour = 0;
			this.lay(this.parts(this.node), box, this.way, null, 0);
			this.plane.replaceChildren(...this.tiles);
			this.tiles.forEach((t, i) => (t.tabIndex = i ? -1 : 0));
			if (focused >= 0 && this.tiles[focused])
				this.tiles[focused].focus();
		}

		// Tiles and, where there is room, what is in them. What fills most of the map has no
		// colour of its own: its parts have.
		lay(parts, box, way, hue, level) {
			const most = (this.plane.clientWidth * this.plane.clientHeight) / 2;
			squarify(parts, box, (part, at) => {
				if (at.w < LEAST || at.h < LEAST)
					return;
				const inner = { x: at.x + 2, y: at.y + HEAD, w: at.w - 5, h: at.h - HEAD - 3 };
				const fits = !part.rest && level < LEVELS && inner.w > 56 && inner.h > 34 &&
					this.tiles.length < TILES;
				const within = fits ? this.parts(part.node) : [];
				const nested = within.length > 1;
				const frame = nested && !hue && at.w * at.h > most;
				const own = frame ? "t7" : hue || "t" + (this.colour++ % (COLOURS - 1));
				const there = [...way, ...part.way];
				this.tile(part, at, there, own + (nested ? " whole" : "") + (level ? " inner" : ""));
				if (nested)
					this.lay(within, inner, there, frame ? null : own, level + 1);
			});
		}

		tile(part, at, way, name) {
			const node = part.node, e = make("button", "tile " + name);
			const gap = name.includes("inner") ? 1 : GAP;
			e.type = "button";
			e.style.left = at.x + "px";
			e.style.top = at.y + "px";
			e.style.width = Math.max(at.w - gap, 1) + "px";
			e.style.height = Math.max(at.h - gap, 1) + "px";
			e.append(make("span", "", part.name + (name.includes("whole") ? "  " + size(node[BYTES]) : "")));
			if (!name.includes("whole") && at.h > 36)
				e.append(make("span", "", size(node[BYTES])));
			e.classList.toggle("small", at.w < 34 || at.h < 16);
			e.classList.toggle("hides", node[HIDDEN] * 2 > node[BYTES]);
			e.classList.toggle("rest", Boolean(part.rest));
			e.classList.toggle("leaf", !node[CHILDREN]);
			e.setAttribute("aria-label", this.words(node, way.slice(1)));
			e.way = way;
			this.tiles.push(e);
		}

		drawTable() {
			const table = make("table"), head = make("tr"), body = make("tbody");
			for (const text of ["Name", "Unpacked", "Share", "Files", "Hidden"]) {
				const th = make("th", text === "Name" ? "" : "n", text);
				th.scope = "col";
				head.append(th);
			}
			for (const { node, name } of this.parts(this.node)) {
				const row = make("tr");
				row.append(make("td", "code", name), make("td", "n", size(node[BYTES])),
					make("td", "n", share(node[BYTES], this.node[BYTES])),
					make("td", "n", count(node[FILES])), make("td", "n", size(node[HIDDEN])));
				body.append(row);
			}
			const thead = make("thead");
			thead.append(head);
			table.append(make("caption", "", "What the map shows"), thead, body);
			this.table.replaceChildren(table);
		}

		say(tile) {
			if (tile)
				this.said.textContent = this.words(tile.way[tile.way.length - 1], tile.way.slice(1));
		}

		enter(tile) {
			if (tile && tile.way[tile.way.length - 1][CHILDREN])
				this.go(tile.way, true);
			else if (tile && tile.way.length > this.way.length + 1)
				this.go(tile.way.slice(0, -1), true);
		}

		leave() {
			if (this.way.length < 2)
				return;
			const left = this.node;
			let way = this.way.slice(0, -1);
			while (way.length > 1 && this.parts(way[way.length - 1]).length < 2)
				way = way.slice(0, -1);
			this.go(way, true);
			const tile = this.tiles.find((t) => t.way[t.way.length - 1] === left);
			if (tile)
				this.focus(tile);
		}

		focus(tile) {
			for (const t of this.tiles)
				t.tabIndex = t === tile ? 0 : -1;
			tile.focus();
		}

		// The nearest tile in a direction, of those that do not lie around this one.
		next(from, dx, dy) {
			const middle = (t) => [t.offsetLeft + t.offsetWidth / 2, t.offsetTop + t.offsetHeight / 2];
			const [x, y] = middle(from);
			let best = null, least = Infinity;
			for (const t of this.tiles) {
				const [a, b] = middle(t).map((v, i) => v - (i ? y : x));
				const along = a * dx + b * dy, across = Math.abs(a * dy) + Math.abs(b * dx);
				if (t === from || along <= 1 || along + 2 * across >= least)
					continue;
				least = along + 2 * across;
				best = t;
			}
			return best;
		}

		key(e) {
			const tile = e.target.closest(".tile");
			const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
			if (!tile || e.ctrlKey || e.altKey || e.metaKey)
				return;
			let to = null;
			if (ways[e.key])
				to = this.next(tile, ...ways[e.key]);
			else if (e.key === "Home")
				to = this.tiles[0];
			else if (e.key === "End")
				to = this.tiles[this.tiles.length - 1];
			else if (e.key === "Escape" || e.key === "Backspace")
				this.leave();
			else
				return;
			e.preventDefault();
			if (to)
				this.focus(to);
		}
	}

	// ---- rows by their words
	function filter(place) {
		const rows = [...place.parentElement.querySelectorAll("tbody tr")];
		const label = make("label", "", "Show only "), input = make("input"), n = make("span", "note");
		input.type = "search";
		input.placeholder = "a package, a flaw, a severity";
		n.setAttribute("aria-live", "polite");
		label.append(input);
		place.append(label, n);
		place.hidden = false;
		const texts = rows.map((r) => r.textContent.toLowerCase());
		input.addEventListener("input", () => {
			const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
			let shown = 0;
			rows.forEach((row, i) => {
				row.hidden = !words.every((w) => texts[i].includes(w));
				shown += row.hidden ? 0 : 1;
			});
			n.textContent = words.length ? count(shown) + " of " + count(rows.length) : "";
		});
	}

	// ---- the theme: the system's, or what was chosen, remembered where the browser lets us
	function themes(button) {
		const all = ["system", "light", "dark"];
		let at = 0;
		const set = () => {
			if (at)
				document.documentElement.dataset.theme = all[at];
			else
				delete document.documentElement.dataset.theme;
			button.textContent = "Theme: " + all[at];
		};
		try {
			at = Math.max(0, all.indexOf(localStorage.getItem("hew-theme")));
		} catch {
			at = 0;
		}
		button.addEventListener("click", () => {
			at = (at + 1) % all.length;
			set();
			try {
				localStorage.setItem("hew-theme", all[at]);
			} catch {
				return;
			}
		});
		set();
		button.hidden = false;
	}

	themes(document.getElementById("theme"));
	for (const place of document.querySelectorAll(".filter"))
		filter(place);
	const map = document.getElementById("map"), data = document.getElementById("trees");
	const trees = data ? JSON.parse(data.textContent) : {};
	if (map && Object.values(trees).some((t) => t[BYTES]))
		new BytesMap(map, trees);
	window.addEventListener("beforeprint", () => {
		for (const d of document.querySelectorAll("details:not([open])")) {
			d.open = true;
			d.dataset.printed = "";
		}
	});
	window.addEventListener("afterprint", () => {
		for (const d of document.querySelectorAll("details[data-printed]")) {
			d.open = false;
			delete d.dataset.printed;
		}
	});
})();
