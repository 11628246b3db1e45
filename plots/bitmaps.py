"""Where a student's bits are: widths of each layer over the image."""
from style import SLATE, plt


def layer(rows, name, kind):
    """{(y, x, channel): bits} of a layer, and its size."""
    cells = {(int(r["y"]), int(r["x"]), int(r["channel"])): r.num("bits") for r in rows if (r["layer"], r["kind"]) == (name, kind)}
    size = [max(k[i] for k in cells) + 1 for i in range(3)] if cells else [0, 0, 0]
    return cells, size


def grid(cells, size, channel):
    return [[cells.get((y, x, channel), 0) for x in range(size[1])] for y in range(size[0])]


def draw(figure, cell, image, title, top, cmap="viridis"):
    ax = figure.add_subplot(cell)
    shown = ax.imshow(image, cmap=cmap, vmin=0, vmax=top, interpolation="nearest", origin="lower")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.set_title(title, fontsize=8.5)
    return ax, shown


def bar(figure, ax, shown):
    place = ax.inset_axes([1.03, 0, 0.05, 1])
    figure.colorbar(shown, cax=place)
    place.tick_params(labelsize=7, direction="out", length=2, top=False)


def spread(cells, size, height, width):
    """A map of the image from one of the layer: each element over the regions it sees."""
    sy, sx = height // size[0] if size[0] else 1, width // size[1] if size[1] else 1
    total = [[0.0] * width for _ in range(height)]
    for (y, x, _), bits in cells.items():
        for yy in range(y * sy, (y + 1) * sy):
            for xx in range(x * sx, (x + 1) * sx):
                total[yy][xx] += bits / (sy * sx)
    return total


def chosen(fronts):
    """The HGQ student of the table with the fewest EBOPs, or the first one."""
    names = list(dict.fromkeys(r["student"] for r in fronts.bits))
    cost = {p["student"]: (p["family"] != "hgq", p.num("ebops_exact")) for p in fronts.points}
    return min(names, key=lambda n: cost.get(n, (True, 0))) if names else None


def channels(figure, cell, rows, name, kind, title):
    """The channels of a layer side by side, in one scale."""
    cells, size = layer(rows, name, kind)
    n = max(1, size[2])
    columns = n if n <= 2 else (n + 1) // 2
    sub = cell.subgridspec(-(-n // columns), columns, wspace=0.08, hspace=0.3)
    top = max(1, max(cells.values(), default=1))
    for c in range(size[2]):
        ax, shown = draw(figure, sub[c // columns, c % columns], grid(cells, size, c), f"{title} {c + 1}" if n > 1 else title, top)
        if c == columns - 1:
            bar(figure, ax, shown)


def bit_maps(fronts, figure, cell):
    student = chosen(fronts)
    if not student:
        ax = figure.add_subplot(cell)
        ax.axis("off")
        ax.text(0.5, 0.5, "no student of a front was synthesised: name one in [run] students (FRONT.eN)", ha="center", color=SLATE)
        return
    rows = [r for r in fronts.bits if r["student"] == student]
    point = next(p for p in fronts.points if p["student"] == student)
    image = "conv_in" if any(r["layer"] == "conv_in" for r in rows) else "dense1_in"
    cells, size = layer(rows, image, "data")
    second = [("dense1_in", "data", "bits into dense, filter"), ("conv", "weights", "conv kernel bits, filter")] if image == "conv_in" else []
    sub = cell.subgridspec(1, 2 + len(second), wspace=0.25, width_ratios=[1] + [1.35] * len(second) + [1])
    ax, shown = draw(figure, sub[0], grid(cells, size, 0), "bits of each region", max(1, max(cells.values(), default=1)))
    ax.set_xlabel(f"$\\eta$ ({size[1]})", loc="center")
    ax.set_ylabel(f"$\\phi$ ({size[0]})", loc="center")
    bar(figure, ax, shown)
    for k, (name, kind, title) in enumerate(second):
        channels(figure, sub[1 + k], rows, name, kind, title)
    weights, shape = layer(rows, "dense1", "weights")
    total = spread(weights, shape, size[0] or 1, size[1] or 1)
    ax, shown = draw(figure, sub[1 + len(second)], total, "dense weight bits a region", max(1, max(map(max, total))), "magma")
    bar(figure, ax, shown)
    lut = f", {point.num('lut_yosys'):.0f} LUT (Yosys)" if point.num("lut_yosys") > 0 else ""
    box = cell.get_position(figure)
    figure.text(box.x0 + 0.015, box.y1 + 0.024, f"Where the bits are: {student}, {point.num('ebops_exact'):.0f} EBOPs{lut}", fontsize=9.5,
                fontweight="bold")
