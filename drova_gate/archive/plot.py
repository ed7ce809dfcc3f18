"""A report as a picture, SVG or PNG; drawn without a display, with matplotlib where it is installed."""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drova_gate.archive.reports import Report
from drova_gate.errors import CallOwner, OptionFault
from drova_gate.optional import library_missing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["ENDINGS", "draw"]

ENDINGS = (".svg", ".png")
STATIONS_MOST = 9
"""Stations with a colour of their own; the rest are drawn as one."""
BARS_MOST = 25
"""Bars that can still be read."""
LABELS_MOST = 16
"""Dates below an axis."""
LABEL_PLACES = 34
SIZE = (11.0, 6.0)
"""Inches."""
BAR_INCHES = 0.24
"""Of height for each lying bar."""
DOTS = 120
"""Per inch of a PNG."""
REST = "other stations"
_INK, _GRID = "#303038", "#d9d9e0"
_COLOURS = (
    "#3367a8",
    "#e08a1e",
    "#4d9b57",
    "#c2434b",
    "#7c62ad",
    "#8d6a58",
    "#d277b0",
    "#2c9fb3",
    "#a8a434",
    "#c9c9d1",
)

_Words = Callable[[str], str]


def draw(path: Path, name: str, by: str | None, report: Report, words: _Words = str) -> None:
    """Draw a report into a file; ``words`` turns texts into the reader's language. ``CallOwner`` when it cannot be written."""
    if path.suffix.lower() not in ENDINGS:
        raise OptionFault([f"--plot: {path.name!r} ends neither in .svg nor in .png; its ending says what is drawn"])
    try:
        # Not pyplot: it would look for a display, and keep every figure.
        from matplotlib import rc_context  # noqa: PLC0415 - optional, and takes a second to import
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - see above
        from matplotlib.figure import Figure as Sheet  # noqa: PLC0415 - see above
    except ImportError as error:
        raise library_missing("--plot", "matplotlib", "python3-matplotlib") from error
    if not report.rows:
        raise CallOwner(
            "--plot", "there is nothing to draw", "widen --since and --until; without --plot the report tells why"
        )
    # DejaVu comes with matplotlib and has Cyrillic; a title with $ is no formula. SVG: letters as outlines, so that it looks alike everywhere.
    with rc_context({"font.family": "DejaVu Sans", "text.parse_math": False, "svg.fonttype": "path", "font.size": 9.5}):
        figure = Sheet(figsize=SIZE, layout="constrained")
        FigureCanvasAgg(figure)
        _draw_on(figure, figure.add_subplot(), name, by, report.rows, words)
        _save(figure, path)


