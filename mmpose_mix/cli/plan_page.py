"""The page that ``mmpose-mix plan`` prints: a few lines of what matters, then tables."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mmpose_mix.engine.planned_mixture import PlannedMixture
from mmpose_mix.mixing.forecast import Forecast, SeekCost

WIDEST = 100
_WIDEST_NAME = 24
_LARGEST_DENOMINATOR = 1000
_NEARLY_NEVER = 1e-5
_LEAST = 0.0001


@dataclass(frozen=True)
class PlanPage:
    """All that is said about a plan."""

    name: str
    planned: PlannedMixture
    forecast: Forecast
    costs: tuple[SeekCost, ...]
    remarks: tuple[str, ...]


def print_page(page: PlanPage) -> None:
    """Prints the page to standard output."""
    console = Console(file=sys.stdout, markup=False, emoji=False, highlight=False)
    console.width = min(console.width, WIDEST)
    console.print(Text(page.name, style="bold"))
    console.print(_summary(page))
    for remark in page.remarks:
        console.print(_hanging("!", remark, "yellow"))
    _print_table(console, "Passes: walks over a source without repeats", _passes(page))
    if page.planned.stages:
        _print_table(console, "Stages of the schedule", _stages(page))
    if page.forecast.stages:
        _print_table(console, "Quotas: samples of each source in one batch", _quotas(page))
        console.print(_counted_words(page))
    elif page.planned.shuffle:
        _print_table(console, "No quotas: samples of each source in one batch are left to chance", _chances(page))
    else:
        console.print("\nNo quotas: without a shuffle the sources come one after another.")
    if page.costs:
        _print_table(console, "Resume: time to the indices of a rank's first batch, measured here", _costs(page))


def _summary(page: PlanPage) -> Table:
    planned, training = page.planned, page.planned.training
    sources = _count(len(planned.mixture.names), "source")
    ratio = "" if planned.ratio is None else f", source_ratio={_plain(planned.ratio)}"
    if planned.stages:
        ratio = f", source_ratio: {_count(len(planned.stages), 'stage')} of a schedule"
    lines = {
        "data set": f"{planned.dataset} of {sources}, {_count(sum(planned.mixture.samples), 'sample')}",
        "sampler": f"{planned.sampler}{ratio}{'' if planned.shuffle else ', shuffle=False'}",
        "batch": f"{_count(training.batch_size, 'sample')} a step: {_count(training.world_size, 'rank')} "
        f"x {training.rank_batch:,}",
        "epoch": _epoch_words(page),
        "training": f"{_count(training.epochs, 'epoch')}, {_count(training.steps, 'step')}",
    }
    grid = Table.grid(padding=(0, 2))
    for word, text in lines.items():
        grid.add_row(Text(word, style="dim"), Text(text))
    return grid


def _epoch_words(page: PlanPage) -> str:
    planned, training = page.planned, page.planned.training
    if planned.endless:
        return f"none, an endless row of shuffles; one walk over all: {_count(training.steps_per_epoch, 'step')}"
    rest = training.items_per_epoch - planned.items
    change = f", {rest:,} more fill up the last batch" if rest > 0 else f", {-rest:,} are dropped" if rest else ""
    return f"{_count(training.steps_per_epoch, 'step')} for {_count(planned.items, 'item')}{change}"


def _hanging(sign: str, text: str, style: str) -> Table:
    grid = Table.grid(padding=(0, 1))
    grid.add_row(Text(sign, style=style), Text(text, style=style))
    return grid


def _passes(page: PlanPage) -> Table:
    resampled = page.planned.mixture.items != page.planned.mixture.samples
    heads = [
        "\nsamples",
        *(["items of\nan epoch"] if resampled else []),
        "share\nasked for" if page.forecast.stages else "\nshare",
    ]
    table = _table(["\nsource"], [*heads, "passes:\nan epoch", "\nthe training", "times a\nsample is seen"])
    for source in page.forecast.sources:
        table.add_row(
            source.name,
            f"{source.samples:,}",
            *([f"{source.items:,}"] if resampled else []),
            _share(source.shares),
            _decimals(source.passes_per_epoch),
            _decimal(float(source.passes)),
            _range(source.seen) if source.seen else f"about {_decimal(float(source.passes))}",
        )
    return table


def _stages(page: PlanPage) -> Table:
    table = _table(["stage", "source"], ["from step", "epoch", "share", "to step", "share"])
    per_epoch = page.planned.training.steps_per_epoch
    for number, count in enumerate(page.forecast.stages, 1):
        stage = count.stage
        begin = [f"{number} {'moves' if stage.moving else 'holds'}", f"{stage.begin:,}"]
        begin += [_decimal(stage.begin / per_epoch), f"{stage.end - 1:,}"]
        for source, got in zip(page.forecast.sources, count.sources):
            first, last = got.shares
            end = _percent(last) if stage.moving else ""
            table.add_row(begin[0], source.name, begin[1], begin[2], _percent(first), begin[3], end)
            begin = [""] * len(begin)
    return table


def _quotas(page: PlanPage) -> Table:
    staged, ranked = bool(page.planned.stages), page.planned.training.world_size > 1
    heads = ["\nrealised", "global batch:\nquota", "\nmet", "\nlag"]
    heads += ["rank's batch:\nquota", "\nmet", "\nlag"] if ranked else []
    table = _table(["stage,\nsource" if staged else "\nsource"], heads)
    for number, count in enumerate(page.forecast.stages, 1):
        for source, got in zip(page.forecast.sources, count.sources):
            cells = [_percent(got.realised), _range(got.quota), _range(got.quota_met), _lag(got.lag)]
            cells += [_range(got.rank_quota), _range(got.rank_quota_met), _lag(got.rank_lag)] if ranked else []
            table.add_row(f"{number} {source.name}" if staged else source.name, *cells)
    return table


def _counted_words(page: PlanPage) -> str:
    stages, world_size = page.forecast.stages, page.planned.training.world_size
    first, each = ("up to ", " a stage") if len(stages) > 1 else ("", "")
    steps, rank_steps = max(count.steps for count in stages), max(count.rank_steps for count in stages)
    words = [f"Counted: {first}{_count(steps, 'global batch', 'global batches')}{each}"]
    if world_size > 1:
        ranks = len(stages[0].ranks)
        who = "each rank" if ranks == world_size else f"{ranks} of {world_size:,} ranks"
        words.append(f", and {first}{_count(rank_steps, 'batch', 'batches')}{each} of {who}")
    words.append(".\nLag: how far a source was from its share, in samples, at most.")
    words.append(f"\nPromised for global batches: below 1{' while a ratio holds' if page.planned.stages else ''}.")
    if page.forecast.period:
        words.append(f" Their quotas repeat every {_count(page.forecast.period, 'step')}.")
    return "".join(words)


def _chances(page: PlanPage) -> Table:
    table = _table(["\nsource"], ["global\nbatch", "rank's\nbatch", "rank's batches\nwithout it"])
    for source, chance in zip(page.forecast.sources, page.forecast.chances):
        table.add_row(
            source.name,
            f"{chance.mean:,.1f} +- {chance.deviation:,.1f}",
            f"{chance.rank_mean:,.1f} +- {chance.rank_deviation:,.1f}",
            _percent(chance.without) if chance.without >= _NEARLY_NEVER else "nearly never",
        )
    return table


def _costs(page: PlanPage) -> Table:
    table = _table([], ["at step", "with a saved state", "without"])
    for cost in page.costs:
        table.add_row(f"{cost.step:,}", _time(cost.with_state), _time(cost.without_state))
    return table


def _table(words: Sequence[str], numbers: Sequence[str]) -> Table:
    """Return an empty table with columns of words on the left and of numbers on the right."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for head in words:
        table.add_column(head, overflow="fold", max_width=_WIDEST_NAME)
    for head in numbers:
        table.add_column(head, justify="right", no_wrap=True)
    return table


