#!/usr/bin/env python3
"""One page: what layer-wise (QKeras) and per-weight (HGQ) quantization cost and keep.

Usage: hgq_vs_qkeras.py RESULTS_DIR OUT.pdf|OUT.png

Reads performance, students, resources, roc and histograms (.tsv) of RESULTS_DIR, and the published
synthesis table beside this script's folder (data/published). A folder named opendata is labelled as CMS Open Data,
any other as simulation. A student NAME@SEED is drawn small, in the style of NAME. What a table lacks, such as the
resources of a student whose synthesis failed, is left out and named in the foot line.
"""
import math
import os
import sys

sys.dont_write_bytecode = True  # the source tree stays as it is

from style import (BLACK, BLUE, BROWN, DEEP, GREY, ORANGE, RC, RED, SAND, SLATE, VIOLET, plt, process_label,  # noqa: E402
                   read_table, require, save, spread, ticker)

PUBLISHED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "published")
LADDER_AUC = ["tt_had", "tt_lep", "tt_dil"]
LADDER_EMD = ["zb", "tt_had"]
YOSYS_RULE, ESTIMATE_RULE = "packed", "carry-chain"
RATES = ["0.3", "1", "3", "10"]


class Study:
    """The tables, indexed."""

    def __init__(self, folder):
        self.performance = read_table(folder, "performance.tsv")
        require(self.performance, "performance.tsv", ["student", "family", "process", "auc", "emd"])
        self.by = {(r["student"], r["process"]): r for r in self.performance}
        self.students = read_table(folder, "students.tsv")
        self.resources = read_table(folder, "resources.tsv")
        self.roc = {}
        for r in read_table(folder, "roc.tsv"):
            self.roc.setdefault((r["student"], r["process"]), []).append((r.num("rate_khz"), r.num("efficiency")))
        self.histograms = {}
        for r in read_table(folder, "histograms.tsv"):
            self.histograms.setdefault((r["student"], r["process"]), []).append(
                (r.num("bin_lo"), r.num("bin_hi"), r.num("count")))
        self.ebops = {r["student"]: r.num("ebops") for r in self.students}
        self.family = {r["student"]: r["family"] for r in self.performance}
        self.names = sorted((r["student"] for r in self.students), key=self.order)
        names = [r["process"] for r in self.performance]
        self.signals = [p for p in dict.fromkeys(names) if p != "zb"]
        self.simulation = os.path.basename(os.path.abspath(folder)) != "opendata"
        self.notes = []

    def order(self, student):
        ebops = self.ebops.get(student, math.nan)
        return (self.family.get(student) != "qkeras", -ebops if ebops == ebops else 0, student)

    def value(self, student, process, column):
        row = self.by.get((student, process))
        return row.num(column) if row else math.nan

    def resource(self, student, step, rule):
        for r in self.resources:
            if (r["student"], r["step"], r["rule"]) == (student, step, rule):
                return r
        return None

    def lut(self, student):
        row = self.resource(student, "yosys-synth", YOSYS_RULE)
        return row.num("lut") if row else math.nan

    def shown(self):
        """The few students that curves show: the best QKeras one, HGQ at 1e-4 and mixed (or the first two)."""
        first = self.signals[0] if "tt_had" not in self.signals else "tt_had"
        plain = [s for s in self.names if "@" not in s]
        qkeras = sorted((s for s in plain if self.family[s] == "qkeras"), key=lambda s: -self.value(s, first, "auc"))
        hgq = [s for s in plain if self.family[s] == "hgq"]
        chosen = [s for s in ("hgq-1e-4", "hgq-mixed") if s in hgq] or hgq[:2]
        return qkeras[:1] + chosen


