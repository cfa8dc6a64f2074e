"""The command line: ``mmpose-mix COMMAND``, also ``python -m mmpose_mix COMMAND``."""

from __future__ import annotations

import argparse
import gc
from collections.abc import Sequence

from mmpose_mix import __version__
from mmpose_mix.cli import check, demo, map, migrate, plan, test, train, union

COMMANDS = {
    "train": train,
    "test": test,
    "check": check,
    "plan": plan,
    "map": map,
    "union": union,
    "migrate": migrate,
    "demo": demo,
}


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands; each command's module fills in its own part."""
    parser = argparse.ArgumentParser(
        prog="mmpose-mix", description="Train 2-D pose models on several data sets at once."
    )
    parser.add_argument("--version", action="version", version=f"mmpose_mix {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in COMMANDS.items():
        summary = (module.__doc__ or "").splitlines()[0]
        command = commands.add_parser(name, help=summary, description=summary)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        arguments: What the shell gave after the program's name; the process's own by default.

    Returns:
        The exit status.
    """
    if arguments is None:  # the process is this program's own: what is imported stays until its end
        gc.freeze()
    parsed = build_parser().parse_args(arguments)
    return parsed.run(parsed)
