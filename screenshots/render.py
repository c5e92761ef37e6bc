"""A screen of the app as SVG and PNG.

Textual's SVG refers to a web font. The PNG is drawn with DejaVu Sans Mono, which has the box drawing, block and
geometric glyphs that the screens use: `apt-get install fonts-dejavu-core`, or point LAB_FONT_DIR at a folder
with DejaVuSansMono.ttf. The renderer is resvg, from the extra `screenshots`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from textual.app import App

FONT = "DejaVu Sans Mono"


def svg_of(app: App[Any], title: str) -> str:
    """The screen as Textual exports it, with a font that is likely to be installed."""
    svg = app.export_screenshot(title=title, simplify=True)
    return svg.replace("Fira Code", FONT)


def write(app: App[Any], path: Path, title: str) -> None:
    """Write PATH.svg and PATH.png."""
    import resvg_py

    svg = svg_of(app, title)
    path.with_suffix(".svg").write_text(svg, encoding="utf-8")
    folder = os.environ.get("LAB_FONT_DIR")
    options: dict[str, Any] = {"font_dirs": [folder]} if folder else {}
    png = resvg_py.svg_to_bytes(svg_string=svg, monospace_family=FONT, width=2000, **options)
    path.with_suffix(".png").write_bytes(bytes(png))
