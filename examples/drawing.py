"""HTML pages in the style of the report. plotly.js lies beside them: no network is needed."""

from collections.abc import Mapping
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

import polars as pl
from plotly.offline import get_plotlyjs

from stocktrend.reporting.charts import Figure
from stocktrend.reporting.page import embedded

Place = Path | str | None
"""A folder for pages; None draws nothing."""

PLOTLY = "plotly.min.js"
PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>$style</style>
</head>
<body>
<header>
<p class="eyebrow">$eyebrow</p>
<h1>$title</h1>
<p class="lede">$lede</p>
</header>
<main>
$blocks
</main>
<script src="$plotly"></script>
<script type="application/json" id="report-data">$data</script>
<script>$script</script>
</body>
</html>
""")


def draw(
    output: Place,
    number: int,
    title: str,
    lede: str,
    blocks: Mapping[str, Figure | pl.DataFrame],
) -> None:
    """Write the page of an example, where a folder is given, and say where it lies."""
    if output is not None:
        name = f"{number}_{title.split()[0].lower()}.html"
        eyebrow = f"stocktrend, example {number}"
        page = write_page(
            Path(output) / name, eyebrow=eyebrow, title=title, lede=lede, blocks=blocks
        )
        print(f"Wrote {page}")


def write_page(
    path: Path,
    *,
    eyebrow: str,
    title: str,
    lede: str,
    blocks: Mapping[str, Figure | pl.DataFrame],
) -> Path:
    """Write a page of charts and tables, each under its caption, in their order.

    Args:
        blocks: Caption -> Plotly figure as a dictionary, or a frame of which texts and numbers are
            shown as they are. ``height`` in a figure's layout is its height in pixels.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not (path.parent / PLOTLY).exists():
        (path.parent / PLOTLY).write_text(get_plotlyjs(), encoding="utf-8")
    template = files("stocktrend.reporting") / "template"
    charts = {
        f"chart-{number}": block
        for number, block in enumerate(blocks.values())
        if not isinstance(block, pl.DataFrame)
    }
    page = PAGE.substitute(
        eyebrow=escape(eyebrow),
        title=escape(title),
        lede=escape(lede),
        style=(template / "page.css").read_text(encoding="utf-8"),
        script=(template / "page.js").read_text(encoding="utf-8"),
        plotly=PLOTLY,
        data=embedded({"charts": charts, "metrics": {}, "stocks": {}}),
        blocks="\n".join(
            _block(f"chart-{number}", caption, block)
            for number, (caption, block) in enumerate(blocks.items())
        ),
    )
    path.write_text(page, encoding="utf-8")
    return path


def _block(name: str, caption: str, block: Figure | pl.DataFrame) -> str:
    words = escape(caption)
    if isinstance(block, pl.DataFrame):
        return f"<h3>{words}</h3>\n{_table(block)}"
    height = block["layout"].get("height", 320)
    chart = (
        f'<div class="chart" id="{name}" role="img" aria-label="{words}" '
        f'style="height:{height}px"></div>'
    )
    return f"<h3>{words}</h3>\n<figure>{chart}</figure>"


def _table(frame: pl.DataFrame) -> str:
    right = ['class="n"' if dtype.is_numeric() else "" for dtype in frame.dtypes]
    head = "".join(
        f"<th {side}>{escape(name)}</th>" for name, side in zip(frame.columns, right, strict=True)
    )
    body = "\n".join(
        "<tr>"
        + "".join(f"<td {side}>{_cell(v)}</td>" for v, side in zip(row, right, strict=True))
        + "</tr>"
        for row in frame.iter_rows()
    )
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(value: object) -> str:
    if value is None:
        return "–"
    text = f"{value:.3f}" if isinstance(value, float) else str(value)
    return escape(text.replace("-", "\N{MINUS SIGN}") if isinstance(value, float) else text)
