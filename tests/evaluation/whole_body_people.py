"""Made-up whole bodies, in COCO-WholeBody's format, and predictions of them: from numpy alone."""

from __future__ import annotations

import numpy as np

FIELDS = {"keypoints": 17, "foot_kpts": 6, "face_kpts": 68, "lefthand_kpts": 21, "righthand_kpts": 21}
FLAGS = ("foot_valid", "face_valid", "lefthand_valid", "righthand_valid")
# of the same order as COCO-WholeBody's: a body's in 0.025..0.11, a face's below 0.02, a hand's below 0.06
SIGMAS = np.concatenate(
    [
        np.linspace(0.025, 0.107, 17),
        np.linspace(0.06, 0.09, 6),
        np.linspace(0.006, 0.02, 68),
        np.linspace(0.018, 0.05, 21),
        np.linspace(0.05, 0.018, 21),
    ]
).astype(np.float32)
META = {
    "dataset_name": "coco_wholebody",
    "num_keypoints": 133,
    "sigmas": SIGMAS,
    "CLASSES": [{"id": 1, "name": "person"}],
}


def whole_bodies(seed: int, images: int = 8, people: int = 24) -> dict:
    """A data set in which persons lack parts, or all of them; crowds; images without persons; sizes on both sides of
    the bounds of the area ranges; flags of parts that contradict their keypoints.
    """
    random = np.random.RandomState(seed)
    annotations = [_person(random, number + 1, int(random.randint(images - 1))) for number in range(people)]
    return {
        "images": [
            {"id": number, "width": 640, "height": 640, "file_name": f"{number}.jpg"} for number in range(images)
        ],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "person"}],
    }


def _person(random: np.random.RandomState, number: int, image_id: int) -> dict:
    size, corner = random.uniform(30, 200, 2), random.uniform(0, 400, 2)
    lists, labelled = {}, random.uniform() > 0.1
    for field, count in FIELDS.items():
        visible = random.randint(0, 3, count) * (labelled and random.uniform() > 0.25)
        places = random.uniform(0, 1, (count, 2)) * size + corner
        points = np.where(visible[:, None] > 0, places, 0)
        lists[field] = np.concatenate([points, visible[:, None]], axis=1).round(2).ravel().tolist()
    return {
        "id": number,
        "image_id": image_id,
        "category_id": 1,
        "bbox": [*corner.tolist(), *size.tolist()],
        "area": float(size.prod() * random.uniform(0.2, 0.9)),
        "iscrowd": int(random.uniform() < 0.1),
        "num_keypoints": int(np.count_nonzero(lists["keypoints"][2::3])),
        **{flag: bool(random.uniform() < 0.5) for flag in FLAGS},
        **lists,
    }


def joined(person: dict) -> np.ndarray:
    """(133, 3) x, y and visibility of all parts."""
    return np.concatenate([person[field] for field in FIELDS]).reshape(-1, 3)


def predictions(content: dict, seed: int, copies: int = 3) -> list[dict]:
    """Data samples that predict each person ``copies`` times, some of them exactly, each part with an error of its own.

    The predicted box is not that of the keypoints. Poses may be sure of nothing in a part, or at all.
    """
    random = np.random.RandomState(seed)
    people = [person for person in content["annotations"] for _ in range(copies)]
    return [_prediction(random, person, number) for number, person in enumerate(people)]


def _prediction(random: np.random.RandomState, person: dict, number: int) -> dict:
    truth, (x, y, w, h) = joined(person), person["bbox"]
    part = np.repeat(np.arange(5), list(FIELDS.values()))
    noise = random.choice([0, 0.003, 0.01, 0.03, 0.1], 5)[part][:, None] * np.sqrt(w * h)
    anywhere = random.uniform(0, 1, (133, 2)) * [w, h] + [x, y]
    places = np.where(truth[:, 2:] > 0, truth[:, :2] + random.standard_normal((133, 2)) * noise, anywhere)
    sure = (random.uniform(size=5) > 0.1)[part] * (random.uniform() > 0.05)
    box = np.array([[x - 5, y - 8, x + 1.5 * w, y + 2 * h]], dtype=np.float32)
    return {
        "id": number,
        "img_id": person["image_id"],
        "category_id": 1,
        "ori_shape": (640, 640),
        "raw_ann_info": person,
        "pred_instances": {
            "keypoints": places[None].astype(np.float32),
            "keypoint_scores": (random.uniform(size=133) * sure)[None].astype(np.float32),
            "bboxes": box,
        },
        "gt_instances": {
            "bboxes": box,
            "bbox_scores": random.uniform(0.2, 1, 1).astype(np.float32),
            "bbox_scales": np.array([[1.25 * w, 1.25 * h]], dtype=np.float32),
        },
    }
