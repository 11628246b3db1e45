#!/usr/bin/env python3
"""One page: what layer-wise (QKeras) and per-weight (HGQ) quantization cost and keep.

Usage: hgq_vs_qkeras.py RESULTS_DIR OUT.pdf|OUT.png

Reads performance, students, resources, roc and histograms (.tsv) of RESULTS_DIR, and the published
synthesis table beside this script's folder (data/published). A folder named opendata is labelled as CMS Open Data,
any other as simulation. A student NAME@SEED is drawn small, in the style of NAME. What a table lacks, such as the
resources of a student whose synthesis failed, is left out and named in the foot line.
"""
import sys

sys.dont_write_bytecode = True  # the source tree stays as it is

from ladder import ladder  # noqa: E402
from panels import forest_panel, histogram_panel, roc_panel  # noqa: E402
from resources import bars  # noqa: E402
from study import Study, from_front, look  # noqa: E402
from style import plt, run  # noqa: E402


def heading(study, figure):
    figure.text(0.045, 0.972, "cicada-bench", fontsize=17, fontweight="bold", va="bottom")
    origin = "Simulation" if study.simulation else "CMS Open Data"
    figure.text(0.158, 0.972, origin, fontsize=15, style="italic", va="bottom")
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
            name = ("HGQ, rising $\\beta$ (mixed)" if "mixed" in s else "HGQ, a front's point" if from_front(s)
                    else "HGQ, constant $\\beta$")
        elif student and study.family[s] == "hgq+":
            name = "hgq+, 25 ns" if "25ns" in s else "hgq+"
        elif student and study.family[s] == "lgn":
            name = "logic gate network"
        elif student and study.family[s] == "bdt":
            name = "boosted trees"
        handles.append(plt.Line2D([], [], color=style["color"], linestyle=style["linestyle"], linewidth=1.4,
                                  marker=marker, markersize=5, markerfacecolor=fill, label=name))
    unique = {h.get_label(): h for h in handles}
    figure.legend(handles=list(unique.values()), loc="lower right", bbox_to_anchor=(0.99, 0.926), ncol=-(-len(unique) // 3),
                  handlelength=3.4, labelspacing=0.35, columnspacing=1.6, borderaxespad=0)


def page(study):
    figure = plt.figure(figsize=(16, 11.4))
    top, middle, bottom, left, right = 0.9, 0.375, 0.085, 0.045, 0.988
    ladder(study, figure, figure.add_gridspec(1, 1, left=left, right=0.505, top=top, bottom=middle)[0, 0])
    shown = study.shown()
    rows = ["teacher", *(["float"] if "float" in study.family else []), *shown, "total-et", "max-et"]
    wanted = [p for p in ("tt_had", "haa4b", "tt_dil") if p in study.signals]
    picked = list(dict.fromkeys(wanted + study.signals))[:2]
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
    foot = ["Vertical bars: 95 % intervals (AUC: DeLong; EMD: bootstrap; efficiency: Wilson, joined with the order"
            " statistics of the threshold). EMD: distance to the teacher's scores of the same events.",
            "Accepted: score $\\geq$ threshold. Shaded: rates at which fewer than four zero bias events pass. Published"
            " figures are of another step and of other data; they enter no other panel."]
    figure.text(left, 0.008, "\n".join(foot + study.notes), fontsize=7.8, va="bottom", color="#333333")
    return figure


if __name__ == "__main__":
    sys.exit(run(__doc__, lambda folder: page(Study(folder)), "HGQ and QKeras students: performance and cost"))
