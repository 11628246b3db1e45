"""ROC curves, score histograms, and the AUC of every process."""
from study import RATES, line, points
from style import BLACK, GREY, SLATE, process_label


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
        ax.text(float(r), 1.015, text, transform=ax.get_xaxis_transform(), ha="center", va="bottom", fontsize=7.5,
                color=SLATE)
    drawn = [s for s in rows if s in study.names]
    for s in rows:
        ax.plot([x for x, _ in curves[s]], [y for _, y in curves[s]], zorder=3, **line(study, s))
        for r in RATES if s in drawn else []:
            v, lo, hi = (study.value(s, process, f"eff_{r}khz{e}") for e in ("", "_lo", "_hi"))
            x = float(r) * 1.13 ** (drawn.index(s) - (len(drawn) - 1) / 2)  # side by side
            if v > 0:
                down = min(v - lo, v * (1 - 1e-9))  # a bar down to 0 has no end on this axis
                ax.errorbar([x], [v], yerr=[[down], [hi - v]], zorder=4, **points(study, s, 4.5))
    ax.set_xlabel("L1 trigger rate [kHz]")
    ax.set_ylabel("Signal efficiency")
    ax.text(0.03, 0.965, process_label(process), transform=ax.transAxes, va="top", fontweight="bold", fontsize=9.5)


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
                ax.stairs(share, edges, fill=True, color="#c2c2c2" if filled else "#f6e9d2",
                          alpha=1 if filled else 0.75, zorder=1 if filled else 0)
                ax.stairs(share, edges, color=BLACK, linewidth=0.8, zorder=2)
            else:
                ax.stairs(share, edges, zorder=3, **line(study, s, linewidth=1.2))
    ax.set_xlim(0, 256)
    ax.set_ylim(lowest / 2, 2)
    for y, process, color in zip((0.95, 0.87), processes, ("#c2c2c2", "#f6e9d2")):
        ax.text(0.96, y, process_label(process) + " (filled: teacher)", transform=ax.transAxes, ha="right", va="top",
                fontsize=8.5, bbox=dict(facecolor=color, edgecolor="none", pad=2))
    ax.set_xlabel("Anomaly score")
    ax.set_ylabel("Fraction of events / 4")


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
