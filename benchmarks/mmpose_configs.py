"""Which of MMPose's config files with mixtures run here: builds their data side and draws a batch from every loader.

    python -m benchmarks.mmpose_configs FOLDER [--peer PYTHON] [--write docs/compatibility.md]

FOLDER holds MMPose's configs: its checkout, or `mmpose/.mim/configs` where it is installed. The files that the configs
name are made in a temporary folder, in each data set's format, so that the configs stay as they are. Way (b) is tried
here, in the scope of this package; with --peer, an interpreter that has MMPose, way (a), the three names prefixed, and
MMPose alone are tried there.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Optional

from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

import mmpose_mix  # noqa: F401  registers everything
from benchmarks.mmpose_data import LOADERS, leaves, make_data
from benchmarks.rows import Row
from mmpose_mix.engine.checked_types import resolved_types
from mmpose_mix.engine.repaired_tables import repair_tables
from mmpose_mix.metainfo import resolve_metainfo_paths

# way (a): the three names, and two that MMPose cannot build by itself, or not without albumentations
PREFIXED = ("CombinedDataset", "KeypointConverter", "MultiSourceSampler", "HalpeHandDataset", "Albumentation")
REPAIRED = {
    "COFW": "its index table from COFW to LaPa gives eye points WFLW's numbers, put right when the config is loaded",
    "HalpeHandDataset": "`HalpeHandDataset` exists in this package only",
    "CocoWholeBodyDataset": "converted whole bodies stop MMPose 1.3.2 at the first sample (`keypoints_3d=None`)",
}


@dataclass(frozen=True)
class Outcome:
    """What became of one config in one way.

    Attributes:
        batches: loaders that gave a batch, such as ``'train val test'``.
        failure: why one did not; empty where all did.
        missing: parts of the rest of the config, model and metrics above all, that the scope does not have.
        repaired: what is put right in it here.
    """

    batches: str
    failure: str
    missing: tuple[str, ...] = ()
    repaired: tuple[str, ...] = ()


def mixture_configs(folder: Path) -> list[Path]:
    """The config files below a folder that use ``CombinedDataset``."""
    files = sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)
    return [path for path in files if "CombinedDataset" in path.read_text(encoding="utf-8")]


def tried(path: Path, way: str) -> Outcome:
    """Build the data side of a config and draw a batch from each loader.

    Args:
        path: of the config.
        way: ``'scope'``, ``'prefix'`` or ``'mmpose'``.
    """
    config = Config.fromfile(path, import_custom_modules=False).to_dict()
    resolve_metainfo_paths(config, path.parent)
    kinds = {str(leaf["type"]) for leaf in leaves(config)}
    three = sorted(kind for kind in kinds if "3d" in kind or "H36M" in kind)
    if three:
        return Outcome("", f"3-D data sets ({', '.join(three)}): outside of a 2-D package")
    local = _with_local_files(config)
    notes = ["its private file store (`petrel`) is replaced by local files"] if local else []
    notes += [REPAIRED["COFW"]] if way != "mmpose" and repair_tables(config) else []
    if way != "scope":
        config = _renamed(config, "mmpose_mix." if way == "prefix" else "")
    converted = any(
        leaf["type"] == "CocoWholeBodyDataset" and "KeypointConverter" in str(leaf.get("pipeline"))
        for leaf in leaves(config)
    )
    notes += [REPAIRED["HalpeHandDataset"]] if "HalpeHandDataset" in kinds else []
    notes += [REPAIRED["CocoWholeBodyDataset"]] if converted else []
    scope = "mmpose_mix" if way == "scope" else "mmpose"
    with tempfile.TemporaryDirectory() as folder, _in(Path(folder)), DefaultScope.overwrite_default_scope(scope):
        failure = _failure(lambda: make_data(config, Path(folder)))
        drawn = {} if failure else {name: _failure(_drawing(config[name])) for name in LOADERS if config.get(name)}
        missing = _missing(config) if way == "scope" else ()
    failures = [failure] if failure else [f"{name.partition('_')[0]}: {why}" for name, why in drawn.items() if why]
    good = " ".join(name.partition("_")[0] for name, why in drawn.items() if not why)
    return Outcome(good, "; ".join(dict.fromkeys(failures)), missing, tuple(notes))


def _drawing(loader: Mapping[str, Any]) -> Callable[[], None]:
    """What draws the first batch of a loader's config, in this process."""

    def draw() -> None:
        small = {**loader, "batch_size": min(4, loader["batch_size"]), "num_workers": 0, "persistent_workers": False}
        small.pop("prefetch_factor", None)
        batch = next(iter(Runner.build_dataloader(small, seed=0)))
        if not batch["data_samples"] or not all(image.ndim == 3 for image in batch["inputs"]):
            raise ValueError("the batch is empty")

    return draw


def _failure(step: Callable[[], None]) -> str:
    """The words of what a step raises, in one line; empty where it raises nothing."""
    try:
        step()
    except Exception as error:  # whatever stops a config is what the table is about
        words = str(error).strip().splitlines() or [""]
        text = " ".join(words[0].split())
        return f"{type(error).__name__}: {text[:157] + '...' if len(text) > 160 else text}"
    return ""


def _missing(config: Mapping[str, Any]) -> tuple[str, ...]:
    _, findings = resolved_types(config)
    return tuple(sorted({each.text.split("'")[1] for each in findings if each.code == "CFG503" and "'" in each.text}))