def _save(figure: Any, path: Path) -> None:
    """A picture that takes its name once it is whole."""
    temporary: Path | None = None
    try:
        handle, made = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
        temporary = Path(made)
        figure.savefig(temporary, format=path.suffix.lower()[1:], dpi=DOTS, facecolor="white")
        temporary.replace(path)
        temporary = None
    except OSError as error:
        raise CallOwner(
            f"--plot {path}", f"cannot be written ({error.strerror or error})", "look at the folder and its disk"
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _draw_on(
    figure: "Figure", axes: "Axes", name: str, by: str | None, rows: Sequence[Mapping[str, Any]], words: _Words
) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(colors=_INK, length=0)
    if name == "hours" and by in ("day", "month", "weekday", "hour"):
        _stacked(axes, by, rows, words)
    elif name == "income" and by == "day":
        _columns(
            axes, [row["day"] for row in rows], [row["income"] or 0.0 for row in rows], words("income of each day")
        )
    else:
        labels, lengths, title = _told(name, rows, words)
        figure.set_size_inches(SIZE[0], 1.1 + BAR_INCHES * min(len(labels), BARS_MOST))
        _bars(axes, labels, lengths, title)


def _told(name: str, rows: Sequence[Mapping[str, Any]], words: _Words) -> tuple[list[str], list[float], str]:
    """Labels, lengths and title of a bar chart."""

    def of_both(row: Mapping[str, Any]) -> str:
        return " · ".join(str(row[key]) for key in ("station", "game") if row.get(key))

    match name:
        case "hours":
            return [of_both(row) for row in rows], [row["hours"] for row in rows], words("hours played")
        case "income":
            return (
                [of_both(row) for row in rows],
                [row.get("income_month") or 0.0 for row in rows],
                words("income of this month"),
            )
        case "visitors":
            return (
                [row["client_id"][:8] for row in rows],
                [row["visits"] for row in rows],
                words("visits of each player"),
            )
        case "trials":
            return (
                [f"{words(row['kind'])} {row['what'][:20]}" for row in rows],
                [row["trials"] for row in rows],
                words("trials that look like one person's"),
            )
        case _:
            count: dict[str, int] = {}
            for row in rows:
                reason = words(row["score_reason_text"] or "no reason given")
                count[reason] = count.get(reason, 0) + 1
            order = sorted(count, key=lambda reason: -count[reason])
            return order, [float(count[one]) for one in order], words("bad scores by their reason")


def _bars(axes: "Axes", labels: Sequence[str], lengths: Sequence[float], title: str) -> None:
    """Lying bars, the first one on top, each with its number."""
    shown = len(labels[:BARS_MOST])
    places = range(shown)
    axes.barh(places, lengths[:shown], color=_COLOURS[0], height=0.72)
    axes.set_yticks(places, [_cut(one) for one in labels[:shown]])
    axes.invert_yaxis()
    axes.set_ylim(shown - 0.4, -0.6)
    for place, length in enumerate(lengths[:shown]):
        axes.annotate(f" {length:,.0f}".replace(",", " "), (length, place), va="center", color=_INK)
    axes.spines["bottom"].set_visible(False)
    axes.set_xticks([])
    axes.margins(x=0.08)
    axes.set_title(title if shown == len(labels) else f"{title} ({shown} / {len(labels)})", loc="left", color=_INK)


def _columns(axes: "Axes", labels: Sequence[str], heights: Sequence[float], title: str) -> None:
    axes.bar(range(len(labels)), heights, color=_COLOURS[0], width=0.8)
    _name_columns(axes, labels)
    axes.set_title(title, loc="left", color=_INK)


def _stacked(axes: "Axes", by: str, rows: Sequence[Mapping[str, Any]], words: _Words) -> None:
    """Standing columns of hours, one colour for each of the busiest stations."""
    whole: dict[str, float] = {}
    for row in rows:
        for station, hours in row["stations"].items():
            whole[station] = whole.get(station, 0.0) + hours
    named = sorted(whole, key=lambda station: -whole[station])
    named, rest = (named, []) if len(named) <= STATIONS_MOST + 1 else (named[:STATIONS_MOST], named[STATIONS_MOST:])
    series = [(station, [row["stations"].get(station, 0.0) for row in rows]) for station in named]
    if rest:
        label = f"{words(REST)} ({len(rest)})"
        series.append((label, [sum(row["stations"].get(one, 0.0) for one in rest) for row in rows]))
    bottom = [0.0] * len(rows)
    # The rest lies at the bottom: it is the largest and the least interesting.
    for colour, (station, heights) in sorted(enumerate(series), key=lambda one: -one[0]):
        axes.bar(
            range(len(rows)),
            heights,
            bottom=bottom,
            width=0.8,
            color=_COLOURS[colour % len(_COLOURS)],
            label=_cut(station),
        )
        bottom = [low + height for low, height in zip(bottom, heights, strict=True)]
    _name_columns(axes, [words(str(row[by])) for row in rows])
    axes.set_title(words(f"hours played, by {by}"), loc="left", color=_INK)
    handles, labels = axes.get_legend_handles_labels()
    if len(labels) > 1:
        axes.legend(handles[::-1], labels[::-1], loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)


def _name_columns(axes: "Axes", labels: Sequence[str]) -> None:
    step = max(1, -(-len(labels) // LABELS_MOST))
    axes.set_xticks(range(0, len(labels), step), labels[::step])
    if len(labels) > 12:
        for label in axes.get_xticklabels():
            label.set(rotation=45, horizontalalignment="right", rotation_mode="anchor")
    axes.grid(axis="y", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.margins(x=0.01)


def _cut(text: str) -> str:
    # A label that begins with an underscore would be left out of the legend; the fonts at hand have no emoji.
    plain = "".join(char if char.isprintable() and ord(char) < 0x2600 else "?" for char in text.lstrip("_"))
    return plain if len(plain) <= LABEL_PLACES else f"{plain[: LABEL_PLACES - 1]}…"
