"""The files of recipes/clouds as the tools that they are for would read them."""

from __future__ import annotations

from pathlib import Path

import yaml

CLOUDS = Path(__file__).parents[2] / "recipes" / "clouds"


def test_skypilot_reads_a_task() -> None:
    task = yaml.safe_load((CLOUDS / "skypilot.yaml").read_text("utf-8"))
    assert set(task) == {"name", "resources", "num_nodes", "setup", "run"}
    assert set(task["resources"]) == {"accelerators", "disk_size", "image_id"}
    assert task["resources"]["accelerators"] == "H100:2"
    assert task["num_nodes"] == 1
    assert "ray start --head" in task["run"]
