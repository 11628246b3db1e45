#!/usr/bin/env python3
"""Whole fronts: what each bit of a student buys, over several seeds; how they were trained; where their bits are.

Usage: fronts.py RESULTS_DIR OUT.pdf|OUT.png

Reads fronts, front_scores, front_means, front_runs and front_bits (.tsv) of RESULTS_DIR, and the published points beside
this script's folder (data/published). Bands: the 95 % interval of the mean over seeds where there are several. The test split is shown; points
were kept by the validation error alone.
"""
import math
import os
import sys

sys.dont_write_bytecode = True  # the source tree stays as it is

from bitmaps import bit_maps  # noqa: E402
from style import AUC_SCALE, BLUE, BROWN, DEEP, GREY, ORANGE, RED, SAND, SLATE, VIOLET, Row, origin, plt, process_label, read_table, run, ticker  # noqa: E402

PUBLISHED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "published")
AXES = {"ebops": "EBOPs (exact: data bits $\\times$ span of the weight's ones)", "lut": "LUT (estimate, carry-chain rule)"}
FAMILY = {"hgq": "HGQ", "qkeras": "QKeras", "plus": "hgq+", "lgn": "logic gates"}
COLORS = {"hgq": [BLUE, VIOLET, "#92dadd"], "qkeras": [RED, DEEP], "plus": [BROWN, SAND], "lgn": [ORANGE]}


class Fronts:
    """The tables, indexed."""

    def __init__(self, folder):
        self.points = read_table(folder, "fronts.tsv")
        self.means = read_table(folder, "front_means.tsv")
        self.runs = read_table(folder, "front_runs.tsv")
        self.bits = read_table(folder, "front_bits.tsv")
        self.score = {(r["front"], r["point"], r["process"]): r for r in read_table(folder, "front_scores.tsv")
                      if r["split"] == "test"}
        self.names = list(dict.fromkeys(base(r["front"]) for r in self.points))
        self.family = {base(r["front"]): r["family"] for r in self.points}
        self.processes = list(dict.fromkeys(k[2] for k in self.score))
        self.simulation = origin(folder) == "Simulation"
        used = {}
        self.color = {}
        for n in self.names:
            k = used[self.family[n]] = used.get(self.family[n], -1) + 1
            palette = COLORS.get(self.family[n], [SLATE])
            self.color[n] = palette[k % len(palette)]

    def marker(self, name):
        return {"hgq": "o", "qkeras": "s", "plus": "^"}.get(self.family[name], "D")

    def seeds(self, name):
        return len({r["front"] for r in self.points if base(r["front"]) == name})


def base(front):
    return front.split("@")[0]


def auc_scale(ax):
    """AUC with as much room for 0.98 to 0.99 as for 0.8 to 0.9: log (1 - AUC), upside down."""
    ax.set_yscale("function", functions=AUC_SCALE)


def published_points(process, column, axis):
    """(x, y, name) of the published students: HLS estimates for LUT, HGQ2's own count for EBOPs."""
    name = {"tt_had": "TTtoHadronic", "zb": "ZeroBias", "tt_lep": "TTtoSemiLeptonic", "tt_dil": "TTto2L2Nu"}.get(process)
    physics = {r["student_label"]: r for r in read_table(PUBLISHED, "results_df.csv", ",") if r["process"] == name}
    points = []
    for r in read_table(PUBLISHED, "synthesis_reports_Qkeras_HGQ.csv", ","):
        tag = r.get("model_tag") or ""
        row = physics.get("qkeras" if tag == "QKeras" else tag)
        x, y = r.num("ebops" if axis == "ebops" else "55*#DSP+#LUT"), row.num(column) if row else math.nan
        if x > 100 and y == y:
            points.append((x, y, tag.replace("1Em", "1e-")))
    return points


