#!/usr/bin/env python3
"""One page: logic gate networks beside the other students, and what each ingredient of theirs gives.

Usage: lgn.py RESULTS_DIR OUT.pdf|OUT.png

Reads performance, students, resources, roc and histograms (.tsv) of RESULTS_DIR, and, where they have been made, ablation_lgn.tsv
(make ablation-lgn) and lgn_published.tsv (make lgn-published). LUT: Yosys, packed. Lines of the ablation: the full
student; bars start there.
"""
import os
import sys

sys.dont_write_bytecode = True  # the source tree stays as it is

from panels import histogram_panel, roc_panel  # noqa: E402
from study import Study, line, points  # noqa: E402
from style import BLACK, GREY, SLATE, TEAL, plt, process_label, read_table, run, ticker  # noqa: E402

COLUMNS = [("auc", "AUC, {} against zero bias"), ("eff_10khz", "Efficiency at 10 kHz, {}"), ("emd", "EMD to the teacher, {}")]
GAINS = [("auc_tt_had", r"AUC $t\bar{t}$ had."), ("auc_tt_lep", r"AUC $t\bar{t}$ semilep."), ("emd_tt_had", r"EMD $t\bar{t}$ had."),
         ("emd_zb", "EMD zero bias"), ("lut_estimate", "LUT (estimate)")]


def optional(folder, name):
    return read_table(folder, name) if os.path.exists(os.path.join(folder, name)) else []


def reach(study, ax, process, column, label, published):
    """One number of every student against its LUTs; logic gate networks filled, the others pale."""
    ax.set_xscale("log")
    if column == "emd":
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
        ax.yaxis.set_minor_formatter(ticker.NullFormatter())
    for s in study.names:
        x, y = study.lut(s), study.value(s, process, column)
        if x != x or y != y:
            continue
        lo, hi = study.value(s, process, column + "_lo"), study.value(s, process, column + "_hi")
        ours = study.family[s] == "lgn"
        style = points(study, s, 8 if ours else 5.5)
        bars = [[max(0, y - lo)], [max(0, hi - y)]] if lo == lo and ours and column != "eff_10khz" else None
        ax.errorbar([x], [y], yerr=bars, zorder=4 if ours else 2, alpha=1 if ours else 0.55, **style)
    key = {("tt_had", "auc"): "auc_tt_had", ("tt_had", "eff_10khz"): "eff_10khz_tt_had", ("zb", "emd"): "emd_zb"}.get((process, column))
    for r in published if key else []:
        x, y = r.num("lut_yosys_packed"), r.num(key)
        if x == x and y == y:
            ax.plot([x], [y], marker="x", color=SLATE, markersize=7, linestyle="none", zorder=3)
            if column != "eff_10khz":  # there they all lie at 0
                ax.annotate(r["variant"], (x, y), xytext=(6, -3), textcoords="offset points", fontsize=7, color=SLATE)
    teacher = study.value("teacher", process, column)
    if column != "emd" and teacher == teacher:
        ax.axhline(teacher, zorder=1, **line(study, "teacher"))
    ax.axvspan(ax.get_xlim()[0], 4000, color="#eef6f5", zorder=0, linewidth=0)
    ax.set_xlabel("LUT (Yosys, packed)")
    ax.set_ylabel(label.format(process_label(process)))


