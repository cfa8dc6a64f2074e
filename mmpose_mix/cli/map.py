"""Say which keypoint of one data set becomes which of another, and why."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

from mmpose_mix.keypoints.aliases import AliasTable
from mmpose_mix.keypoints.matching import Matching, match_keypoints
from mmpose_mix.metainfo import named_keypoint_set


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command."""
    parser.add_argument("source", help="a data set, such as aic, or a metainfo file")
    parser.add_argument("target", help="the same of the target")
    parser.add_argument("--why", action="store_true", help="explain each target keypoint (default: print index pairs)")
    parser.add_argument("--json", action="store_true", help="print pairs and reasons as JSON")
    parser.add_argument(
        "--approximate",
        nargs="*",
        metavar="TARGET",
        help="let joints that are only near stand in for each other: for these targets, for all where none is named",
    )
    parser.add_argument("--drop", nargs="+", default=[], metavar="TARGET", help="targets that stay not labelled")
    parser.add_argument("--require", nargs="+", default=[], metavar="TARGET", help="targets that must be labelled")
    parser.add_argument("--aliases", nargs="+", metavar="FILE", help="files that extend the shipped aliases")


def run(options: argparse.Namespace) -> int:
    """Prints the mapping, and returns the exit status."""
    try:
        matching = match_keypoints(
            named_keypoint_set(options.source),
            named_keypoint_set(options.target),
            drop=options.drop,
            require=options.require,
            approximate=options.approximate or options.approximate is not None,
            aliases=AliasTable.extended_by(*options.aliases) if options.aliases else None,
        )
    except (OSError, TypeError, ValueError) as error:
        raise SystemExit(f"mmpose-mix map: {error}") from error
    if options.json:
        print(json.dumps(_as_json(matching), indent=2))
    else:
        print(matching if options.why else _pairs(matching))
    return 0


def _pairs(matching: Matching) -> str:
    """The index pairs as a config writes them."""
    rows = {matching.keypoints[pair[1]].target: pair for pair in matching.mapping.pairs}
    lines = [f"    {pair},  # {target}" for target, pair in rows.items()]
    return "\n".join([f"# {matching.source} -> {matching.target}", "mapping = [", *lines, "]"])


def _as_json(matching: Matching) -> dict[str, Any]:
    return {
        "source": matching.source,
        "target": matching.target,
        "num_keypoints": matching.mapping.num_keypoints,
        "mapping": matching.mapping.pairs,
        "keypoints": [asdict(row) for row in matching.keypoints],
        "unused": [{"source": name, "why": why} for name, why in matching.unused],
    }
