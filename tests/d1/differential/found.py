"""Keeps disagreements as lines of the corpus."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.d1.differential.comparison import Disagreement

FOUND = Path(__file__).parent.parent / "corpus" / "found.jsonl"


def append(found: Disagreement, versions: dict[str, str]) -> None:
    """Write a disagreement as a line in the format of `python.jsonl.gz`; a known program is left alone.

    Args:
        found: The disagreement; the operations after it are left out.
        versions: Of the runtime that answered.
    """
    operations = found.program[: found.position + 1]
    name = f"found/{hashlib.sha256(json.dumps(operations).encode()).hexdigest()[:12]}"
    if FOUND.exists() and f'"{name}"' in FOUND.read_text(encoding="utf-8"):
        return
    line = {
        "name": name,
        "category": "found",
        "tags": [],
        "ops": operations,
        "runtime": {"miniflare": versions["miniflare"], "workerd": versions["workerd"]},
        "transcript": found.transcript[: found.position + 1],
    }
    with FOUND.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
