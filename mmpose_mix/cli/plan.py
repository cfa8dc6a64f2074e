"""Say what a training will draw: quotas, passes, epochs and the cost of a resume, without reading an image."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

from mmengine.config import Config, DictAction

from mmpose_mix.cli.plan_page import PlanPage, print_page
from mmpose_mix.engine.launch import load_config
from mmpose_mix.engine.planned_mixture import PlannedMixture, planned_mixture
from mmpose_mix.mixing.forecast import (
    COUNTED_STEPS,
    SeekCost,
    forecast_of_chance,
    forecast_of_quotas,
    measured_seeks,
    remarks,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command."""
    parser.add_argument("config", help="a config file, or the name of a shipped one")
    parser.add_argument("--world-size", type=_positive, default=1, metavar="N", help="number of ranks (default: 1)")
    parser.add_argument("--batch-size", type=_positive, metavar="N", help="of one rank (default: the config's)")
    parser.add_argument("--epochs", type=_positive, metavar="N", help="of the training (default: the config's)")
    parser.add_argument(
        "--lengths",
        nargs="+",
        metavar="NAME=N",
        help="samples of each source, filters and repeats included, e.g. coco=149813 aic=378352, or a JSON file that "
        "says so: nothing is read then (default: the data set is built, which reads its annotation files)",
    )
    parser.add_argument(
        "--steps",
        type=_positive,
        default=COUNTED_STEPS,
        metavar="N",
        help=f"count the batches of this many steps of each stage (default: {COUNTED_STEPS})",
    )
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument(
        "--cfg-options", nargs="+", action=DictAction, metavar="KEY=VALUE", help="overrides of the config, as of train"
    )


def run(options: argparse.Namespace) -> int:
    """Prints the forecast, and returns the exit status."""
    try:
        lengths = None if options.lengths is None else _lengths(options.lengths)
        # what building a data set logs is no part of the forecast
        with contextlib.redirect_stdout(sys.stderr):
            config = load_config(options.config, options.cfg_options)
            planned = planned_mixture(config, options.world_size, options.batch_size, options.epochs, lengths)
        page = _page(config, planned, options.steps)
    except (OSError, TypeError, ValueError) as error:
        raise SystemExit(f"mmpose-mix plan: {error}") from error
    if options.json:
        print(json.dumps(_as_json(page), indent=2))
    else:
        print_page(page)
    return 0


def _page(config: Config, planned: PlannedMixture, counted_steps: int) -> PlanPage:
    mixture, training, quotas = planned.mixture, planned.training, planned.quotas
    costs: tuple[SeekCost, ...] = ()
    if quotas is None:
        forecast = forecast_of_chance(mixture, training, planned.times, planned.endless)
    else:
        # measured first: what has been counted is remembered
        costs = measured_seeks(mixture, training, quotas, shuffle=planned.shuffle)
        forecast = forecast_of_quotas(mixture, training, quotas, planned.stages, counted_steps)
    return PlanPage(Path(config.filename).stem, planned, forecast, costs, remarks(forecast))


def _lengths(given: Sequence[str]) -> dict[str, int]:
    """Return the numbers of samples that ``--lengths`` gives.

    Raises:
        ValueError: with every entry that is none.
        OSError: if the file cannot be read.
    """
    if len(given) == 1 and given[0].endswith(".json"):
        try:
            lengths = json.loads(Path(given[0]).read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"--lengths: {given[0]} is no JSON: {error}") from error
        if not isinstance(lengths, dict):
            raise ValueError(f'--lengths: {given[0]} must hold an object such as {{"coco": 149813, "aic": 378352}}.')
        wrong = [f"{name}={number!r}" for name, number in lengths.items() if type(number) is not int]
    else:
        pairs = [entry.rpartition("=") for entry in given]
        wrong = [entry for entry, (name, _, number) in zip(given, pairs) if not name or not number.isdecimal()]
        lengths = {name: int(number) for name, _, number in pairs} if not wrong else {}
        twice = {name for name in lengths if sum(pair[0] == name for pair in pairs) > 1}
        wrong += [f"{name} (given twice)" for name in twice]
    if wrong:
        raise ValueError(
            f"--lengths: {', '.join(wrong)}: give NAME=NUMBER for each source, such as coco=149813 aic=378352, or one "
            f"file that ends in .json."
        )
    return lengths


def _as_json(page: PlanPage) -> dict[str, Any]:
    """Return all of the page, and the exact shares, in types of JSON."""
    planned, forecast = page.planned, page.forecast
    training = planned.training
    return _jsonable(
        {
            "config": page.name,
            "dataset": planned.dataset,
            "sampler": planned.sampler,
            "source_ratio": planned.ratio,
            "shuffle": planned.shuffle,
            "endless": planned.endless,
            "world_size": training.world_size,
            "rank_batch": training.rank_batch,
            "global_batch": training.batch_size,
            "items": planned.items,
            "items_per_epoch": training.items_per_epoch,
            "steps_per_epoch": training.steps_per_epoch,
            "steps": training.steps,
            "epochs": training.epochs,
            "period": forecast.period,
            "sources": [asdict(source) for source in forecast.sources],
            "stages": [asdict(count) for count in forecast.stages],
            "chances": [asdict(chance) for chance in forecast.chances],
            "resume": [asdict(cost) for cost in page.costs],
            "remarks": page.remarks,
        }
    )


def _jsonable(value: Any) -> Any:
    """Return fractions as numbers, those called shares beside it as they are written exactly."""
    if isinstance(value, dict):
        plain = {str(key): _jsonable(entry) for key, entry in value.items()}
        if "shares" in value:
            plain["shares_exact"] = [str(share) for share in value["shares"]]
        return plain
    if isinstance(value, (list, tuple)):
        return [_jsonable(entry) for entry in value]
    if isinstance(value, Fraction):
        return float(value)
    return value if value is None or isinstance(value, (str, bool, int, float)) else str(value)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number
