"""Roofline of this machine: GFLOP/s against FLOP per byte for every kernel, one thread.

usage: roofline.py FOLDER OUTPUT   FOLDER holds bench.tsv and bench_loops.tsv (make bench), OUTPUT ends in .pdf, .png or .svg

Roofs: the register loops and the memory triad of the same table. Rates are those of CPU
time, which hold on a shared machine too. Bytes count each operand once; kernels are measured
with operands in cache, so a point may lie above the roof of the memory. Beside it the whole
loops: their share of the peak, and how many times as fast they are as the fastest Python peer.
"""
import math
import os
import sys

from style import BLACK, BLUE, DEEP, GREY, ORANGE, RC, SLATE, VIOLET, plt, read_table, require, save, spread

PASSES = {"forward": (BLUE, "o"), "backward": (ORANGE, "s"), "gradient": (VIOLET, "D")}
SHAPES = ("conv3x3-stride2", "conv2x2", "conv2x2-stride2", "conv1x1", "conv3x3-odd", "deconv2x2", "conv3x3-towers")
LOOPS = ("teacher/", "teacher-revised/", "qkeras-", "float-", "hgq-", "programme-")


def best(rows, prefix, scale):
    """Largest rate per CPU second of the one-thread rows of a name, in 1e9/s."""
    rates = [r.num(scale) / r.num("cpu_min_s") * r.num("events") * 1e-9
             for r in rows if r["name"].startswith(prefix) and r["threads"] == "1"]
    return max(rates, default=0.0)


def roofs(ax, rows, isa, lo, hi):
    """The roofs of level isa; returns its FMA rate."""
    level = [r for r in rows if r["isa"] == isa]
    memory = best(rows, "memory/triad", "bytes_per_event")
    fma = best(level, "peak/fma", "flop_per_event")
    for name, rate, style in (("FMA", fma, "-"), ("mul, add", best(level, "peak/mul-add", "flop_per_event"), "--")):
        if rate > 0:
            ax.plot([rate / memory if memory > 0 else lo, hi], [rate, rate], style, color=BLACK, lw=1.2, zorder=1)
            ax.text(hi * 0.93, rate * 0.97, f"{name} ({isa})\n{rate:.0f} GFLOP/s", ha="right", va="top")
    if memory > 0:
        ax.plot([lo, fma / memory], [lo * memory, fma], "-", color=BLACK, lw=1.2, zorder=1)
        ax.text(lo * 1.2, lo * 11 * memory, f"memory (triad)\n{memory:.1f} GB/s", ha="left", va="bottom")
    return fma


def kernels(ax, rows, lo, hi):
    """Points by pass; below them the name of each layer, with a line to its lowest point."""
    lowest = {}
    for r in rows:
        part = r["name"].split("/")
        flop, size, cpu = r.num("flop_per_event"), r.num("bytes_per_event"), r.num("events_per_cpu_s")
        if part[0] not in ("kernel", "student") or not flop > 0 or not size > 0:
            continue
        colour, marker = PASSES.get(part[-1], (GREY, "^"))
        x, y = flop / size, flop * cpu * 1e-9
        if part[1] in SHAPES:
            ax.plot(x, y, marker, color=colour, mec=BLACK, mew=0.3, ms=3.2, zorder=3)
            continue
        ax.plot(x, y, marker, color=colour, mec=BLACK, mew=0.5, ms=6)
        name = "student conv" if part[0] == "student" else part[1]
        if name not in lowest or y < lowest[name][1]:
            lowest[name] = (x, y)
    names = list(lowest)
    places = spread([math.log10(lowest[n][0]) for n in names], 0.17, math.log10(lo) + 0.1, math.log10(hi) - 0.1)
    for name, place in zip(names, places):
        x, y = lowest[name]
        ax.plot([x, 10**place], [y, 3.2], "-", color=GREY, lw=0.5, zorder=0)
        ax.text(10**place, 3.0, name, rotation=90, ha="center", va="top", fontsize=7.5, color=SLATE)


