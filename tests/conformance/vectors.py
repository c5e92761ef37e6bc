"""Where the vectors are, and how to read one file of them as pytest parameters."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(os.environ.get("LAB_VECTORS", Path(__file__).parents[2] / ".." / "shared" / "vectors"))


def cases(name: str) -> list[Any]:
    """One parameter a case, named by its id; a single skipped one where the folder is absent."""
    path = FOLDER / name
    if not path.is_file():
        return [pytest.param(None, marks=pytest.mark.skip(reason=f"no vectors at {path}; set LAB_VECTORS"))]
    found = json.loads(path.read_text())
    return [pytest.param(case, id=case["id"]) for case in (found["cases"] if isinstance(found, dict) else found)]