def ablation(rows, axes):
    """Bars from the full student to each variant, best at the top as listed."""
    full = next((r for r in rows if r["variant"] == "full"), rows[0])
    names = list(dict.fromkeys(r["variant"] for r in rows))
    mean = {n: [r for r in rows if r["variant"] == n] for n in names}
    for ax, (column, label) in zip(axes, GAINS):
        base = sum(r.num(column) for r in mean[full["variant"]]) / len(mean[full["variant"]])
        for k, n in enumerate(names):
            v = sum(r.num(column) for r in mean[n]) / len(mean[n])
            worse = v < base if column.startswith("auc") else v > base
            ax.barh([k], [v - base], left=[base], color="#d9a79f" if worse else TEAL, height=0.66, zorder=2)
            ax.text(1.02, k, f"{v:.3f}" if column.startswith("auc") else f"{v:.0f}" if column.startswith("lut") else f"{v:.1f}",
                    transform=ax.get_yaxis_transform(), va="center", fontsize=7, color=SLATE)
        ax.axvline(base, color=BLACK, linewidth=0.8)
        ax.set_ylim(len(names) - 0.4, -0.6)
        ax.set_yticks(range(len(names)), names if ax is axes[0] else [""] * len(names))
        ax.tick_params(axis="y", which="both", length=0)
        ax.set_xlabel(label)
        ax.xaxis.set_major_locator(ticker.MaxNLocator(4))


def legend(study, figure, published):
    seen, handles = set(), []
    for s in study.names:
        style = points(study, s)
        key = (style["color"], style["marker"], style["markerfacecolor"])
        if key in seen or "@" in s:
            continue
        seen.add(key)
        name = {"lgn": "logic gates, dense", "clgn": "logic gates, convolutional", "bdt": "boosted trees"}.get(s, s if study.family[s] == "lgn" else study.family[s])
        handles.append(plt.Line2D([], [], color=style["color"], marker=style["marker"], markerfacecolor=style["markerfacecolor"],
                                  linestyle="none", markersize=6, label=f"{name} ({s})" if study.family[s] != "lgn" else name))
    if published:
        handles.append(plt.Line2D([], [], color=SLATE, marker="x", linestyle="none", label="published networks, trained here"))
    handles.append(plt.Line2D([], [], **line(study, "teacher"), label="teacher"))
    figure.legend(handles=handles, loc="upper right", bbox_to_anchor=(0.99, 0.995), ncol=4, columnspacing=1.4)


def page(folder):
    study = Study(folder)
    rows, published = optional(folder, "ablation_lgn.tsv"), optional(folder, "lgn_published.tsv")
    figure = plt.figure(figsize=(16, 12.4 if rows else 8.2))
    cut = 0.40 if rows else 0.09
    signal = "tt_had" if "tt_had" in study.signals else study.signals[0]
    upper = figure.add_gridspec(2, 3, left=0.05, right=0.985, top=0.90, bottom=cut + 0.02, hspace=0.28, wspace=0.2)
    for k, (process, (column, label)) in enumerate(zip((signal, signal, "zb"), COLUMNS)):
        reach(study, figure.add_subplot(upper[0, k]), process, column, label, published)
    ours = [s for s in study.names if study.family[s] == "lgn" and "@" not in s]
    curves = ["teacher", *study.shown()[:1], *ours]
    histogram_panel(study, figure.add_subplot(upper[1, 0]), curves, ["zb", signal])
    for k, p in enumerate([signal, *[p for p in ("tt_lep", "tt_dil") if p in study.signals and p != signal]][:2]):
        roc_panel(study, figure.add_subplot(upper[1, 1 + k]), p, curves)
    if rows:
        lower = figure.add_gridspec(1, len(GAINS), left=0.08, right=0.955, top=cut - 0.055, bottom=0.055, wspace=0.24)
        ablation(rows, [figure.add_subplot(lower[0, k]) for k in range(len(GAINS))])
        figure.text(0.045, cut - 0.045, "What each ingredient gives (convolutional student, one thing changed at a time, shortened training)",
                    fontsize=9.5)
    figure.text(0.045, 0.955, "cicada-bench", fontsize=17, fontweight="bold", va="bottom")
    figure.text(0.158, 0.955, "Simulation" if study.simulation else "CMS Open Data", fontsize=15, style="italic", va="bottom")
    legend(study, figure, published)
    figure.text(0.045, 0.008, "Shaded: at most 4,000 LUT. Vertical bars: 95 % intervals of logic gate networks. Small marks: further seeds.",
                fontsize=7.8, color=GREY)
    return figure


if __name__ == "__main__":
    sys.exit(run(__doc__, page, "Logic gate networks: performance against LUTs"))