def loops(ax, rows, peak):
    """Whole loops: percent of the peak, one bar each."""
    chosen = [r for r in rows if r["name"].startswith(LOOPS) and r["threads"] == "1" and r.num("flop_per_event") > 0]
    for i, r in enumerate(reversed(chosen)):
        rate = r.num("flop_per_event") * r.num("events_per_cpu_s") * 1e-9
        share = 100 * rate / peak if peak > 0 else 0
        ax.barh(i, share, color=DEEP, edgecolor=BLACK, lw=0.6, height=0.66)
        ax.text(share + 1, i, f"{r.num('events_per_cpu_s'):,.0f} events/s", va="center", fontsize=7.5)
    ax.set_yticks(range(len(chosen)), [r["name"] for r in reversed(chosen)], fontsize=8)
    ax.set_xlim(0, 118)
    ax.set_xlabel("% of the FMA peak of one core")
    ax.tick_params(axis="y", length=0)


def against_peers(ax, rows):
    """Factor over the fastest peer at the same peak, one bar a loop; a tick where the factor asked for lies."""
    chosen = [r for r in reversed(rows) if r.num("factor") > 0]
    top = max(max(r.num("factor"), r.num("asked")) for r in chosen)
    for i, r in enumerate(chosen):
        factor, asked = r.num("factor"), r.num("asked")
        ax.barh(i, factor, color=BLUE, edgecolor=BLACK, lw=0.6, height=0.6)
        ax.plot([asked, asked], [i - 0.4, i + 0.4], "-", color=BLACK, lw=2)
        ax.text(max(factor, asked) * 1.08, i, f"{factor:.1f} x ({asked:g} asked)", va="center", fontsize=7.5)
    ax.set_xscale("log")
    ax.set_xlim(1, 12 * top)
    ax.set_yticks(range(len(chosen)), [r["loop"] for r in chosen], fontsize=8)
    ax.set_xlabel(f"times the events/s of the fastest Python peer, {chosen[0]['threads']} threads, same peak")
    ax.tick_params(axis="y", length=0)


def layout(folder):
    """The figure, its axes, and the rows of bench_loops.tsv that name a peer (none: no panel of them)."""
    found = os.path.exists(os.path.join(folder, "bench_loops.tsv"))
    peers = [r for r in read_table(folder, "bench_loops.tsv") if r.num("factor") > 0] if found else []
    if not peers:
        return *plt.subplots(1, 2, figsize=(11, 4.8), width_ratios=(1.35, 1), layout="constrained"), peers
    return *plt.subplot_mosaic([["roof", "loops"], ["roof", "peers"]], figsize=(11, 6.2), width_ratios=(1.35, 1),
                               height_ratios=(2.2, 1), layout="constrained"), peers


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: roofline.py FOLDER OUTPUT")
    rows = read_table(sys.argv[1], "bench.tsv")
    require(rows, "bench.tsv", ("name", "isa", "threads", "events", "cpu_min_s", "events_per_cpu_s", "flop_per_event",
                                "bytes_per_event", "machine"))
    plt.rcParams.update(RC)
    figure, axes, peers = layout(sys.argv[1])
    left, right = (axes["roof"], axes["loops"]) if peers else axes
    isa = next((r["isa"] for r in rows if r["name"].startswith(("kernel/", "student/") + LOOPS)), rows[0]["isa"])
    lo, hi = 0.15, 400.0
    left.set_xscale("log")
    left.set_yscale("log")
    peak = roofs(left, rows, isa, lo, hi)
    kernels(left, rows, lo, hi)
    left.set_xlim(lo, hi)
    left.set_ylim(1.2, max(300.0, 1.6 * peak))
    left.set_xlabel("FLOP per byte of operands")
    left.set_ylabel("GFLOP/s per core")
    for name, (colour, marker) in PASSES.items():
        left.plot([], [], marker, color=colour, mec=BLACK, mew=0.5, label=name)
    left.legend(loc="lower right", title="pass", bbox_to_anchor=(1, 0.12))
    left.set_title(rows[0]["machine"], fontsize=8, loc="left")
    loops(right, rows, peak)
    if peers:
        against_peers(axes["peers"], peers)
    save(figure, sys.argv[2], "Roofline of the kernels")


if __name__ == "__main__":
    main()
