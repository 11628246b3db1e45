"""The ladder: AUC and EMD of the students against EBOPs and against LUTs, panels above one another."""
import math

from study import YOSYS_RULE, from_front, line, look, points, short
from style import BLUE, SLATE, process_label, spread, ticker

LADDER_AUC = ["tt_had", "tt_lep", "tt_dil"]
LADDER_EMD = ["zb", "tt_had"]


def ladder_points(study, ax, cost, process, column):
    hgq = sorted((cost[s], study.value(s, process, column)) for s in cost
                 if study.family[s] == "hgq" and "mixed" not in s and "@" not in s and not from_front(s))
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
            va="top" if column == "auc" else "bottom", fontsize=9.5, fontweight="bold", zorder=1.5,
            bbox=dict(facecolor="white", edgecolor="none", alpha=0.75, pad=1))


def missing_synthesis(study, have):
    gone = [s for s in study.names if s not in have]
    status = {r["student"]: r["status"] for r in study.resources if r["step"] == "yosys-synth"}
    if gone:
        reasons = [f"{s} ({status.get(s, 'not synthesised')[:60]})" for s in gone]
        study.notes.append("No Yosys figure: " + "; ".join(reasons) + ".")


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
    for s, x, u in zip(named, at, spread(at, 0.075, 0.0, 0.97)):
        color = look(study, s)["color"]
        ax.plot([x, x, u], [1.0, 1.02, 1.09], transform=ax.transAxes, color=color, linewidth=0.8, clip_on=False)
        ax.text(u, 1.10, short(s), transform=ax.transAxes, rotation=60, rotation_mode="anchor", ha="left",
                va="bottom", fontsize=8.5, color=color)