def look(study, student):
    """Colour, marker and line style of a row; each of them alone tells rows apart."""
    family = study.family.get(student, "")
    if student == "teacher":
        return dict(color=BLACK, marker="|", linestyle=(0, (6, 2)))
    if family == "float":
        return dict(color=SLATE, marker="x", linestyle=(0, (1.2, 1.2)))
    if student == "total-et":
        return dict(color=BROWN, marker="^", linestyle=(0, (5, 1.5, 1, 1.5)))
    if student == "max-et":
        return dict(color=SAND, marker="v", linestyle=(0, (5, 1.5, 1, 1.5, 1, 1.5)))
    if family == "qkeras":
        v1 = "v1" in student
        return dict(color=DEEP if v1 else RED, marker="s", linestyle="-", fill=not v1)
    if "mixed" in student:
        return dict(color=VIOLET, marker="D", linestyle=(0, (3, 1)))
    if family == "hgq":
        return dict(color=BLUE, marker="o", linestyle="-")
    return dict(color=ORANGE, marker="P", linestyle="-")


def line(study, student, **more):
    style = {k: v for k, v in look(study, student).items() if k in ("color", "linestyle")}
    return {**style, "linewidth": 1.4, **more}


def points(study, student, size=5.5):
    s = look(study, student)
    fill = s.get("fill", True)
    size = 0.6 * size if "@" in student else size  # a further seed of the same student
    return dict(color=s["color"], marker=s["marker"], markersize=size, linestyle="none", elinewidth=1.1, capsize=0,
                markerfacecolor=s["color"] if fill else "white", markeredgewidth=1.2)


def short(student):
    return {"hgq-mixed": "mixed"}.get(student, student.replace("hgq-1e-", "1e-").replace("qkeras-", ""))


# ---- the ladder: AUC and EMD against cost ----
def ladder_points(study, ax, cost, process, column):
    hgq = sorted((cost[s], study.value(s, process, column)) for s in cost
                 if study.family[s] == "hgq" and "mixed" not in s and "@" not in s)
    ax.plot([x for x, _ in hgq], [y for _, y in hgq], color=BLUE, linewidth=0.8, alpha=0.6, zorder=2)
    bottom, top = ax.get_ylim()
    outside = []
    for s, x in cost.items():
        y, lo, hi = (study.value(s, process, column + end) for end in ("", "_lo", "_hi"))
        if bottom <= y <= top:
            err = [[max(0, y - lo)], [max(0, hi - y)]] if lo == lo and hi == hi else None
            ax.errorbar([x], [y], yerr=err, zorder=4, **points(study, s))
        elif y == y:
            outside.append((s, x, y))
    off_scale(study, ax, outside, bottom)


def off_scale(study, ax, outside, bottom):
    """Arrows at the edge, with the values, for points that would flatten all others."""
    low, high = (math.log(v) for v in ax.get_xlim())
    at = [(math.log(x) - low) / (high - low) for _, x, _ in outside]
    names = [k for k, (s, _, _) in enumerate(outside) if "@" not in s]
    label = dict(zip(names, spread([at[k] for k in names], 0.085, 0.05, 0.95)))
    for k, ((s, _, y), u) in enumerate(zip(outside, at)):
        down, color = y < bottom, look(study, s)["color"]
        edge = 0.04 if down else 0.96
        ax.plot([u], [edge], transform=ax.transAxes, marker="v" if down else "^", color=color, markersize=6, zorder=5)
        if k in label:
            ax.text(label[k], edge + (0.07 if down else -0.07), f"{y:.2f}", transform=ax.transAxes, ha="center",
                    va="bottom" if down else "top", fontsize=7.5, color=color)