def front_panel(fronts, ax, process, metric, axis):
    ax.set_xscale("log")
    if metric == "auc":
        auc_scale(ax)
    else:
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
        ax.yaxis.set_minor_formatter(ticker.NullFormatter())
    values = []
    for name in fronts.names:
        color = fronts.color[name]
        rows = [r for r in fronts.means if (r["front"], r["axis"], r["split"], r["process"], r["metric"])
                == (name, axis, "test", process, metric)]
        x = [r.num("cost") for r in rows]
        if fronts.seeds(name) > 1:
            ax.fill_between(x, [limit(r.num("lo"), metric) for r in rows], [limit(r.num("hi"), metric) for r in rows], color=color,
                            alpha=0.2, linewidth=0, zorder=1)
        ax.plot(x, [r.num("mean") for r in rows], color=color, linewidth=1.8 if fronts.seeds(name) > 1 else 0.9, zorder=3)
        for p in fronts.points:
            if base(p["front"]) != name:
                continue
            r = fronts.score.get((p["front"], p["point"], process), Row())
            x, y = p.num("ebops_exact" if axis == "ebops" else "lut_sites"), r.num(metric)
            ax.plot([x], [y], marker=fronts.marker(name), color=color, markersize=2.6, linestyle="none", alpha=0.7, zorder=2)
            values.append(y)
            if axis == "lut" and p.num("lut_yosys") > 0:
                ax.plot([p.num("lut_yosys")], [y], marker=fronts.marker(name), color=color, markersize=8, fillstyle="none",
                        markeredgewidth=1.4, linestyle="none", zorder=4)
    ax.margins(x=0.08)
    others = published_points(process, "roc_auc" if metric == "auc" else "wasserstein_distance", axis)
    for x, y, tag in others:
        ax.plot([x], [y], marker="s" if tag == "QKeras" else "o", color=GREY, fillstyle="none", markersize=6, linestyle="none", zorder=1)
        ax.annotate(tag, (x, y), xytext=(5, -3), textcoords="offset points", fontsize=7, color=GREY)
    ranges(ax, [v for v in values if v == v], [y for _, y, _ in others], metric)
    ax.set_ylabel("AUC against zero bias" if metric == "auc" else "EMD to the teacher")
    ax.text(0.03, 0.95, process_label(process), transform=ax.transAxes, va="top", fontweight="bold")
    ax.set_xlabel(AXES[axis])


def limit(v, metric):
    return min(max(v, 0.5), 0.9999) if metric == "auc" else max(v, 1e-3)


def ranges(ax, own, others, metric):
    both = own + others
    if not both:
        return
    if metric == "auc":
        low, high = max(0.5, min(both) - 0.02), min(0.999, 1 - (1 - max(both)) / 1.4)
        ax.set_ylim(low, high)
        ticks = [t for t in (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.97, 0.98, 0.985, 0.99, 0.995) if low <= t <= high]
        ax.yaxis.set_major_locator(ticker.FixedLocator(ticks))
        ax.yaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
        ax.yaxis.set_minor_locator(ticker.NullLocator())
    else:
        ax.set_ylim(min(both) / 1.3, max(both) * 1.3)
        ax.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))


