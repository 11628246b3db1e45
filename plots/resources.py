"""Resource bars. Each step of the tools has a panel of its own, and so have published figures."""
import os

from study import ESTIMATE_RULE, YOSYS_RULE, look, short
from style import BLACK, BLUE, RED, VIOLET, amount, read_table

PUBLISHED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "published")


def bar_groups(study):
    """(title, second line, [(name, {lut, ff, dsp}, text, colour)], published) for each step: never mixed."""
    groups = []
    for step, rule, title in (("estimate", ESTIMATE_RULE, "Estimate"), ("yosys-synth", YOSYS_RULE, "Synthesis")):
        bars, tools = [], set()
        for s in study.names:
            r = study.resource(s, step, rule)
            if r is None or "@" in s or not r.num("lut") > 0:
                continue
            tools.add(f"{r['tool']} {r['version']}, {r['part'][:9]}")
            clocks = f"{r.num('cycles'):.0f} clk" if r.num("cycles") == r.num("cycles") else ""
            bars.append((short(s), r, clocks, look(study, s)["color"]))
        if bars:
            heading = f"{title} ({', '.join(sorted(tools))})"
            groups.append((heading, f"LUT rule: {rule}; one event a clock", bars, False))
    published = []
    for r in read_table(PUBLISHED, "synthesis_reports_Qkeras_HGQ.csv", ","):
        lut, tag = r.num("#LUTs"), r.get("model_tag") or ""
        if lut > 0:
            row = {"lut": lut, "ff": r.num("#FFs"), "dsp": r.num("#DSPs")}
            color = RED if tag == "QKeras" else VIOLET if tag == "mixed" else BLUE
            name = tag.replace("1Em", "1e-")
            published.append((name, row, f"{r['Latency (in cc)']} clk", color))
    if published:
        groups.append(("Published: csynth",
                       "Open Data, II = 4", published, True))
    return groups


def bar_panel(ax, title, subtitle, bars, published, first):
    number = lambda row, key: row.num(key) if hasattr(row, "num") else row[key]  # noqa: E731
    for i, (name, row, clocks, color) in enumerate(bars):
        for key, x, hatch in (("lut", i - 0.2, "////" if published else None),
                              ("ff", i + 0.2, "xxxx" if published else "....")):
            v = number(row, key)
            if not v > 0:
                continue
            filled = key == "lut" and not published
            ax.bar(x, v, width=0.38, facecolor=color if filled else "white", edgecolor=color if not filled else BLACK,
                   hatch=hatch, linewidth=0.8, zorder=3)
            ax.text(x, v * 1.12, amount(v), ha="center", va="bottom", rotation=90, fontsize=7.5, zorder=4)
        dsp = number(row, "dsp")
        label = f"{name}\n{clocks}" + (f"\n{dsp:.0f} DSP" if dsp > 0 else "")
        ax.text(i, -0.03, label, transform=ax.get_xaxis_transform(), ha="center", va="top", fontsize=7.2,
                linespacing=1.25)
    ax.set_yscale("log")
    ax.set_xlim(-0.6, len(bars) - 0.4)
    ax.set_xticks([])
    ax.tick_params(labelleft=first)
    if published:
        ax.set_facecolor("#f4f1ea")
    ax.text(0.5, 1.075, title, transform=ax.transAxes, ha="center", va="bottom", fontsize=8.8, fontweight="bold")
    ax.text(0.5, 1.015, subtitle, transform=ax.transAxes, ha="center", va="bottom", fontsize=7.6,
            style="italic" if published else "normal")


def bars(study, figure, grid):
    groups = bar_groups(study)
    if not groups:
        return
    sub = grid.subgridspec(1, len(groups), width_ratios=[max(3, len(g[2])) for g in groups], wspace=0.03)
    left, highest, lowest = None, 0, 1e9
    for k, g in enumerate(groups):
        ax = figure.add_subplot(sub[0, k], sharey=left)
        left = left or ax
        bar_panel(ax, *g, k == 0)
        for _, row, _, _ in g[2]:
            for key in ("lut", "ff"):
                v = row.num(key) if hasattr(row, "num") else row[key]
                if v > 0:
                    highest, lowest = max(highest, v), min(lowest, v)
    left.set_ylim(lowest / 2.5, highest * 6)
    left.set_ylabel("LUT (left bar), FF (right bar)")