def _print_table(console: Console, title: str, table: Table) -> None:
    console.print()
    console.print(Text(title, style="bold"))
    # Nothing is cut off, on however narrow a terminal.
    present = console.width
    console.width = max(present, console.measure(table, options=console.options.update(width=1000)).maximum)
    console.print(table)
    console.width = present


def _plain(words: object) -> str:
    """The words of a config, without its classes."""
    if isinstance(words, dict):
        return f"dict({', '.join(f'{key}={_plain(value)}' for key, value in words.items())})"
    if isinstance(words, (list, tuple)):
        return f"[{', '.join(map(_plain, words))}]"
    return repr(words)


def _count(number: int | Fraction, one: str, many: str = "") -> str:
    return f"{_decimal(float(number))} {one if number == 1 else many or one + 's'}"


def _range(pair: tuple[int, int]) -> str:
    return f"{pair[0]:,}" if pair[0] == pair[1] else f"{pair[0]:,}-{pair[1]:,}"


def _share(shares: tuple[Fraction, Fraction]) -> str:
    lowest, highest = shares
    if lowest != highest:
        return f"{_percent(lowest)} to {_percent(highest)}"
    exact = f"{lowest} = " if 1 < lowest.denominator <= _LARGEST_DENOMINATOR else ""
    return f"{exact}{_percent(lowest)}"


def _percent(share: float | Fraction) -> str:
    part = 100 * float(share)
    if part in (0, 100):
        return f"{part:.0f} %"
    if part < 0.1:
        return f"{part:.2g} %"
    return f"{part:.3f} %" if part < 99.9 else f"{part:.6g} %"


def _decimal(value: float) -> str:
    if value == int(value):
        return f"{int(value):,}"
    if value < _LEAST:
        return f"< {_LEAST}"
    return f"{value:,.1f}" if value >= 100 else f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


def _lag(lag: Fraction) -> str:
    # Not rounded to the 1 that is never reached.
    return "> 0.99" if Fraction(99, 100) < lag < 1 else _decimal(float(lag))


def _decimals(pair: Sequence[Fraction]) -> str:
    words = [_decimal(float(value)) for value in pair]
    return words[0] if words[0] == words[1] else "-".join(words)


def _time(seconds: float) -> str:
    return f"{1000 * seconds:,.1f} ms" if seconds < 1 else f"{seconds:,.1f} s"