def _with_local_files(value: Any) -> int:
    """Replaces MMPose's in-house file store by local files, in place; says how often."""
    if isinstance(value, dict):
        found = 0
        if (value.get("backend_args") or {}).get("backend") == "petrel":
            value["backend_args"] = {"backend": "local"}
            found = 1
        return found + sum(map(_with_local_files, value.values()))
    return sum(map(_with_local_files, value)) if isinstance(value, list) else 0


def _renamed(value: Any, prefix: str) -> Any:
    """A config with a prefix before the names of ``PREFIXED``, without one MMPose alone: it lacks albumentations then.

    mmdet's names, which MMPose has too, lose theirs.
    """
    if isinstance(value, Mapping):
        return {
            key: _name(inner, prefix) if key == "type" and isinstance(inner, str) else _renamed(inner, prefix)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        kept = [inner for inner in value if prefix or not _is_albumentation(inner)]
        return [_renamed(inner, prefix) for inner in kept]
    return value


def _is_albumentation(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get("type") == "Albumentation"


def _name(kind: str, prefix: str) -> str:
    return f"{prefix}{kind}" if kind in PREFIXED else kind.replace("mmdet.", "")


@contextmanager
def _in(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def outcomes(folder: Path, ways: list[str]) -> dict[str, dict[str, Outcome]]:
    """Each config file of a folder, relative to it, to what became of it in each way."""
    MMLogger.get_current_instance().setLevel(logging.ERROR)
    return {str(path.relative_to(folder)): {way: tried(path, way) for way in ways} for path in mixture_configs(folder)}


def outcomes_of_peer(folder: Path, python: str) -> dict[str, dict[str, Outcome]]:
    """The ways that need MMPose, tried by an interpreter that has it."""
    command = [python, "-m", "benchmarks.mmpose_configs", str(folder), "--ways", "prefix", "mmpose", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise RuntimeError(f"{python} failed: {done.stderr[-2000:]}")
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return {name: {way: Outcome(**each) for way, each in ways.items()} for name, ways in found.items()}


def table_of(found: Mapping[str, Mapping[str, Outcome]]) -> str:
    """The Markdown table."""
    ways = {way: None for each in found.values() for way in each}
    heads = {"scope": "(b) all ours", "prefix": "(a) in MMPose", "mmpose": "MMPose alone"}
    lines = [f"| config | {' | '.join(heads[way] for way in ways)} | notes |", "|---" * (len(ways) + 2) + "|"]
    for name, each in found.items():
        cells = [_cell(each[way]) if way in each else "not tried" for way in ways]
        first = each.get("scope") or next(iter(each.values()))
        notes = [*first.repaired]
        notes += [f"not here: {', '.join(f'`{part}`' for part in first.missing)}"] if first.missing else []
        lines.append(f"| `{name}` | {' | '.join(cells)} | {'; '.join(notes)} |")
    return "\n".join(lines)


def _cell(outcome: Outcome) -> str:
    failure = outcome.failure.replace("|", "\\|")
    if not failure:
        return outcome.batches
    return f"{outcome.batches + '; ' if outcome.batches else ''}**no**: {failure}"


def counts(found: Mapping[str, Mapping[str, Outcome]]) -> dict[str, int]:
    """How many configs give a batch from every loader, in each way."""
    ways = {way: None for each in found.values() for way in each}
    return {way: sum(way in each and not each[way].failure for each in found.values()) for way in ways}


def rows(quick: bool = False) -> list[Row]:
    """Figures of the configs in the folder that MMPOSE_MIX_MMPOSE_CONFIGS names; none where it is not set.

    Args:
        quick: without MMPose, whose interpreter MMPOSE_MIX_PEER_PYTHON names.
    """
    folder, python = os.environ.get("MMPOSE_MIX_MMPOSE_CONFIGS"), os.environ.get("MMPOSE_MIX_PEER_PYTHON")
    if not folder:
        return []
    number = counts(outcomes(Path(folder), ["scope"]))["scope"]
    theirs: Optional[float] = None
    if python and not quick:
        theirs = counts(outcomes_of_peer(Path(folder), python))["mmpose"]
    what = "configs of MMPose with mixtures whose loaders all give a batch"
    return [Row("mmpose_configs", what, "files", number, theirs, f"all {len(mixture_configs(Path(folder)))}")]


def written(page: Path, table: str) -> str:
    """The page with the table in the place of the one that it has."""
    begin, end = "<!-- table: begin -->", "<!-- table: end -->"
    text = page.read_text(encoding="utf-8") if page.exists() else f"# Configs of MMPose\n\n{begin}\n{end}\n"
    before, _, rest = text.partition(begin)
    return f"{before}{begin}\n{table}\n{end}{rest.partition(end)[2]}"


def main() -> int:
    """Tries the configs, prints the table and perhaps writes it into a page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ways", nargs="+", default=["scope"], choices=("scope", "prefix", "mmpose"))
    parser.add_argument("--peer", metavar="PYTHON", help="an interpreter that has MMPose")
    parser.add_argument("--write", type=Path, metavar="PAGE")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = outcomes(options.folder, options.ways)
    if options.peer:
        for name, ways in outcomes_of_peer(options.folder, options.peer).items():
            found[name].update(ways)
    if options.json:
        print(json.dumps({name: {way: asdict(each) for way, each in ways.items()} for name, ways in found.items()}))
        return 0
    table = table_of(found)
    summary = ", ".join(f"{way}: {number} of {len(found)}" for way, number in counts(found).items())
    print(f"{table}\n\n{summary}")
    if options.write:
        options.write.write_text(written(options.write, f"{table}\n\n{summary}"), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
