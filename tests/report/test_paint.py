"""How soon the page of the stored runs shows something, opened from disk. Told and not judged.

``nox -s tests -- tests/report/test_paint.py -n 0 -rP`` prints it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from harness import claims, folders, history, store, targets
from harness.benchmark import PROFILES
from harness.judge import judge
from harness.report import page
from tests.report.browser import open_browser

ROOT = Path(__file__).parents[2]
PAINTED = "performance.getEntriesByName('first-contentful-paint').map(one => one.startTime)"
LOADED = "performance.getEntriesByType('resource').map(one => one.name)"


def test_the_page_of_the_stored_runs_tells_its_first_paint(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    runs = [store.read(folder) for folder in folders.foremost(ROOT / "results", PROFILES)]
    judged = [page.Judged(run, judge(run, claims.load(), targets.load())) for run in runs]
    path = page.write(judged, tmp_path, histories=history.read(ROOT / "results"))
    with open_browser() as browser:
        tab = browser.new_page(viewport={"width": 1280, "height": 900})
        tab.goto(path.as_uri(), wait_until="load")
        tab.wait_for_function(f"{PAINTED}.length > 0")
        (painted,) = tab.evaluate(PAINTED)
        loaded = [name for name in tab.evaluate(LOADED) if not name.startswith("data:")]
    size = path.stat().st_size
    print(
        json.dumps({"first_contentful_paint_ms": painted, "html_bytes": size, "loaded_before": len(loaded)})
    )
    record_property("first_contentful_paint_ms", painted)
    assert painted > 0
    assert all(name.startswith("file:") and "/plots/" in name for name in loaded), "only plots, and from disk"
