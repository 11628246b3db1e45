"""Style, tables and files shared by the figures.

Figures read only the text tables of results/ (and the published table), draw with the Agg and
PDF back ends and the fonts that come with matplotlib, and hold no date: the same
tables and the same matplotlib give the same bytes.
"""
import csv
import math
import os
import sys

import matplotlib
import numpy

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib import ticker  # noqa: E402, F401 (for the figures)

# Petroff's ten colours (arXiv:2107.02270); every use also has a marker, line style or hatch of its own.
BLUE, ORANGE, RED, GREY, VIOLET, BROWN, DEEP, SAND, SLATE, SKY = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd")
TEAL, BLACK = "#1b7f79", "#111111"

RC = {
    "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "mathtext.fontset": "dejavusans",
    "font.size": 9, "axes.labelsize": 10, "axes.linewidth": 1.0, "axes.axisbelow": True,
    "xtick.direction": "in", "ytick.direction": "in", "xtick.top": True, "ytick.right": True,
    "xtick.major.size": 6, "ytick.major.size": 6, "xtick.minor.size": 3, "ytick.minor.size": 3,
    "xtick.labelsize": 9, "ytick.labelsize": 9, "legend.frameon": False, "legend.fontsize": 8.5,
    "xaxis.labellocation": "right", "yaxis.labellocation": "top", "hatch.linewidth": 0.6,
    "pdf.fonttype": 42, "svg.hashsalt": "cicada-bench", "savefig.dpi": 110,
}

PROCESS = {
    "zb": "zero bias", "nu": "single neutrino", "qcd": "QCD", "tt_had": r"$t\bar{t}$ hadronic",
    "tt_lep": r"$t\bar{t}$ semileptonic", "tt_dil": r"$t\bar{t}$ dileptonic", "haa4b": r"$h\to aa\to 4b$",
    "suep": "SUEP",
}


def process_label(name):
    return PROCESS.get(name, name)


class Row(dict):
    """One row of a table: text by column name, numbers through num()."""

    def num(self, column):
        try:
            return float(self[column])
        except (KeyError, TypeError, ValueError):
            return math.nan


def read_table(folder, name, delimiter="\t"):
    path = os.path.join(folder, name)
    try:
        with open(path, newline="", encoding="utf-8") as f:
            return [Row(r) for r in csv.DictReader(f, delimiter=delimiter)]
    except OSError as e:
        sys.exit(f"{path}: {e.strerror}: make the tables first (make artifacts)")


def require(rows, name, columns):
    missing = [c for c in columns if not rows or c not in rows[0]]
    if missing:
        sys.exit(f"{name}: {'no rows' if not rows else 'no column ' + ', '.join(missing)}")


def save(figure, path, title):
    """Writes a whole file or none; the suffix chooses PDF, PNG or SVG."""
    suffix = os.path.splitext(path)[1]
    metadata = {".pdf": {"CreationDate": None, "Title": title}, ".png": {"Software": None},
                ".svg": {"Date": None}}.get(suffix)
    if metadata is None:
        sys.exit(f"{path}: a file ending in .pdf, .png or .svg is wanted")
    temporary = f"{path}.tmp.{os.getpid()}"
    try:
        figure.savefig(temporary, format=suffix[1:], metadata=metadata)
        os.replace(temporary, path)
    except OSError as e:
        sys.exit(f"{path}: {e.strerror}")
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def run(doc, page, title):
    """main() of a figure: page(results folder) -> the figure, saved where the second argument says."""
    if len(sys.argv) != 3:
        print(doc.strip(), file=sys.stderr)
        return 2
    plt.rcParams.update(RC)
    save(page(sys.argv[1]), sys.argv[2], title)
    return 0


def origin(folder):
    """Where the events come from, by the configuration's name."""
    return "CMS Open Data" if os.path.basename(os.path.abspath(folder)) == "opendata" else "Simulation"


# An axis on which an AUC of 0.9, 0.99, 0.999 has equal steps.
AUC_SCALE = (lambda v: -numpy.log10(numpy.maximum(1e-6, 1 - v)), lambda v: 1 - 10.0 ** -v)


def amount(v):
    """A number of cells for a label."""
    return f"{v:.0f}" if v < 1000 else f"{v / 1000:.1f}k" if v < 100000 else f"{v / 1000:.0f}k"


def spread(positions, gap, lo, hi):
    """Positions for labels: as near as possible to the wanted ones, at least gap apart, inside [lo, hi]."""
    order = sorted(range(len(positions)), key=lambda i: positions[i])
    placed = [0.0] * len(positions)
    gap = min(gap, (hi - lo) / max(1, len(positions) - 1))
    # clusters of labels that touch share the mean of their wish
    clusters = []
    for i in order:
        clusters.append([positions[i], [i]])
        while len(clusters) > 1:
            (c1, m1), (c2, m2) = clusters[-2], clusters[-1]
            if c1 + gap * len(m1) / 2 <= c2 - gap * len(m2) / 2:
                break
            members = m1 + m2
            centre = (c1 * len(m1) + c2 * len(m2)) / len(members)
            half = gap * (len(members) - 1) / 2
            clusters[-2:] = [[min(max(centre, lo + half), hi - half), members]]
    for centre, members in clusters:
        half = gap * (len(members) - 1) / 2
        centre = min(max(centre, lo + half), hi - half)
        for k, i in enumerate(members):
            placed[i] = centre - half + k * gap
    return placed
