#!/usr/bin/env python3
"""After place and route with open tools: clock and cells of the students that were routed.

Usage: routed.py RESULTS_DIR OUT.pdf|OUT.png

Reads routed.tsv of RESULTS_DIR. These are figures of an ECP5: LUTs of four inputs, a slower process than the trigger card's
part, and the step after routing; they stand in no figure with estimates or with synthesis for AMD parts. A student that
was not routed is named with the reason.
"""
import os
import sys

sys.dont_write_bytecode = True  # the source tree stays as it is

from style import BLACK, BLUE, DEEP, RED, amount, plt, read_table, require, run  # noqa: E402


def clock_panel(ax, rows):
    target = rows[0].num("clock_mhz")
    for i, r in enumerate(rows):
        lo, mid, hi = (r.num(f"fmax_{k}_mhz") for k in ("min", "median", "max"))
        ax.errorbar(mid, i, xerr=[[mid - lo], [hi - mid]], marker="o", markersize=6, color=BLUE, markeredgecolor=BLACK,
                    markeredgewidth=0.8, elinewidth=1.6, capsize=4, capthick=1.2, zorder=3)
    ax.axvline(target, color=RED, linewidth=1.2, linestyle=(0, (5, 2)), zorder=2)
    ax.annotate(f"trigger clock, {target:.0f} MHz", (target, 1), xycoords=("data", "axes fraction"), xytext=(0, 3),
                textcoords="offset points", ha="center", va="bottom", fontsize=8, color=RED)
    highest = max([target, *(r.num("fmax_max_mhz") for r in rows)])
    for i, r in enumerate(rows):
        ax.text(highest * 1.04, i, f"{r.num('fmax_median_mhz'):.1f} MHz, {r.num('cycles'):.0f} clk: {r.num('latency_ns'):.1f} ns",
                va="center", fontsize=8)
    ax.set_xlim(0, highest * 1.5)
    ax.set_xlabel("clock after routing [MHz]: least, median, greatest of the seeds")


def cell_panel(ax, rows):
    for i, r in enumerate(rows):
        for key, y, color, hatch in (("lut4", i - 0.2, BLUE, None), ("ff", i + 0.2, "white", "....")):
            v = r.num(key)
            ax.barh(y, v, height=0.36, facecolor=color, edgecolor=BLACK if color != "white" else BLUE, hatch=hatch, linewidth=0.8,
                    zorder=3)
            ax.annotate(amount(v), (v, y), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8)
    highest = max(max(r.num("lut4"), r.num("ff")) for r in rows)
    ax.set_xlim(0, highest * 1.2)
    ax.set_xlabel("LUT4 (filled), flip-flops (dotted)")
    ax.tick_params(labelleft=False)


def page(folder):
    rows = read_table(folder, "routed.tsv")
    require(rows, os.path.join(folder, "routed.tsv"), ["student", "lut4", "fmax_median_mhz", "status"])
    routed = sorted((r for r in rows if r.num("fmax_median_mhz") > 0), key=lambda r: (-r.num("lut4"), r["student"]))
    others = [f"{r['student']}: {r['status'][:90]}" for r in rows if not r.num("fmax_median_mhz") > 0]
    n = max(1, len(routed))
    figure = plt.figure(figsize=(11, 2.3 + 0.48 * n + 0.16 * len(others)))
    height = figure.get_size_inches()[1]
    bottom, top = (0.95 + 0.16 * len(others)) / height, 1 - 0.75 / height
    figure.text(0.02, 1 - 0.32 / height, "cicada-bench", fontsize=15, fontweight="bold", va="bottom")
    if routed:
        axes = figure.subplots(1, 2, sharey=True, gridspec_kw=dict(left=0.13, right=0.985, bottom=bottom, top=top, wspace=0.04,
                                                                     width_ratios=[3, 2]))
        clock_panel(axes[0], routed)
        cell_panel(axes[1], routed)
        axes[0].set_yticks(range(n), [r["student"] for r in routed])
        axes[0].set_ylim(n - 0.4, -0.6)
        tools = sorted({f"{r['tool']} {r['version']}, {r['part']}" for r in routed})
        figure.text(0.985, 1 - 0.32 / height, "Post-route: " + "; ".join(tools), fontsize=10, ha="right", va="bottom", color=DEEP,
                    fontweight="bold")
        shells = sorted({f"{r.num('ff_shell'):.0f}" for r in routed})
        foot = [f"Seeds: {', '.join(sorted({r['seeds'] for r in routed}))}. Delays: Project Trellis database. Not counted: "
                f"the {' or '.join(shells)} flip-flops of the shift register that stands in for the inputs.",
                "A LUT here has four inputs: no figure on this page compares with the LUTs of AMD parts on the other pages."]
    else:
        foot = ["No student was placed and routed."]
    figure.text(0.02, 0.1 / height, "\n".join(foot + others), fontsize=7.8, va="bottom", color="#333333")
    return figure


if __name__ == "__main__":
    sys.exit(run(__doc__, page, "Students after place and route on an ECP5"))
