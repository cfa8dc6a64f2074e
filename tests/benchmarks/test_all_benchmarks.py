"""The command that runs all benchmarks: what is kept of a failure, how figures are shown, and where they stand."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from benchmarks import __main__ as command
from benchmarks.growth_plots import plot_growths
from benchmarks.results import BEGIN, END, Part, Results, table, with_digits, with_table
from benchmarks.rows import Row

LOAD = Row("load", "load persons", "s", 0.5, 10.0, "tenfold", "median of 5")
ITEM = Row("item", "one item", "µs", 12.0, None, "less")
RESULTS = Results([Part("first", "a machine", [LOAD]), Part("second", "a machine", [ITEM])])


def grown(name: str) -> Results:
    parts = [
        Part(name, "m", [Row("load", "load", "s", at / 50, at / 5 if at < 9 else None, "")], at) for at in (9, 1, 3)
    ]
    return Results(parts)


def test_the_table_has_a_ratio_where_both_are_known():
    shown = table(RESULTS, ("first", "second"), goals=True)
    assert shown == "\n".join(
        [
            "|  | MMPose 1.3.2 | mmpose_mix | ratio | asked for |",
            "| --- | --- | --- | --- | --- |",
            "| load persons [1] | 10 s | 0.5 s | **20x** | tenfold |",
            "| one item | – | 12 µs | **–** | less |",
            "",
            "[1] median of 5  ",
            "",
            "a machine.",
        ]
    )
    assert "| load persons | 10 s | 0.5 s | **20x** |\n" in table(RESULTS, ("first", "second"), goals=False)


def test_rows_follow_the_declared_order_and_failures_are_named():
    results = Results([Part("b", "m", [ITEM]), Part("a", "m", [LOAD])], {"c": "Traceback"})
    shown = table(results, ("a", "b"), goals=False)
    assert shown.index("load persons") < shown.index("one item")
    assert "Failed: c." in shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0.000513, "0.000513"), (21.94, "21.9"), (187.6, "188"), (12345.6, "12,346")]
)
def test_figures_have_three_digits(value, shown):
    assert with_digits(value) == shown


def test_results_come_back_from_their_file(tmp_path):
    results = Results([*RESULTS.parts, *grown("persons").parts], {"targets": "no such file"})
    results.save(tmp_path / "results.json")
    assert Results.load(tmp_path / "results.json") == results


def test_what_was_measured_again_takes_the_place_of_the_old_and_the_rest_stays():
    old = Results([*RESULTS.parts, *grown("persons").parts], {"targets": "old words", "second at 3": "kept"})
    newer = Results([Part("second", "other machine", [LOAD]), Part("targets", "m", [ITEM])], {"persons at 3": "new"})
    updated = old.updated_by(newer)
    assert [part.title for part in updated.parts] == ["first", "persons at 9", "persons at 1", "second", "targets"]
    assert updated.failures == {"second at 3": "kept", "persons at 3": "new"}
    assert [part.at for part in old.growth("persons")] == [1, 3, 9]


def test_only_the_text_between_the_markers_changes():
    assert with_table(f"a\n{BEGIN}\nold\n{END}\nb\n", "new", "x.md") == f"a\n{BEGIN}\nnew\n{END}\nb\n"


@pytest.mark.parametrize("text", ["", BEGIN, f"{END}{BEGIN}", f"{BEGIN}{END}{BEGIN}{END}"])
def test_a_document_without_a_pair_of_markers_is_refused(text):
    with pytest.raises(ValueError, match=r"x\.md needs one <!-- performance-table --> and, after it, one"):
        with_table(text, "new", "x.md")


GOOD = """
from benchmarks.rows import Row

def rows(quick=False):
    return [Row("key", "what", "s", 1.0, 3.0, str(quick))]
"""
BENCHMARKS = {
    "good": GOOD,
    "bad": "def rows(quick=False): raise OSError('the disk is full')",
    "odd": "def rows(quick=False): return [1]",
    "mixing_layer": "def growth(sizes, quick=False): return [{'sources': size, 'batch': 1.0} for size in sizes]",
    "loader_throughput": "def growth(sizes, quick=False):\n"
    "    return [{'sample': 1.0, 'rate': 5.0, 'their_sample': None, 'their_rate': 2.0} for size in sizes]",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package with the command's own parts and benchmarks that take no time."""
    own = {name: (command.ROOT / "benchmarks" / f"{name}.py").read_text() for name in ("one_part", "measure", "rows")}
    (tmp_path / "benchmarks").mkdir()
    for name, body in {"__init__": "", **own, **BENCHMARKS}.items():
        (tmp_path / "benchmarks" / f"{name}.py").write_text(body)
    monkeypatch.setattr(command, "ROOT", tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)


