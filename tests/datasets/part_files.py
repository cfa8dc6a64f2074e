"""Small annotation files of whole bodies, faces and hands, in the formats that these data sets are distributed in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

IMAGES = [
    {"id": 40, "file_name": "real_human/dance/40.jpg", "width": 120, "height": 100},
    {"id": 21, "file_name": "2D_virtual_human/mural/21.jpg", "width": 90, "height": 110},
    {"id": 35, "file_name": "real_human/movie/35.jpg", "width": 224, "height": 224},
]
WHOLE_BODY = {"keypoints": 17, "foot_kpts": 6, "face_kpts": 68, "lefthand_kpts": 21, "righthand_kpts": 21}


def points(count: int, seed: int, flags: tuple[float, ...] = (2, 0, 1)) -> list[float]:
    """``count`` times x, y in 0.25 to 96.25 and a flag; the place of a point of flag 0 is (0, 0)."""
    numbers: list[float] = []
    for i in range(count):
        flag = flags[(i + seed) % len(flags)]
        place = ((37 * i + 11 * seed) % 97 + 0.25, (53 * i + 29 * seed) % 89 + 0.25)
        numbers += [*(place if flag else (0.0, 0.0)), flag]
    return numbers


def person(number: int, image_id: int, **fields: Any) -> dict[str, Any]:
    """An annotation; its box begins outside of the image where ``number`` is odd."""
    left = -4.5 if number % 2 else 6.25
    return {
        "id": 100 + number, "image_id": image_id, "category_id": 1, "bbox": [left, 3.0, 70.5, 120.25], "iscrowd": 0,
        "area": 900.5 + number, "segmentation": [[1, 2, 3, 4, 5, 6]], **fields,
    }  # fmt: skip


def write(path: Path, annotations: list[dict[str, Any]], images: list[dict[str, Any]] = IMAGES) -> Path:
    """The file at ``path``, in COCO's outer form."""
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": [{"id": 1}]}))
    return path


def write_whole_bodies(path: Path) -> Path:
    """Five persons as in COCO-WholeBody: one without hands, one without a face, one a crowd, one without a body."""
    annotations = []
    for number, image_id in enumerate((21, 40, 21, 40, 35)):
        fields: dict[str, Any] = {
            name: points(count, number + place) for place, (name, count) in enumerate(WHOLE_BODY.items())
        }
        for place, side in enumerate(("face", "lefthand", "righthand")):
            fields[f"{side}_box"] = [-2.5 + 10 * place, 3.5 + number, 30.25, 40.5]
            fields[f"{side}_valid"] = True
        fields.update(num_keypoints=12, foot_valid=True, iscrowd=int(number == 3))
        annotations.append(person(number, image_id, **fields))
    annotations[0].update(lefthand_valid=False, righthand_kpts=[0.0] * 63)
    annotations[1].update(face_valid=False, face_kpts=[0.0] * 204)
    annotations[4].update(num_keypoints=0)
    return write(path, annotations)


def write_plain(path: Path, num_keypoints: int, **fields: Any) -> Path:
    """Three instances of ``num_keypoints``, one of them in a box that is empty once it is clipped."""
    annotations = [
        person(number, image_id, keypoints=points(num_keypoints, number), num_keypoints=num_keypoints, **fields)
        for number, image_id in enumerate((35, 40, 21))
    ]
    annotations[2]["bbox"] = [95.0, 0.0, 10.0, 10.0]
    return write(path, annotations)


def write_centered(path: Path, num_keypoints: int) -> Path:
    """Three faces with a centre and a scale, as in 300-W and WFLW."""
    annotations = [
        person(
            number, image_id, keypoints=points(num_keypoints, number, (1,)), num_keypoints=num_keypoints,
            center=[30.5 + number, 42.25], scale=0.3 + 0.15 * number,
        )
        for number, image_id in enumerate((35, 40, 21))
    ]  # fmt: skip
    return write(path, annotations)


def write_human_art(path: Path) -> Path:
    """Three persons with 17 and with 21 keypoints."""
    annotations = [
        person(number, image_id, keypoints=points(17, 9), keypoints_21=points(21, number), num_keypoints=11)
        for number, image_id in enumerate((35, 40, 21))
    ]
    return write(path, annotations)


def write_interhand(folder: Path) -> dict[str, str]:
    """The files of InterHand2.6M with three images, as arguments of the data set."""
    shots = [{"capture": 3, "camera": "400026", "frame_idx": 7}, {"capture": 3, "camera": "c1", "frame_idx": 9}]
    shots.append({"capture": 5, "camera": "c1", "frame_idx": 7})
    images = [{**image, **shot} for image, shot in zip(IMAGES, shots)]
    kinds = ("interacting", "left", "right")
    valid = [[1] * 42, [0] * 21 + [1] * 21, [1] * 20 + [0] * 22]
    annotations = [
        {
            "id": 900 + place, "image_id": image["id"], "bbox": [-3.5, 2.25, 60.5, 70.0], "hand_type": kind,
            "hand_type_valid": 1, "joint_valid": [[flag] for flag in flags],
        }
        for place, (image, kind, flags) in enumerate(zip(images, kinds, valid))
    ]  # fmt: skip
    turned = [[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    lens = {"focal": [1200.5, 1190.25], "princpt": [60.5, 50.25]}
    cameras = {
        capture: {
            "campos": {"400026": [1.5, -2.0, 10.0], "c1": [-3.0, 4.0, -20.0]},
            "camrot": {"400026": [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], "c1": turned},
            **{key: {"400026": value, "c1": value} for key, value in lens.items()},
        }
        for capture in ("3", "5")
    }
    frames = {
        str(frame): {"world_coord": [[(7 * i + frame) % 41 - 9.5, (11 * i) % 37 - 4.25, 1000.0 + i] for i in range(42)]}
        for frame in (7, 9)
    }
    (folder / "data.json").write_text(json.dumps({"images": images, "annotations": annotations}))
    (folder / "camera.json").write_text(json.dumps(cameras))
    (folder / "joint_3d.json").write_text(json.dumps({"3": frames, "5": frames}))
    boxes = [{"annot_id": 900 + place, "bbox": [5.0, 6.0, 20.0 + place, 30.0]} for place in range(3)]
    (folder / "boxes.json").write_text(json.dumps(boxes))
    return {"ann_file": "data.json", "camera_param_file": "camera.json", "joint_file": "joint_3d.json"}