def auc_range(study, process):
    """From the students that follow the teacher; collapsed ones are marked at the edge."""
    lines = [v for v in (study.value(s, process, "auc") for s in ("teacher", "float")) if v == v]
    students = [v for v in (study.value(s, process, "auc") for s in study.names) if v == v]
    reference = lines[0] if lines else max(students, default=0.5)
    distance = sorted(abs(v - reference) for v in students)
    cut = max(0.08, 2.2 * distance[len(distance) // 2]) if distance else 0.08
    near = lines + [v for v in [*students, study.value("total-et", process, "auc")] if abs(v - reference) <= cut]
    near = near or [reference]
    pad = max(0.01, 0.2 * (max(near) - min(near)))
    return min(near) - pad, min(1 + pad / 4, max(near) + pad)


def emd_range(study, process):
    values = [study.value(s, process, "emd") for s in ("float", *study.names)]
    return decades([v for v in values if v > 0], 2.2, 1.0)


def decades(values, margin, least):
    """Limits of a logarithmic axis that hold the values and span at least so many decades."""
    if not values:
        return 1.0, 10.0 ** least
    lo, hi = min(values) / margin, max(values) * margin
    missing = 10 ** max(0.0, (least - math.log10(hi / lo)) / 2)
    return lo / missing, hi * missing


def ladder_cell(study, ax, column, process, cost):
    for s in ["teacher", "float", "total-et"] if column == "auc" else ["float"]:
        v = study.value(s, process, column)
        if v == v:
            ax.axhline(v, zorder=1, **line(study, s))
    if cost:
        ladder_points(study, ax, cost, process, column)
    else:
        ax.text(0.5, 0.5, "no figures", transform=ax.transAxes, ha="center", va="center", color=SLATE)


def ladder_axes(figure, cell, share_x, share_y, cost):
    ax = figure.add_subplot(cell, sharex=share_x, sharey=share_y)
    ax.set_xscale("log")
    ax.set_xlim(*decades(list(cost.values()), 1.8, 1.5))
    ax.xaxis.set_minor_formatter(ticker.NullFormatter())
    return ax


def ladder_left(study, ax, column, process):
    """What the left panel sets for both: the y axis and the name of the process."""
    if column == "emd":
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
        ax.yaxis.set_minor_formatter(ticker.NullFormatter())
    ax.set_ylim(*(auc_range if column == "auc" else emd_range)(study, process))
    ax.set_ylabel("AUC" if column == "auc" else "EMD")
    ax.text(0.02, 0.93 if column == "auc" else 0.07, process_label(process), transform=ax.transAxes, ha="left",
            va="top" if column == "auc" else "bottom", fontsize=9.5, fontweight="bold", zorder=6,
            bbox=dict(facecolor="white", edgecolor="none", alpha=0.75, pad=1))


def missing_synthesis(study, have):
    gone = [s for s in study.names if s not in have]
    status = {r["student"]: r["status"] for r in study.resources if r["step"] == "yosys-synth"}
    if gone:
        study.notes.append("No Yosys figure: " + "; ".join(f"{s} ({status.get(s, 'not synthesised')[:60]})" for s in gone) + ".")


def ladder(study, figure, grid):
    auc = [p for p in LADDER_AUC if p in study.signals] or study.signals[:3]
    rows = [("auc", p) for p in auc] + [("emd", p) for p in LADDER_EMD if p == "zb" or p in study.signals]
    costs = [("EBOPs", {s: study.ebops[s] for s in study.names if study.ebops[s] > 0}),
             (f"LUT (Yosys synthesis, {YOSYS_RULE})", {s: study.lut(s) for s in study.names if study.lut(s) > 0})]
    missing_synthesis(study, costs[1][1])
    sub = grid.subgridspec(len(rows), 2, hspace=0.07, wspace=0.04)
    share = [None, None]
    for i, (column, process) in enumerate(rows):
        left = None
        for j, (label, cost) in enumerate(costs):
            ax = ladder_axes(figure, sub[i, j], share[j], left, cost)
            share[j] = share[j] or ax
            if j == 0:
                left = ax
                ladder_left(study, ax, column, process)
            ladder_cell(study, ax, column, process, cost)
            ax.tick_params(labelbottom=i == len(rows) - 1, labelleft=j == 0)
            if i == 0:
                name_students(study, ax, cost)
            if i == len(rows) - 1:
                ax.set_xlabel(label)


def name_students(study, ax, cost):
    """Names above the top panel, moved apart, with leaders to their points."""
    named = [s for s in cost if "@" not in s]
    lo, hi = (math.log(v) for v in ax.get_xlim())
    at = [(math.log(cost[s]) - lo) / (hi - lo) for s in named]
    for s, x, u in zip(named, at, spread(at, 0.085, 0.0, 0.97)):
        color = look(study, s)["color"]
        ax.plot([x, x, u], [1.0, 1.02, 1.09], transform=ax.transAxes, color=color, linewidth=0.8, clip_on=False)
        ax.text(u, 1.10, short(s), transform=ax.transAxes, rotation=50, rotation_mode="anchor", ha="left", va="bottom",
                fontsize=8.5, color=color)


# ---- ROC ----
def few_events(study, ax):
    """Shades the rates at which fewer than four zero bias events pass: there a threshold is hardly known."""
    crossing = max((x for curve in study.roc.values() for x, _ in curve), default=0)
    n = max((r.num("n") for r in study.performance if r["process"] == "zb"), default=0)
    if n > 0 and crossing > 0:
        ax.axvspan(ax.get_xlim()[0], 4 / n * crossing, color="#eeeeee", zorder=0, linewidth=0)


def roc_panel(study, ax, process, rows):
    ax.set_xscale("log")
    ax.set_yscale("log")
    curves = {s: [(x, y) for x, y in study.roc.get((s, process), []) if x > 0 and y > 0] for s in rows}
    ax.set_xlim(0.2, max((x for c in curves.values() for x, _ in c), default=28610))
    lowest = min((y for c in curves.values() for _, y in c), default=0.01)
    ax.set_ylim(max(1e-3, min(0.01, lowest / 1.5)), 1.6)
    few_events(study, ax)
    for r in RATES:
        ax.axvline(float(r), color=GREY, linewidth=0.7, linestyle=":", zorder=0)
        text = f"{r} kHz" if r == RATES[-1] else r
        ax.text(float(r), 1.015, text, transform=ax.get_xaxis_transform(), ha="center", va="bottom", fontsize=7.5, color=SLATE)
    drawn = [s for s in rows if s in study.names]
    for s in rows:
        ax.plot([x for x, _ in curves[s]], [y for _, y in curves[s]], zorder=3, **line(study, s))
        for r in RATES if s in drawn else []:
            v, lo, hi = (study.value(s, process, f"eff_{r}khz{e}") for e in ("", "_lo", "_hi"))
            x = float(r) * 1.13 ** (drawn.index(s) - (len(drawn) - 1) / 2)  # side by side
            if v > 0:
                ax.errorbar([x], [v], yerr=[[min(v - lo, v * (1 - 1e-9))], [hi - v]], zorder=4, **points(study, s, 4.5))
    ax.set_xlabel("L1 trigger rate [kHz]")
    ax.set_ylabel("Signal efficiency")
    ax.text(0.03, 0.965, process_label(process), transform=ax.transAxes, va="top", fontweight="bold", fontsize=9.5)


# ---- histograms ----
def histogram_panel(study, ax, rows, processes):
    ax.set_yscale("log")
    lowest = 0.1
    for process, filled in zip(processes, (True, False)):
        for s in rows:
            bins = study.histograms.get((s, process))
            total = sum(n for _, _, n in bins) if bins else 0
            if not total:
                continue
            edges = [b[0] for b in bins] + [bins[-1][1]]
            share = [b[2] / total for b in bins]
            lowest = min(lowest, 1 / total)
            if s == "teacher":
                ax.stairs(share, edges, fill=True, color="#c2c2c2" if filled else "#f6e9d2", alpha=1 if filled else 0.75,
                          zorder=1 if filled else 0)
                ax.stairs(share, edges, color=BLACK, linewidth=0.8, zorder=2)
            else:
                ax.stairs(share, edges, zorder=3, **line(study, s, linewidth=1.2))
    ax.set_xlim(0, 256)
    ax.set_ylim(lowest / 2, 2)
    for y, process, color in zip((0.95, 0.87), processes, ("#c2c2c2", "#f6e9d2")):
        ax.text(0.96, y, process_label(process) + " (filled: teacher)", transform=ax.transAxes, ha="right", va="top", fontsize=8.5,
                bbox=dict(facecolor=color, edgecolor="none", pad=2))
    ax.set_xlabel("Anomaly score")
    ax.set_ylabel("Fraction of events / 4")


# ---- AUC of every process ----
def forest_panel(study, ax, rows):
    processes = [p for p in ("suep", "tt_had", "tt_lep", "tt_dil", "haa4b", "qcd", "nu") if p in study.signals]
    processes += [p for p in study.signals if p not in processes]
    for i, p in enumerate(processes):
        if i % 2 == 0:
            ax.axhspan(i - 0.5, i + 0.5, color="#f3f3f3", zorder=0)
        teacher = study.value("teacher", p, "auc")
        if teacher == teacher:
            ax.plot([teacher, teacher], [i - 0.45, i + 0.45], zorder=2, **line(study, "teacher", linestyle="-"))
        for k, s in enumerate(rows):
            v, lo, hi = (study.value(s, p, c) for c in ("auc", "auc_lo", "auc_hi"))
            if v == v:
                offset = (k + 0.5) / len(rows) - 0.5
                ax.errorbar([v], [i + 0.84 * offset], xerr=[[v - lo], [hi - v]], zorder=3, **points(study, s, 4.2))
    ax.axvline(0.5, color=GREY, linewidth=0.8, linestyle=":")
    ax.set_ylim(len(processes) - 0.5, -0.5)
    ax.set_yticks(range(len(processes)), [process_label(p) for p in processes])
    ax.tick_params(axis="y", which="both", length=0)
    ax.set_xlim(0.1, 1.01)
    ax.set_xlabel("AUC against zero bias")


# ---- resources ----
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
            bars.append((s, r, clocks, look(study, s)["color"]))
        if bars:
            groups.append((f"{title} ({', '.join(sorted(tools))})", f"LUT rule: {rule}; one event a clock", bars, False))
    published = []
    for r in read_table(PUBLISHED, "synthesis_reports_Qkeras_HGQ.csv", ","):
        lut, tag = r.num("#LUTs"), r.get("model_tag") or ""
        if lut > 0:
            row = {"lut": lut, "ff": r.num("#FFs"), "dsp": r.num("#DSPs")}
            color = RED if tag == "QKeras" else VIOLET if tag == "mixed" else BLUE
            published.append((tag.replace("1Em", "HGQ 1e-").replace("mixed", "HGQ mixed"), row, f"{r['Latency (in cc)']} clk", color))
    if published:
        groups.append(("Published: Vitis HLS 2021.1 csynth", "CMS Open Data, an event in 4 clocks: other step, other data",
                       published, True))
    return groups


def amount(v):
    return f"{v:.0f}" if v < 1000 else f"{v / 1000:.1f}k" if v < 100000 else f"{v / 1000:.0f}k"


def bar_panel(ax, title, subtitle, bars, published, first):
    number = lambda row, key: row.num(key) if hasattr(row, "num") else row[key]  # noqa: E731
    for i, (name, row, clocks, color) in enumerate(bars):
        for key, x, hatch in (("lut", i - 0.2, "////" if published else None), ("ff", i + 0.2, "xxxx" if published else "....")):
            v = number(row, key)
            if not v > 0:
                continue
            filled = key == "lut" and not published
            ax.bar(x, v, width=0.38, facecolor=color if filled else "white", edgecolor=color if not filled else BLACK,
                   hatch=hatch, linewidth=0.8, zorder=3)
            ax.text(x, v * 1.12, amount(v), ha="center", va="bottom", rotation=90, fontsize=7.5, zorder=4)
        dsp = number(row, "dsp")
        label = f"{name}\n{clocks}" + (f", {dsp:.0f} DSP" if dsp > 0 else "")
        ax.text(i, -0.03, label, transform=ax.get_xaxis_transform(), ha="center", va="top", fontsize=7.2, linespacing=1.25)
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


# ---- the page ----
def heading(study, figure):
    figure.text(0.045, 0.972, "cicada-bench", fontsize=17, fontweight="bold", va="bottom")
    figure.text(0.158, 0.972, "Simulation" if study.simulation else "CMS Open Data", fontsize=15, style="italic", va="bottom")
    right = "Pythia 8 overlays (13 TeV)" if study.simulation else "2017 (13 TeV)"
    figure.text(0.985, 0.972, right, fontsize=13, ha="right", va="bottom")


def legend(study, figure, rows):
    handles = []
    for s in rows:
        style = look(study, s)
        student = s in study.names
        fill = style["color"] if style.get("fill", True) else "white"
        marker = style["marker"] if student or s in ("float", "total-et", "max-et") else ""
        name = {"total-et": "total $E_T$", "max-et": "highest region", "float": "float student"}.get(s, s)
        if student and study.family[s] == "hgq":
            name = "HGQ, rising $\\beta$ (mixed)" if "mixed" in s else "HGQ, constant $\\beta$"
        handles.append(plt.Line2D([], [], color=style["color"], linestyle=style["linestyle"], linewidth=1.4, marker=marker,
                                  markersize=5, markerfacecolor=fill, label=name))
    unique = {h.get_label(): h for h in handles}
    figure.legend(handles=list(unique.values()), loc="lower right", bbox_to_anchor=(0.99, 0.926), ncol=4, handlelength=3.4,
                  labelspacing=0.35, columnspacing=1.6, borderaxespad=0)


def page(study):
    figure = plt.figure(figsize=(16, 11.4))
    top, middle, bottom, left, right = 0.9, 0.375, 0.085, 0.045, 0.988
    ladder(study, figure, figure.add_gridspec(1, 1, left=left, right=0.505, top=top, bottom=middle)[0, 0])
    shown = study.shown()
    rows = ["teacher", *(["float"] if "float" in study.family else []), *shown, "total-et", "max-et"]
    picked = ([p for p in ("tt_had", "haa4b") if p in study.signals] or study.signals)[:2]
    upper = figure.add_gridspec(1, 2, left=0.555, right=right, top=top, bottom=0.67, wspace=0.2)
    for k, p in enumerate(picked):
        roc_panel(study, figure.add_subplot(upper[0, k]), p, rows)
    lower = figure.add_gridspec(1, 2, left=0.555, right=right, top=0.605, bottom=middle, wspace=0.44)
    histogram_panel(study, figure.add_subplot(lower[0, 0]), ["teacher", *shown], ["zb", *picked[:1]])
    forest_panel(study, figure.add_subplot(lower[0, 1]), rows[1:])
    bars(study, figure, figure.add_gridspec(1, 1, left=left, right=right, top=0.29, bottom=bottom)[0, 0])
    heading(study, figure)
    others = [s for s in study.names if "@" not in s and s not in shown]
    legend(study, figure, [*rows[:-2 - len(shown)], "total-et", "max-et", *sorted(shown + others)])
    foot = ["Vertical bars: 95 % intervals (AUC: DeLong; EMD: bootstrap; efficiency: Wilson, joined with the order statistics of the"
            " threshold). EMD: distance to the teacher's scores of the same events.",
            "Accepted: score $\\geq$ threshold. Shaded: rates at which fewer than four zero bias events pass. Published figures are"
            " of another step and of other data; they enter no other panel."]
    figure.text(left, 0.008, "\n".join(foot + study.notes), fontsize=7.8, va="bottom", color="#333333")
    return figure


def main():
    if len(sys.argv) != 3:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    plt.rcParams.update(RC)
    save(page(Study(sys.argv[1])), sys.argv[2], "HGQ and QKeras students: performance and cost")
    return 0


if __name__ == "__main__":
    sys.exit(main())
