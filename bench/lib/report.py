# SPDX-License-Identifier: Apache-2.0
"""Figures of the runs, as a table and as a picture."""
import math
import statistics

PARTS = "1 RUN", "21 RUN", "500 commands"  # of a figure, not figures


def median(rows, what):
    return None if rows[0][what] is None else statistics.median(row[what] for row in rows)


def overhead(results, tool, what):
    """What one of twenty more steps takes beyond its command."""
    one, more = (median(results[name][tool], what) for name in PARTS[:2])
    command = (median(results[PARTS[2]]["hew"], what) - median(results[PARTS[0]]["hew"], what)) / 500
    return None if one is None else (more - one) / 20 - command


SLEEP = 1.4  # of "20 stages", on its longest way


def derive(results):
    if all(name in results for name in PARTS):
        results["RUN overhead, a step"] = {
            tool: [{"wall": overhead(results, tool, "wall"), "cpu": overhead(results, tool, "cpu"), "mib": None}]
            for tool in results[PARTS[1]]}
    if "20 stages" in results:
        results["20 stages, beyond their sleep"] = {
            tool: [{**row, "wall": row["wall"] - SLEEP} for row in rows]
            for tool, rows in results["20 stages"].items() if tool != "raw"}


def show(seconds):
    if seconds is None:
        return "-"
    if seconds >= 10:
        return f"{seconds:.1f} s"
    return f"{seconds * 1e3:.0f} ms" if seconds >= 0.1 else f"{seconds * 1e3:.1f} ms"


TOOLS = "raw", "hew", "rootless", "docker", "buildah", "skopeo"
RATIOS = ("docker", "hew"), ("buildah", "hew"), ("skopeo", "hew"), ("docker", "rootless"), ("hew", "raw")


def walls(by_tool):
    return {tool: median(rows, "wall") for tool, rows in by_tool.items()}


def line_of(name, by_tool, tools, ratios):
    wall, hew = walls(by_tool), by_tool.get("hew", [{"cpu": None, "mib": None}])
    times = (f"{wall[a] / wall[b]:.1f}" if a in wall and b in wall else "-" for a, b in ratios)
    mib = median(hew, "mib")
    return [name, *(show(wall.get(t)) for t in tools), *times, show(median(hew, "cpu")), f"{mib:.0f}" if mib else "-"]


def table(results):
    figures = {name: by_tool for name, by_tool in results.items() if name not in PARTS}
    tools = [t for t in TOOLS if any(t in by_tool for by_tool in figures.values())]
    ratios = [(a, b) for a, b in RATIOS if a in tools and b in tools]
    lines = [["figure", *tools, *(f"{a}/{b}" for a, b in ratios), "hew cpu", "hew MiB"]]
    lines.append(["---", *("---:" for _ in lines[0][1:])])
    lines += [line_of(name, by_tool, tools, ratios) for name, by_tool in figures.items()]
    width = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        cells = [line[0].ljust(width[0]), *(cell.rjust(w) for cell, w in zip(line[1:], width[1:]))]
        print("| " + " | ".join(cells) + " |")


# ---- a picture: how many times as long the others take, on a logarithmic scale

SHOWN = {  # figure: what it is called
    "cached node3": "node, three stages: nothing changed",
    "cached 50000 files": "50,000 files: nothing changed",
    "one change 50000 files": "50,000 files: one changed",
    "copy 50000 files, two stages": "50,000 files through two stages, cold",
    "RUN overhead, a step": "a RUN, beyond its command",
    "20 stages, beyond their sleep": "20 stages, beyond what they wait for",
    "push node-single": "first push of a 1.1 GB image",
    "pull 1 GB and run in it": "pull of 1 GB and a command in it",
}
STYLE = """text{font:13px system-ui,sans-serif;fill:#222}.n{font-size:12px}.docker{fill:#2f6fde}.buildah{fill:#c9772b}
line{stroke:#999}@media(prefers-color-scheme:dark){text{fill:#ddd}line{stroke:#666}}"""
LEFT, RIGHT, ROW, BAR, TOP = 260, 660, 40, 13, 46


def bar(x, y, tool, ratio, told):
    title = f"{tool}: {told}"
    return (f'<rect class="{tool}" x="{LEFT}" y="{y}" width="{max(x - LEFT, 1):.0f}" height="{BAR}"><title>{title}</title></rect>'
            f'<text class="n" x="{x + 6:.0f}" y="{y + BAR - 2}">{ratio:.0f}\N{MULTIPLICATION SIGN}</text>')


def picture(results):
    rows = [(text, walls(results[name])) for name, text in SHOWN.items() if name in results and "hew" in results[name]]
    most = max(wall[t] / wall["hew"] for _, wall in rows for t in ("docker", "buildah") if t in wall)

    def place(ratio):
        return LEFT + (RIGHT - LEFT) * math.log(max(ratio, 1)) / math.log(most)

    height = TOP + ROW * len(rows)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {RIGHT + 60} {height}" role="img" '
           'aria-label="How many times as long as hew docker and buildah take"><style>' + STYLE + "</style>",
           f'<text x="{LEFT}" y="16">times as long as hew (each mark is ten times the one before)</text>',
           f'<rect class="docker" x="{LEFT}" y="25" width="12" height="12"/><text x="{LEFT + 18}" y="36">docker build</text>',
           f'<rect class="buildah" x="{LEFT + 120}" y="25" width="12" height="12"/><text x="{LEFT + 138}" y="36">buildah</text>']
    for power in range(1 + int(math.log10(most))):
        x = place(10 ** power)
        out.append(f'<line x1="{x:.0f}" y1="{TOP}" x2="{x:.0f}" y2="{height}"/>')
    for i, (text, wall) in enumerate(rows):
        y = TOP + i * ROW + 6
        out.append(f'<text x="{LEFT - 10}" y="{y + 18}" text-anchor="end">{text}<title>hew: {show(wall["hew"])}</title></text>')
        for k, tool in enumerate(t for t in ("docker", "buildah") if t in wall):
            ratio = wall[tool] / wall["hew"]
            out.append(bar(place(ratio), y + k * (BAR + 1), tool, ratio, show(wall[tool])))
    return "\n".join([*out, "</svg>"])
