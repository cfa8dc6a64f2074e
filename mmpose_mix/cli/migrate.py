"""Rewrite a config of MMPose to this package: its names, and index tables by keypoint names."""

from __future__ import annotations

import argparse
import difflib
from pathlib import Path

from mmpose_mix.engine.migration import WAYS, Migration, migrate


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command."""
    parser.add_argument("config", type=Path, help="a config file of MMPose")
    parser.add_argument("-o", "--out", type=Path, metavar="FILE", help="write the new config there")
    parser.add_argument(
        "--to",
        choices=WAYS,
        default="scope",
        help="scope: all of it runs on our parts, MMPose is not needed (default); prefix: MMPose runs it, we mix",
    )
    parser.add_argument("--keep-tables", action="store_true", help="leave index tables that nothing uses any more")
    parser.add_argument("--force", action="store_true", help="write over a file that exists")


def run(options: argparse.Namespace) -> int:
    """Prints the diff and what changes, writes the file, and returns the exit status."""
    if not options.config.is_file():
        raise SystemExit(f"mmpose-mix migrate: {options.config} is no file: give the path of a config of MMPose.")
    if options.out is not None and options.out.exists() and not options.force:
        raise SystemExit(f"mmpose-mix migrate: {options.out} exists: name another file, or write over it by --force.")
    try:
        migration = migrate(options.config, options.to, options.out, options.keep_tables)
    except (OSError, TypeError, ValueError) as error:
        raise SystemExit(f"mmpose-mix migrate: {error}") from error
    print(diff_of(migration, options.config, options.out))
    print("\n".join(f"- {note}" for note in migration.notes))
    if options.out is not None:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(migration.after, encoding="utf-8")
    return 0


def diff_of(migration: Migration, config: Path, out: Path | None) -> str:
    """The unified diff of a migration."""
    before, after = (text.splitlines(keepends=True) for text in (migration.before, migration.after))
    return "".join(difflib.unified_diff(before, after, str(config), str(out or config)))
