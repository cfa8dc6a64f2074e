"""Which room may import which: the floors and doors of docs/design.md."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "mmpose_mix"

FLOORS = (
    {
        "keypoints",
        "mixing",
        "annotations",
        "codecs",
        "structures",
        "toy",
        "registry",
        "metainfo",
        "mmdet_names",
        "collector",
    },
    {"datasets", "transforms", "evaluation", "visualization"},
    {"models", "engine", "cli", "takeover"},
)
# doors between rooms of one floor; each is one way
DOORS = {
    ("metainfo", "keypoints"),
    ("annotations", "keypoints"),
    ("annotations", "collector"),
    ("codecs", "registry"),
    ("mmdet_names", "registry"),
    ("visualization", "datasets"),
    ("visualization", "transforms"),
    ("cli", "engine"),
}
# rooms of arithmetic: what they import beside the standard library
NUMPY_ROOMS = {"keypoints": {"numpy"}, "mixing": {"numpy"}, "annotations": {"numpy", "msgspec"}}
FRAMEWORKS = ("mmengine", "mmcv", "mmpose", "torch", "torchvision", "cv2", "pycocotools", "scipy", "matplotlib")

# The frame stands above all floors: it imports every room, and only the command line asks it for the version.
FRAME = {"__init__", "__main__"}


def _room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


def _name_of(path: Path, package: Path) -> str:
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(path: Path, modules: set[str], package: Path) -> set[str]:
    """Full names of the modules that a file imports, wherever in the file it does."""
    here = _name_of(path, package)
    parent = here if path.stem == "__init__" else here.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = parent.split(".")[: len(parent.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            whole = {f"{base}.{alias.name}" for alias in node.names}
            found |= {name if name in modules else base for name in whole}
    return found


def _graph(package: Path = PACKAGE) -> dict[str, set[str]]:
    """Every module of the package with the modules that it imports."""
    paths = {_name_of(path, package): path for path in package.rglob("*.py") if ".mim" not in path.parts}
    return {name: _imports(path, set(paths), package) for name, path in sorted(paths.items())}


def _wrong_doors(graph: dict[str, set[str]]) -> list[str]:
    floor_of = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}
    wrong = []
    for module, imported in graph.items():
        room = _room_of(module)
        if room in FRAME or module == "mmpose_mix.__main__":
            continue
        for other in sorted(name for name in imported if name.split(".")[0] == "mmpose_mix"):
            target = _room_of(other)
            same_room_or_door = target == room or (room, target) in DOORS
            from_above = target == "__init__" and room == "cli"
            if same_room_or_door or from_above or floor_of.get(target, len(FLOORS)) < floor_of.get(room, -1):
                continue
            wrong.append(f"{module} imports {other}")
    return wrong


def _circles(graph: dict[str, set[str]]) -> list[str]:
    """Modules that import themselves by way of others; a package's own `__init__` may list its modules."""
    edges = {
        module: {other for other in imported if other in graph and not f"{module}.".startswith(other + ".")}
        for module, imported in graph.items()
    }
    circles, done = [], set()

    def walk(module: str, trail: tuple[str, ...]) -> None:
        if module in trail:
            circles.append(" -> ".join([*trail[trail.index(module) :], module]))
        elif module not in done:
            for other in sorted(edges[module]):
                walk(other, (*trail, module))
            done.add(module)

    for module in edges:
        walk(module, ())
    return circles


def test_every_room_stands_on_a_floor():
    rooms = {_room_of(module) for module in _graph()} - FRAME
    assert rooms <= set().union(*FLOORS), "give a new room its floor here and in docs/design.md"


def test_no_import_runs_upward_or_sideways():
    assert _wrong_doors(_graph()) == []


def test_no_modules_import_each_other():
    assert _circles(_graph()) == []


@pytest.mark.skipif(sys.version_info < (3, 10), reason="the list of standard modules is new in Python 3.10")
@pytest.mark.parametrize("room", NUMPY_ROOMS)
def test_rooms_of_arithmetic_import_nothing_but_arithmetic(room):
    roots = {
        name.split(".")[0] for module, imported in _graph().items() if _room_of(module) == room for name in imported
    }
    assert roots - set(sys.stdlib_module_names) - {"mmpose_mix"} <= NUMPY_ROOMS[room]


ALONE = """
import importlib, pkgutil, sys, types
from importlib.abc import MetaPathFinder

package, room, *shut = sys.argv[1:]

class Shut(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if any(name == other or name.startswith(other + ".") for other in shut):
            raise ImportError(f"{name} is shut")

sys.meta_path.insert(0, Shut())
parent = types.ModuleType("mmpose_mix")
parent.__path__ = [package]
sys.modules["mmpose_mix"] = parent
alone = importlib.import_module("mmpose_mix." + room)
for module in pkgutil.walk_packages(alone.__path__, alone.__name__ + "."):
    importlib.import_module(module.name)
loaded = [name for name in sys.modules if any(name == other or name.startswith(other + ".") for other in shut)]
sys.exit(f"loaded: {loaded}" if loaded else 0)
"""


@pytest.mark.parametrize("room", NUMPY_ROOMS)
def test_rooms_of_arithmetic_load_alone_in_their_own_interpreter(room):
    rooms = set().union(*FLOORS) - {room} - {target for source, target in DOORS if source == room}
    shut = [*FRAMEWORKS, *(f"mmpose_mix.{other}" for other in sorted(rooms))]
    command = [sys.executable, "-W", "error", "-c", ALONE, str(PACKAGE), room, *shut]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def house(tmp_path):
    """A package of the same name in which rooms can be built at will."""

    def build(**files: str) -> dict[str, set[str]]:
        package = tmp_path / "mmpose_mix"
        for name, text in {"__init__": "", **files}.items():
            path = package / f"{name.replace('__', '/') if name != '__init__' else name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return _graph(package)

    return build


@pytest.mark.parametrize(
    "line",
    [
        "from mmpose_mix.datasets import x",
        "from mmpose_mix import datasets",
        "from .. import datasets",
        "from ..datasets.body import y",
        "import mmpose_mix.datasets.body",
        "import mmpose_mix",
        "def f():\n    from mmpose_mix.mixing import z",
    ],
)
def test_a_wrong_door_is_seen_however_it_is_written(house, line):
    graph = house(keypoints__schema=line, datasets__body="", datasets__x="", mixing__plan="")
    assert [text.split()[0] for text in _wrong_doors(graph)] == ["mmpose_mix.keypoints.schema"]


def test_a_circle_is_seen(house):
    graph = house(
        mixing__a="from mmpose_mix.mixing import b", mixing__b="from .c import x", mixing__c="from .a import y"
    )
    circle = "mmpose_mix.mixing.a -> mmpose_mix.mixing.b -> mmpose_mix.mixing.c -> mmpose_mix.mixing.a"
    assert _circles(graph) == [circle]
