"""Room: the judges' table as a picture.  Measures nothing: it draws rows and curves."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.judge.row import Row
from tests.judge.table import meets

OURS, THEIRS = "#1f6fb2", "#d9822b"  # chosen: told apart in grey and by colour-blind eyes


@dataclass(frozen=True, slots=True)
class Curve:
    """Share found (0..1) over one quantity; `asked` = a place on x that a standard names."""

    title: str
    unit: str
    x: tuple[float, ...]
    ours: tuple[float, ...]
    theirs: tuple[float, ...]
    asked: tuple[float, ...] = ()


def shares(rows: Sequence[Row]) -> dict[str, tuple[float, float, int]]:
    """Of each group: share of the rows which ours and the rival meet, and how many they are.  Only
    rows on which both were measured; a group without any is left out."""
    groups: dict[str, list[tuple[bool, bool]]] = {}
    for row in rows:
        ours, theirs = meets(row)
        if theirs is not None:
            groups.setdefault(row.group, []).append((ours, theirs))
    return {
        group: (sum(o for o, _ in part) / len(part), sum(t for _, t in part) / len(part), len(part))
        for group, part in groups.items()
    }


def draw(rows: Sequence[Row], curves: Sequence[Curve], path: Path) -> None:
    """One PNG: rows met by group, then a panel for each curve."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    panels = 1 + len(curves)
    columns = 1 if panels == 1 else 2
    lines = -(-panels // columns)
    figure, axes = plt.subplots(lines, columns, figsize=(7.5 * columns, 4.6 * lines), squeeze=False)
    flat = list(axes.flat)
    _bars(flat[0], shares(rows))
    for axis, curve in zip(flat[1:], curves, strict=False):
        _curve(axis, curve)
    for axis in flat[panels:]:
        axis.set_visible(False)
    figure.suptitle("Ours beside libspandsp, on the same sound in the same run")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _bars(axis, groups: dict[str, tuple[float, float, int]]) -> None:  # type: ignore[no-untyped-def]
    places = range(len(groups))
    axis.barh([p - 0.2 for p in places], [100 * g[0] for g in groups.values()], 0.38,
              color=OURS, label="ours")
    axis.barh([p + 0.2 for p in places], [100 * g[1] for g in groups.values()], 0.38,
              color=THEIRS, label="libspandsp")
    axis.set_yticks(list(places), [f"{name} ({g[2]})" for name, g in groups.items()])
    axis.set_xlim(0, 100)
    axis.set_xlabel("rows met, % (how many ask and measured both)")
    axis.invert_yaxis()
    if groups:
        axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=2, frameon=False)


def _curve(axis, curve: Curve) -> None:  # type: ignore[no-untyped-def]
    axis.plot(curve.x, [100 * y for y in curve.ours], color=OURS, marker="o", ms=3, label="ours")
    axis.plot(curve.x, [100 * y for y in curve.theirs], color=THEIRS, marker="s", ms=3,
              linestyle="--", label="libspandsp")
    for place in curve.asked:
        axis.axvline(place, color="0.6", linewidth=1, linestyle=":")
    axis.set_title(curve.title, fontsize=10)
    axis.set_xlabel(curve.unit)
    axis.set_ylabel("digits found, %")
    axis.set_ylim(-3, 103)
    axis.grid(alpha=0.3)
    axis.legend(loc="best")