@pytest.mark.usefixtures("package")
def test_a_failing_benchmark_leaves_its_words_and_the_others_their_figures():
    parts = [(name, name, None) for name in ("bad", "good", "odd", "absent")]
    results = command.measured([*parts, ("sources", "mixing_layer", 3)], True, 1.0)
    (part,) = results.parts
    assert (part.name, part.rows) == ("good", [Row("key", "what", "s", 1.0, 3.0, "True")])
    assert list(results.failures) == ["bad", "odd", "absent", "sources at 3"]
    assert "OSError: the disk is full" in results.failures["bad"]
    assert "benchmarks.odd returned [1], but a list of benchmarks.rows.Row is wanted" in results.failures["odd"]
    assert "No module named 'benchmarks.absent'" in results.failures["absent"]
    assert results.failures["sources at 3"] == "benchmarks.mixing_layer.growth gave no 'theirs', only sources, batch"


@pytest.mark.usefixtures("package")
def test_what_grew_becomes_rows():
    kept = []
    results = command.measured([("workers", "loader_throughput", 4)], False, 1.0, kept.append)
    assert kept == [results]
    (part,) = results.parts
    assert part.title == "workers at 4"
    assert [(row.key, row.unit, row.ours, row.theirs) for row in part.rows] == [
        ("rate", "1/s", 5.0, 2.0),
        ("sample", "ms", 1.0, None),
    ]


def test_an_unknown_key_is_refused():
    with pytest.raises(ValueError, match=r"--only: there is no loaded; there are annotation_store, mixing_layer"):
        command.wanted_parts(["loaded", "persons"], quick=True)


def test_keys_choose_benchmarks_and_what_grows():
    assert command.wanted_parts(["sampler", "workers"], quick=True) == [
        ("sampler", "sampler", None),
        ("workers", "loader_throughput", 0),
        ("workers", "loader_throughput", 1),
    ]


def test_the_command_measures_writes_and_draws(repository, tmp_path):
    """With the peers that are installed; none is needed."""
    files = {name: str(tmp_path / name) for name in ("figures.json", "table.md", "plots")}
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", "--only", "loader_throughput", "workers"]
        + ["--json", files["figures.json"], "--markdown", files["table.md"], "--plots", files["plots"]],
        cwd=repository,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    keys = [row["key"] for part in json.loads((tmp_path / "figures.json").read_text())["parts"] for row in part["rows"]]
    assert keys == ["loader_0_workers", "loader_2_workers", "loader_main", *["rate", "sample"] * 2]
    assert "wall time of a sample, no loader workers" in (tmp_path / "table.md").read_text()
    assert (tmp_path / "plots" / "cost_by_workers.png").read_bytes()[:4] == b"\x89PNG"


def test_every_growth_gets_its_picture(tmp_path):
    results = Results([part for name in command.GROWTHS for part in grown(name).parts])
    paths = plot_growths(results, tmp_path)
    assert [path.name for path in paths] == ["cost_by_persons.png", "cost_by_sources.png", "cost_by_workers.png"]
    assert all(path.read_bytes()[:4] == b"\x89PNG" for path in paths)


@pytest.mark.parametrize("document", command.DOCUMENTS, ids=lambda path: path.name)
def test_the_table_of_a_document_is_that_of_the_committed_figures(document):
    """Run ``python -m benchmarks --write`` after new figures."""
    shown = table(Results.load(command.COMMITTED), command.MODULES, **command.DOCUMENTS[document])
    text = document.read_text(encoding="utf-8")
    assert with_table(text, shown, document.name) == text


def test_every_committed_figure_is_of_a_declared_benchmark():
    results = Results.load(command.COMMITTED)
    keys = [row.key for part in results.table_parts() for row in part.rows]
    assert len(keys) == len(set(keys))
    assert {part.name for part in results.parts} <= {*command.MODULES, *command.GROWTHS}
