"""From a ``metainfo`` argument to a keypoint set: the one place that finds and reads metainfo files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Optional, Union

from mmengine.config import Config

from mmpose_mix.keypoints.aliases import AliasTable
from mmpose_mix.keypoints.schema import OPTIONAL_KEYS, REQUIRED_KEYS, KeypointSet
from mmpose_mix.keypoints.union import KeypointUnion, union

PathLike = Union[str, "os.PathLike[str]"]

_PACKAGE = Path(__file__).resolve().parent
# Keys of MMPose's parsed metainfo; any other key of a parsed dict (a data set's CLASSES) is carried along.
_PARSED_KEYS = frozenset(
    {
        "dataset_name",
        "num_keypoints",
        "keypoint_id2name",
        "keypoint_name2id",
        "upper_body_ids",
        "lower_body_ids",
        "flip_indices",
        "flip_pairs",
        "keypoint_colors",
        "num_skeleton_links",
        "skeleton_links",
        "skeleton_link_colors",
        "dataset_keypoint_weights",
        "sigmas",
        "stats_info",
    }
)

# Keys of a config whose strings may be the names of data sets, or files.
_KEYS_OF_FILES = ("union", "source", "target", "aliases")


def parse_pose_metainfo(metainfo: Mapping[str, Any]) -> dict[str, Any]:
    """MMPose's parsed metainfo: its keys, its value types.

    Args:
        metainfo: ``dict(from_file=PATH)``, in which further ``dataset_info`` keys replace those of the file; or
            ``dict(union=['coco', 'aic'])``, the union of the keypoint sets of data sets, in which they do as well; or a
            ``dataset_info`` dict; or what this function returned.

    Returns:
        ``dataset_name``, ``num_keypoints``, ``keypoint_id2name``, ``keypoint_name2id``, ``upper_body_ids``,
        ``lower_body_ids``, ``flip_indices``, ``flip_pairs``, ``keypoint_colors`` (K, 3) uint8, ``num_skeleton_links``,
        ``skeleton_links``, ``skeleton_link_colors`` (L, 3) uint8, ``dataset_keypoint_weights`` (K,) float32, ``sigmas``
        (K,) or (0,) float32, and ``stats_info`` where given. Lists and dicts are the caller's own; arrays are read-only
        and shared by everybody who parses the same file.

    Raises:
        TypeError: if ``metainfo`` is no mapping.
        FileNotFoundError: if ``from_file`` is found nowhere.
        ValueError: with all findings, see :class:`KeypointSet`.
    """
    keypoints = keypoint_set(metainfo)
    names = keypoints.keypoint_names
    parsed: dict[str, Any] = {
        "dataset_name": keypoints.name,
        "num_keypoints": len(names),
        "keypoint_id2name": dict(enumerate(names)),
        "keypoint_name2id": keypoints.keypoint_ids,
        "upper_body_ids": list(keypoints.upper_body_ids),
        "lower_body_ids": list(keypoints.lower_body_ids),
        "flip_indices": list(keypoints.flip_indices),
        "flip_pairs": list(keypoints.flip_pairs),
        "keypoint_colors": keypoints.colors,
        "num_skeleton_links": len(keypoints.links),
        "skeleton_links": list(keypoints.links),
        "skeleton_link_colors": keypoints.link_colors,
        "dataset_keypoint_weights": keypoints.weights,
        "sigmas": keypoints.sigmas,
    }
    if keypoints.stats_info is not None:
        parsed["stats_info"] = dict(keypoints.stats_info)
    if _is_parsed(metainfo):
        parsed.update({key: value for key, value in metainfo.items() if key not in _PARSED_KEYS})
    return parsed


def named_keypoint_set(named: Union[str, PathLike, Mapping[str, Any], KeypointSet]) -> KeypointSet:
    """The keypoint set that somebody names.

    Args:
        named: The name of a data set whose metainfo is shipped (``'coco'``), a metainfo file (a path that ends in
            ``.py``), a ``metainfo`` dict, or a keypoint set, which is returned.

    Raises:
        FileNotFoundError: if there is no such name, with those that there are, or no such file.
        ValueError, TypeError: what :func:`parse_pose_metainfo` raises.
    """
    if isinstance(named, KeypointSet):
        return named
    return keypoint_set({"from_file": _file_named(named)} if isinstance(named, (str, os.PathLike)) else named)


def dataset_info_of(named: Union[str, PathLike, Mapping[str, Any]]) -> dict[str, Any]:
    """The ``dataset_info`` dict that a name, a file or a ``metainfo`` dict stands for, as it is written there.

    Raises what :func:`named_keypoint_set` does.
    """
    if isinstance(named, (str, os.PathLike)):
        named = {"from_file": _file_named(named)}
    if "from_file" not in named:
        return dict(named)
    path = find_metainfo_file(named["from_file"])
    overrides = {key: value for key, value in named.items() if key != "from_file"}
    return {**_dataset_info_of_file(str(path), path.stat().st_mtime_ns), **overrides}


def keypoint_set(metainfo: Mapping[str, Any]) -> KeypointSet:
    """The keypoint set of a ``metainfo`` argument; takes and raises what :func:`parse_pose_metainfo` does."""
    if not isinstance(metainfo, (Mapping, Config)):
        raise TypeError(
            f"metainfo must be a dict such as dict(from_file='configs/_base_/datasets/coco.py'), "
            f"got {type(metainfo).__name__}: {metainfo!r}"
        )
    if _is_parsed(metainfo):
        info = _dataset_info_of_parsed(metainfo)
        return KeypointSet.from_dataset_info(info, f"metainfo of {info['dataset_name']!r}")
    if "union" in metainfo:
        return _union(metainfo)
    if "from_file" not in metainfo:
        return KeypointSet.from_dataset_info(metainfo, f"metainfo of {metainfo.get('dataset_name', 'unknown name')!r}")
    path = find_metainfo_file(metainfo["from_file"])
    stamp = path.stat().st_mtime_ns
    overrides = {key: value for key, value in metainfo.items() if key != "from_file"}
    if not overrides:
        return _keypoint_set_of_file(str(path), stamp)
    allowed = REQUIRED_KEYS + OPTIONAL_KEYS
    unknown = [str(key) for key in overrides if key not in allowed]
    if unknown:
        raise ValueError(
            f"metainfo has, beside from_file={str(metainfo['from_file'])!r}, the unknown keys {', '.join(unknown)}; "
            f"allowed are {', '.join(allowed)}, each replacing that of the file"
        )
    info = {**_dataset_info_of_file(str(path), stamp), **overrides}
    return KeypointSet.from_dataset_info(info, f"{path} with {', '.join(overrides)} of the config")


def union_named(
    named: Sequence[Union[str, PathLike, Mapping[str, Any], KeypointSet]],
    dataset_name: Optional[str] = None,
    aliases: Union[PathLike, Sequence[PathLike], None] = None,
) -> KeypointUnion:
    """The union of the keypoint sets that somebody names, see :func:`named_keypoint_set` and :func:`union`.

    Args:
        named: At least one.
        dataset_name: Name of the union; by default those of the sets, joined by ``_``.
        aliases: File, or files, that extend the shipped aliases.

    Raises:
        TypeError: if ``named`` is no list.
        ValueError, FileNotFoundError: what the two functions raise.
    """
    if isinstance(named, (str, bytes, Mapping)) or not isinstance(named, Sequence):
        raise TypeError(f"union is {named!r}; give a list of data sets, such as ['coco', 'aic']")
    files = [] if aliases is None else [aliases] if isinstance(aliases, (str, os.PathLike)) else list(aliases)
    return union(
        [named_keypoint_set(one) for one in named],
        name=dataset_name,
        aliases=AliasTable.extended_by(*files) if files else None,
    )


def find_metainfo_file(path: PathLike, base_dir: Optional[PathLike] = None) -> Path:
    """Where a metainfo file lies.

    Args:
        path: An absolute path is taken as it is. A relative one is looked for in ``base_dir``, then in the working
            directory, then among the shipped configs, where a leading ``configs/`` may be left out or not.
        base_dir: Folder of the config that names the file.

    Returns:
        The resolved path of an existing file.

    Raises:
        FileNotFoundError: with every path that was tried.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"from_file must be a path, got {type(path).__name__}: {path!r}")
    wanted = Path(path)
    if wanted.is_absolute():
        candidates = [wanted]
    else:
        inside = Path(*wanted.parts[1:]) if wanted.parts[:1] == ("configs",) else wanted
        candidates = [] if base_dir is None else [Path(base_dir) / wanted]
        candidates += [Path.cwd() / wanted, shipped_configs() / inside]
    for candidate in candidates:
        if candidate.is_file():
            return candidate.resolve()
    tried = "\n".join(f"  - {candidate}" for candidate in candidates)
    raise FileNotFoundError(
        f"The metainfo file {str(path)!r} does not exist. Tried:\n{tried}\n"
        f"Give a path relative to the config, to the working directory or to the shipped configs, or an absolute one."
    )