def training_panel(fronts, upper, lower):
    """EBOPs and beta, loss and validation error of the first seed of each front with a beta; of HGQ's alone where there is one."""
    twin = upper.twinx()
    for name in [n for n in fronts.names if fronts.family[n] == "hgq"] or fronts.names:
        rows = [r for r in fronts.runs if r["front"] == name and r.num("ebops_exact") == r.num("ebops_exact")]
        for run in dict.fromkeys(r["run"] for r in rows):
            mine = [r for r in rows if r["run"] == run]
            x = [r.num("epoch") for r in mine]
            color = fronts.color[name]
            upper.plot(x, [max(1, r.num("ebops_exact")) for r in mine], color=color, linewidth=1.2)
            twin.plot(x, [r.num("beta") for r in mine], color=SLATE, linewidth=0.9, linestyle=(0, (4, 2)))
            lower.plot(x, [r.num("val_mae") for r in mine], color=color, linewidth=0.9)
            lower.plot(x, [r.num("loss") for r in mine], color=color, linewidth=0.9, linestyle=(0, (1, 1)))
        kept = [p for p in fronts.points if p["front"] == name and p.num("beta") == p.num("beta")]
        upper.plot([p.num("epoch") for p in kept], [p.num("ebops_exact") for p in kept], "o", color=fronts.color[name], markersize=3.5)
        lower.plot([p.num("epoch") for p in kept], [p.num("val_mae") for p in kept], "o", color=fronts.color[name], markersize=3.5)
    for ax in (upper, lower, twin):
        ax.set_yscale("log")
        ax.tick_params(right=ax is twin, which="both")
    upper.set_ylabel("EBOPs (exact)")
    twin.set_ylabel(r"$\beta$ (dashed)")
    lower.set_ylabel("MAE (dotted: loss with $\\beta\\,$cost)")
    lower.set_xlabel("epoch")
    lower.yaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
    lower.yaxis.set_minor_formatter(ticker.NullFormatter())
    upper.tick_params(labelbottom=False)
    upper.set_title("Training (first seed); dots: checkpoints kept", fontsize=9.5, loc="left")


def legend(fronts, figure):
    handles = [plt.Line2D([], [], color=fronts.color[n], marker=fronts.marker(n), markersize=4, linewidth=1.8,
                          label=f"{FAMILY.get(fronts.family[n], fronts.family[n])}: {n}, {fronts.seeds(n)} "
                                f"seed{'s' if fronts.seeds(n) > 1 else ''}") for n in fronts.names]
    handles.append(plt.Line2D([], [], color=SLATE, marker="o", fillstyle="none", markersize=8, linestyle="none",
                              label="Yosys synthesis (packed) of a point"))
    handles.append(plt.Line2D([], [], color=GREY, marker="o", fillstyle="none", markersize=6, linestyle="none",
                              label="published: CMS Open Data, HGQ2's count, Vitis HLS 55 DSP + LUT (other data, other tools)"))
    figure.legend(handles=handles, loc="upper right", bbox_to_anchor=(0.985, 0.995), ncol=2, columnspacing=1.6)


def page(fronts):
    figure = plt.figure(figsize=(16, 13.2))
    left = figure.add_gridspec(2, 2, left=0.05, right=0.655, top=0.925, bottom=0.395, hspace=0.2, wspace=0.2)
    first = "tt_had" if "tt_had" in fronts.processes else next(p for p in fronts.processes if p != "zb")
    for j, axis in enumerate(("ebops", "lut")):
        above = figure.add_subplot(left[0, j])
        front_panel(fronts, above, first, "auc", axis)
        front_panel(fronts, figure.add_subplot(left[1, j], sharex=above), "zb", "emd", axis)
    right = figure.add_gridspec(2, 1, left=0.715, right=0.95, top=0.925, bottom=0.395, hspace=0.06)
    upper = figure.add_subplot(right[0])
    training_panel(fronts, upper, figure.add_subplot(right[1], sharex=upper))
    bit_maps(fronts, figure, figure.add_gridspec(1, 1, left=0.03, right=0.955, top=0.32, bottom=0.045)[0])
    figure.text(0.045, 0.955, "cicada-bench", fontsize=17, fontweight="bold", va="bottom")
    figure.text(0.158, 0.955, "Simulation" if fronts.simulation else "CMS Open Data", fontsize=15, style="italic", va="bottom")
    legend(fronts, figure)
    figure.text(0.045, 0.012, "Test split; every point was kept by its validation error. Lines and bands: mean over seeds, each interpolated over log "
                "cost (its last point beyond its end), and the 95 % interval of the mean (Student's t).", fontsize=7.8, color="#333333")
    return figure


if __name__ == "__main__":
    sys.exit(run(__doc__, lambda folder: page(Fronts(folder)), "Fronts of students: performance against EBOPs and LUTs"))
