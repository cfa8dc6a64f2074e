"""Say what a config names, reads and mixes, and what is wrong with it, before an image is read."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from dataclasses import asdict
from fractions import Fraction
from typing import Any, Optional

from mmengine.config import DictAction

from mmpose_mix.cli.check_page import print_page
from mmpose_mix.engine.checked_config import CheckedConfig, CheckedSource, check_config
from mmpose_mix.engine.config_finding import counted
from mmpose_mix.engine.launch import load_config
from mmpose_mix.keypoints.findings import ERROR

CLEAN, FOUND, MISUSED = 0, 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command."""
    parser.add_argument("config", help="a config file, or the name of a shipped one")
    parser.add_argument(
        "--without-data",
        action="store_true",
        help="look for no annotation files: check what the config says by itself (for machines without the data)",
    )
    parser.add_argument("--why", action="store_true", help="say of each keypoint mapped by name how it came about")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument(
        "--cfg-options", nargs="+", action=DictAction, metavar="KEY=VALUE", help="overrides of the config, as of train"
    )
    parser.epilog = "Exit status: 0 without errors, warnings or not; 1 with errors; 2 if there is no such config."


def run(options: argparse.Namespace) -> int:
    """Prints what was found, and returns the exit status."""
    # what building data sets and models logs is no part of the page
    with contextlib.redirect_stdout(sys.stderr):
        try:
            config = load_config(options.config, options.cfg_options)
        except (OSError, ImportError, KeyError, SyntaxError, TypeError, ValueError) as error:
            print(f"mmpose-mix check: {error}", file=sys.stderr)
            return MISUSED
        checked = check_config(config, read=not options.without_data)
    if options.json:
        print(json.dumps(as_json(checked), indent=2))
    else:
        print_page(checked, why=options.why)
    return FOUND if counted(checked.findings)[ERROR] else CLEAN


def as_json(checked: CheckedConfig) -> dict[str, Any]:
    """Return all that was found in types of JSON."""
    keypoints = checked.keypoints
    model, num_keypoints, num_output_keypoints = checked.model
    sampler, ratio = checked.sampler
    return {
        "config": checked.name,
        "file": checked.file,
        "default_scope": checked.scope,
        "annotations_read": checked.read,
        "counts": dict(counted(checked.findings)),
        "findings": [asdict(finding) for finding in checked.findings],
        "keypoint_set": None if keypoints is None else keypoints.name,
        "keypoints": [] if keypoints is None else list(keypoints.keypoint_names),
        "sampler": sampler,
        "source_ratio": _jsonable(ratio),
        "sources": [_source_as_json(source) for source in checked.sources],
        "evaluated": [_source_as_json(source) for source in checked.evaluated],
        "model": {"type": model, "num_keypoints": num_keypoints, "num_output_keypoints": num_output_keypoints},
        "types": [asdict(kind) for kind in checked.types],
    }


def _source_as_json(source: CheckedSource) -> dict[str, Any]:
    labelled, visible = source.coverage.labelled, source.coverage.visible
    return {
        "name": source.name,
        "place": source.place,
        "classes": list(source.classes),
        "ann_files": list(source.ann_files),
        "files": [asdict(content) for content in source.files],
        "items": source.items,
        "share_asked": _share(source.asked),
        "share_asked_exact": None if source.asked is None else str(source.asked),
        "share_realised": _share(source.realised),
        "labelled": None if labelled is None else list(labelled),
        "visible": None if visible is None else list(visible),
        "why": list(source.explanations),
    }


def _share(share: Optional[Fraction]) -> Optional[float]:
    return None if share is None else float(share)


def _jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _jsonable(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(entry) for entry in value]
    return value if value is None or isinstance(value, (str, bool, int, float)) else str(value)