def shipped_configs() -> Path:
    """Folder of the configs that come with this package.

    ``.mim/configs`` inside an installed package; in a checkout ``configs`` beside it.
    """
    installed = _PACKAGE / ".mim" / "configs"
    return installed if installed.is_dir() else _PACKAGE.parent / "configs"


def resolve_metainfo_paths(config: Any, base_dir: PathLike) -> None:
    """Make every path to a metainfo or alias file that exists relative to ``base_dir`` absolute, in place.

    A data set does not know in which folder the config lies that it is built from; whoever loads the config does.
    These are ``from_file``, and in ``union``, ``source``, ``target`` and ``aliases`` the strings that end in ``.py`` or
    ``.json``. Paths that do not exist there are left as they are, to be found from the working directory or the shipped
    configs.

    Args:
        config: An MMEngine ``Config``, or dicts and lists.
        base_dir: Folder of the config file.
    """
    folder = Path(base_dir).resolve()
    if isinstance(config, (Mapping, Config)):
        for key, value in list(config.items()):
            if key == "from_file" or key in _KEYS_OF_FILES:
                config[key] = _resolved(value, folder, only_files=key != "from_file")
            resolve_metainfo_paths(config[key], folder)
    elif isinstance(config, (list, tuple)):
        for value in config:
            resolve_metainfo_paths(value, folder)


