"""The result tables of one configuration, indexed, and how each row of them looks in every panel."""
import math
import os

from style import BLACK, BLUE, BROWN, DEEP, GREY, ORANGE, RED, SAND, SLATE, TEAL, VIOLET, origin, read_table, require

YOSYS_RULE, ESTIMATE_RULE = "packed", "carry-chain"  # the counting rules shown; see lib/hw/sites.h, cost.h
RATES = ["0.3", "1", "3", "10"]  # working points [kHz], as in the names of the columns


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
        self.simulation = origin(folder) == "Simulation"
        self.notes = []

    def order(self, student):
        ebops = self.ebops.get(student, math.nan)
        rank = {"qkeras": 0, "hgq": 1, "hgq+": 2, "bdt": 4}.get(self.family.get(student), 3)
        return (rank, -ebops if ebops == ebops else 0, student)

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
        """The few students that curves show: the best QKeras one, HGQ at 1e-4 (or the first), the first hgq+, logic gate and tree ones."""
        first = self.signals[0] if "tt_had" not in self.signals else "tt_had"
        plain = [s for s in self.names if "@" not in s]
        qkeras = sorted((s for s in plain if self.family[s] == "qkeras"), key=lambda s: -self.value(s, first, "auc"))
        hgq = [s for s in plain if self.family[s] == "hgq"]
        chosen = [s for s in hgq if s == "hgq-1e-4"] or hgq[:1]
        for family, favourite in (("hgq+", "hgq-plus"), ("lgn", "lgn"), ("bdt", "bdt")):
            members = [s for s in plain if self.family[s] == family]
            chosen += [s for s in members if s == favourite] or members[:1]
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
        return dict(color=BLUE, marker="o", linestyle="-", fill=not from_front(student))
    if family == "lgn":
        conv = student.startswith("clgn")
        return dict(color=TEAL, marker="*" if conv else "X", linestyle=(0, (4, 1, 1, 1)) if conv else (0, (2, 1)))
    if family == "bdt":
        return dict(color=GREY, marker="h", linestyle=(0, (1, 1, 3, 1)))
    return dict(color=ORANGE, marker="P", linestyle="-", fill="25ns" not in student)


def from_front(student):
    """Is it the point of a front with at most N EBOPs (FRONT.eN)?"""
    return ".e" in student and student.rsplit(".e", 1)[1].isdigit()


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
    if from_front(student):
        return ("+" if "plus" in student else "") + "e" + student.rsplit(".e", 1)[1].replace("000", "k")
    known = {"hgq-mixed": "mixed", "hgq-plus": "hgq+", "hgq-plus-small": "small", "hgq-25ns": "25 ns"}
    return known.get(student, student.replace("hgq-1e-", "1e-").replace("qkeras-", ""))
