#!/usr/bin/env python3
"""What each ingredient of hgq+ gives: the recipe with one thing changed a row, against AUC, zero-bias EMD and LUTs.

Usage: ablation.py RESULTS_DIR OUT.pdf|OUT.png

Reads ablation_hgq.tsv of RESULTS_DIR and, where they have been made, performance.tsv and resources.tsv, which hold the recipe's
other seeds (hgq-plus@N). Small dots: seeds; large dot: their mean; line and band: the recipe's first row and the range of all its
seeds. Inside the band a change says nothing and is grey. Test split.
"""
import math
import os
import sys

sys.dont_write_bytecode = True  # the source tree stays as it is

from style import AUC_SCALE, BLUE, RED, SLATE, origin, plt, process_label, read_table, require, run, ticker  # noqa: E402

TABLE, RECIPE = "ablation_hgq.tsv", "hgq-plus"
PANELS = [("auc_tt_had", f"AUC, {process_label('tt_had')}", +1), ("emd_zb", "zero-bias EMD to the teacher", -1),
          ("lut_yosys_packed", "LUT (Yosys synthesis, packed)", -1)]  # column, label, which way is better


def mean(values):
    return sum(values) / len(values) if values else math.nan


def study_seeds(folder):
    """What the study has of each column, a list of the seeds of hgq-plus."""
    seeds = {column: [] for column, _, _ in PANELS}
    if not all(os.path.exists(os.path.join(folder, name)) for name in ("performance.tsv", "resources.tsv")):
        return seeds
    for r in read_table(folder, "performance.tsv"):
        if r["student"].split("@")[0] == RECIPE and r["process"] in ("tt_had", "zb"):
            column, key = ("auc_tt_had", "auc") if r["process"] == "tt_had" else ("emd_zb", "emd")
            seeds[column].append(r.num(key))
    for r in read_table(folder, "resources.tsv"):
        if r["student"].split("@")[0] == RECIPE and r["tool"] == "yosys" and r["rule"] == "packed":
            seeds["lut_yosys_packed"].append(r.num("lut"))
    return {column: [v for v in values if v == v] for column, values in seeds.items()}


def label(column, value, full):
    """The value, and how far it lies from the full recipe's."""
    if value != value:
        return "not synthesised" if column.startswith("lut") else "none"
    if column.startswith("auc"):
        return f"{value:.4f}  ({value - full:+.4f})"
    text = f"{value:.2f}" if column.startswith("emd") else f"{value:.0f}"
    return f"{text}  (x {value / full:.2f})" if full > 0 else text


def scale(ax, column, values):
    """AUC: log of 1 - AUC, upside down, so that 0.98 to 0.99 is as wide as 0.8 to 0.9; the others: logarithmic."""
    if not values:
        return
    if column.startswith("auc"):
        ax.set_xscale("function", functions=AUC_SCALE)
        low, high = min(values), max(values)
        ticks = [t for t in (0.5, 0.7, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995) if 1.4 * (1 - low) >= 1 - t >= 0.7 * (1 - high)]
        ax.set_xlim(1 - 1.4 * (1 - low), 1 - 0.7 * (1 - high))
        ax.xaxis.set_major_locator(ticker.FixedLocator(ticks))
    else:
        ax.set_xscale("log")
        ax.set_xlim(min(values) / 1.35, max(values) * 1.35)
        ax.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 3, 4, 5, 7)))
    ax.xaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
    ax.xaxis.set_minor_formatter(ticker.NullFormatter())


def panel(ax, rows, variants, column, title, better, study):
    values = {v: [x for x in (r.num(column) for r in rows if r["variant"] == v) if x == x] for v in variants}
    full = values[variants[0]]
    band = full + study
    scale(ax, column, [x for v in variants for x in values[v]] + band)
    if full:
        ax.axvspan(min(band), max(band), color=SLATE, alpha=0.22, linewidth=0, zorder=1)
        ax.axvline(mean(full), color=SLATE, linewidth=1, zorder=1)
    for y, v in enumerate(variants):
        centre = mean(values[v])
        gain = better * (centre - mean(full))
        inside = y == 0 or gain != gain or min(band) <= centre <= max(band)
        color = SLATE if inside else BLUE if gain > 0 else RED
        if len(values[v]) > 1:
            ax.plot(values[v], [y] * len(values[v]), "o", color=color, markersize=3.5, alpha=0.7, zorder=3)
        ax.plot([centre], [y], "o", color=color, markersize=8, zorder=4)
        ax.text(1.015, y, label(column, centre, mean(full)), transform=ax.get_yaxis_transform(), va="center", fontsize=8, color=color)
    ax.set_ylim(len(variants) - 0.4, -0.6)
    ax.set_title(title, fontsize=10, loc="left")
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", color="#e5e5e5", linewidth=0.8)


def page(folder):
    rows = read_table(folder, TABLE)
    require(rows, os.path.join(folder, TABLE), ["variant", "change", *(p[0] for p in PANELS)])
    variants = list(dict.fromkeys(r["variant"] for r in rows))
    change = {r["variant"]: r["change"] for r in rows}
    seeds = max(sum(r["variant"] == v for r in rows) for v in variants)
    figure, axes = plt.subplots(1, 3, figsize=(16, 0.42 * len(variants) + 1.9), sharey=True,
                                gridspec_kw={"wspace": 0.42, "left": 0.245, "right": 0.925, "top": 0.88, "bottom": 0.09})
    study = study_seeds(folder)
    for ax, (column, title, better) in zip(axes, PANELS):
        panel(ax, rows, variants, column, title, better, study[column])
    axes[0].set_yticks(range(len(variants)), [f"{change[v].split(':')[0] if k else 'hgq+ as it is'}  [{v}]" for k, v in enumerate(variants)])
    figure.text(0.02, 0.945, "cicada-bench", fontsize=17, fontweight="bold", va="bottom")
    figure.text(0.145, 0.945, f"{origin(folder)}: what each ingredient of hgq+ gives", fontsize=13, style="italic", va="bottom")
    dots = f"{seeds} seeds (small dots), mean (large)" if seeds > 1 else "one seed"
    others = len(study["auc_tt_had"])
    figure.text(0.02, 0.015, f"Each row: configs/students/{RECIPE}.ini with one change, {dots}. Line: the recipe; band: its "
                f"{f'{others} seeds in the study' if others > 1 else 'seeds'}. Blue: better than all of them, red: worse, grey: among "
                "them. Test split; epochs were chosen by validation.", fontsize=8, color="#333333")
    return figure


if __name__ == "__main__":
    sys.exit(run(__doc__, page, "What each ingredient of hgq+ gives"))