def _resolved(value: Any, folder: Path, *, only_files: bool) -> Any:
    """A path, or the paths of a list, made absolute where they exist in a folder; anything else as it is."""
    if isinstance(value, (list, tuple)):
        return type(value)(_resolved(each, folder, only_files=only_files) for each in value)
    is_path = isinstance(value, str) and (not only_files or value.endswith((".py", ".json")))
    return str((folder / value).resolve()) if is_path and (folder / value).is_file() else value


def _file_named(named: PathLike) -> str:
    """The metainfo file that the name of a data set, or a path, means."""
    if not isinstance(named, str) or named.endswith(".py"):
        return str(find_metainfo_file(named))
    folder = shipped_configs() / "_base_" / "datasets"
    names = sorted(file.stem for file in folder.glob("*.py"))
    if named not in names:
        raise FileNotFoundError(
            f"There is no metainfo of a data set {named!r}. Shipped are {', '.join(names)}. Name one of them, or a "
            f"metainfo file that ends in .py."
        )
    return str(folder / f"{named}.py")


def _union(metainfo: Mapping[str, Any]) -> KeypointSet:
    """The keypoint set of ``dict(union=[...])``, in which keys of ``dataset_info`` replace what the union has."""
    allowed = ("union", "aliases") + REQUIRED_KEYS + OPTIONAL_KEYS
    unknown = [str(key) for key in metainfo if key not in allowed]
    if unknown:
        raise ValueError(
            f"metainfo has, beside union={metainfo['union']!r}, the unknown keys {', '.join(unknown)}; allowed are "
            f"{', '.join(allowed[1:])}"
        )
    joined = union_named(metainfo["union"], metainfo.get("dataset_name"), metainfo.get("aliases")).keypoints
    overrides = {key: value for key, value in metainfo.items() if key not in ("union", "aliases", "dataset_name")}
    if not overrides:
        return joined
    info = {**joined.dataset_info(), **overrides}
    return KeypointSet.from_dataset_info(info, f"{joined.origin} with {', '.join(overrides)} of the config")


def _is_parsed(metainfo: Mapping[str, Any]) -> bool:
    return "keypoint_id2name" in metainfo and "keypoint_info" not in metainfo


def _dataset_info_of_parsed(parsed: Mapping[str, Any]) -> dict[str, Any]:
    missing = sorted(_PARSED_KEYS - {"stats_info"} - set(parsed))
    if missing:
        raise ValueError(f"the parsed metainfo lacks {', '.join(missing)}; pass the whole dict that was parsed")
    names, flip = parsed["keypoint_id2name"], parsed["flip_indices"]
    upper, lower = set(parsed["upper_body_ids"]), set(parsed["lower_body_ids"])
    colors, link_colors = parsed["keypoint_colors"].tolist(), parsed["skeleton_link_colors"].tolist()
    info = {
        "dataset_name": parsed["dataset_name"],
        "keypoint_info": {
            i: {
                "name": names[i],
                "id": i,
                "color": colors[i],
                "type": "upper" if i in upper else "lower" if i in lower else "",
                "swap": names[flip[i]],
            }
            for i in range(parsed["num_keypoints"])
        },
        "skeleton_info": {
            i: {"link": (names[start], names[end]), "id": i, "color": link_colors[i]}
            for i, (start, end) in enumerate(parsed["skeleton_links"])
        },
        "joint_weights": parsed["dataset_keypoint_weights"],
        "sigmas": parsed["sigmas"],
    }
    if "stats_info" in parsed:
        info["stats_info"] = parsed["stats_info"]
    return info


@lru_cache(maxsize=256)
def _keypoint_set_of_file(path: str, stamp: int) -> KeypointSet:
    return KeypointSet.from_dataset_info(_dataset_info_of_file(path, stamp), path)


@lru_cache(maxsize=256)
def _dataset_info_of_file(path: str, stamp: int) -> dict[str, Any]:
    """The ``dataset_info`` of a file; ``stamp``, its time of change, is there to forget an older version."""
    config = Config.fromfile(path)
    if not isinstance(config.get("dataset_info"), Mapping):
        raise ValueError(
            f"{path} is no metainfo file: it defines no dict `dataset_info` "
            f"(it defines {', '.join(map(str, config.keys())) or 'nothing'}). Point from_file at a metainfo file."
        )
    return config.to_dict()["dataset_info"]
