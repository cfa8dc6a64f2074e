"""Join the keypoints of data sets to one set, and write its metainfo file."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmpose_mix.keypoints.writing import text_of_union
from mmpose_mix.metainfo import dataset_info_of, union_named


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command."""
    parser.add_argument("sets", nargs="+", metavar="SET", help="a data set, such as coco, or a metainfo file")
    parser.add_argument("-o", "--out", metavar="FILE", help="write the metainfo file here (default: print it)")
    parser.add_argument("--name", help="dataset_name of the union (default: those of the sets, joined by _)")
    parser.add_argument("--aliases", nargs="+", metavar="FILE", help="files that extend the shipped aliases")
    parser.add_argument("--force", action="store_true", help="replace FILE where it exists")


def run(options: argparse.Namespace) -> int:
    """Writes the file, and returns the exit status."""
    try:
        joined = union_named(options.sets, options.name, options.aliases)
        papers = [paper for named in options.sets for paper in _papers(dataset_info_of(named))]
        command = " ".join(["mmpose-mix union", *options.sets, *(["--name", options.name] if options.name else [])])
        text = text_of_union(joined, [paper for i, paper in enumerate(papers) if paper not in papers[:i]], command)
        if options.out is None:
            print(text, end="")
            return 0
        path = Path(options.out)
        if path.exists() and path.read_text(encoding="utf-8") != text and not options.force:
            raise ValueError(f"{path} exists with other contents. Give --force to replace it, or another --out.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except (OSError, TypeError, ValueError) as error:
        raise SystemExit(f"mmpose-mix union: {error}") from error
    print(f"{path}: {joined.keypoints.num_keypoints} keypoints of {', '.join(joined.sources)}")
    return 0


def _papers(info: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    papers = info.get("paper_info", [])
    return [papers] if isinstance(papers, Mapping) else list(papers)
