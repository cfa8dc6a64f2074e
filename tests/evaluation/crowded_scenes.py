"""Made-up data sets in which the edge cases of a keypoint evaluation come together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Scene:
    """What an engine gets: a complete data set, detections and sigmas."""

    dataset: dict
    detections: list
    sigmas: np.ndarray


def scene(seed: int, num_keypoints: int = 17, images: int = 6, people: int = 24, found: int = 40, categories: int = 1):
    """Crowds, persons without keypoints, images without persons or detections, sizes at the bounds of the area ranges,
    equal scores, several and exact detections of one person, more than 20 in an image, detections of nobody.
    """
    random = np.random.RandomState(seed)
    image_ids = random.permutation(3 * images)[:images].tolist()
    annotations = [
        _person(random, number + 1, int(random.choice(image_ids)), num_keypoints, categories)
        for number in range(people if images else 0)
    ]
    detections = [
        _detection(random, number + 1, annotations, image_ids, num_keypoints, categories)
        for number in range(found if images else 0)
    ]
    dataset = {
        "images": [{"id": image_id} for image_id in image_ids],
        "annotations": annotations,
        "categories": [{"id": number, "name": str(number)} for number in range(1, categories + 1)],
    }
    return Scene(dataset, detections, random.uniform(0.01, 0.2, num_keypoints))


def _person(random, number: int, image_id: int, num_keypoints: int, categories: int) -> dict:
    size, corner = random.uniform(5, 150, 2), random.uniform(0, 300, 2)
    visible = random.randint(0, 3, num_keypoints) * (random.uniform() > 0.15)
    points = random.uniform(0, 1, (num_keypoints, 2)) * size + corner
    bounds = (0.0, 32.0**2, 96.0**2, 1e10)
    return {
        "id": number,
        "image_id": image_id,
        "category_id": int(random.randint(1, categories + 1)),
        "bbox": [*corner.tolist(), *size.tolist()],
        "area": float(random.choice(bounds) if random.uniform() < 0.2 else size.prod() * random.uniform(0.3, 0.9)),
        "iscrowd": int(random.uniform() < 0.1),
        "keypoints": np.concatenate([points, visible[:, None]], axis=1).ravel(),
        "num_keypoints": int(np.count_nonzero(visible)),
    }


def _detection(random, number: int, people: list, image_ids: list, num_keypoints: int, categories: int) -> dict:
    places, image_id = random.uniform(0, 300, (num_keypoints, 2)), int(random.choice(image_ids))
    category = int(random.randint(1, categories + 1))
    if people and random.uniform() < 0.85:
        person = people[random.randint(len(people))]
        noise = random.normal(0, random.choice([0, 0.5, 3, 10, 30]), (num_keypoints, 2))
        places, category = person["keypoints"].reshape(-1, 3)[:, :2] + noise, person["category_id"]
        image_id = person["image_id"] if random.uniform() < 0.95 else image_id
    low, size = places.min(axis=0), np.ptp(places, axis=0)
    return {
        "id": number,
        "image_id": image_id,
        "category_id": category,
        "bbox": [*low.tolist(), *size.tolist()],
        "area": float(size.prod()),
        "iscrowd": 0,
        "keypoints": np.concatenate([places, random.uniform(0, 1, (num_keypoints, 1))], axis=1).ravel(),
        "score": float(random.choice([0.1, 0.5, 0.9]) if random.uniform() < 0.5 else random.uniform()),
    }
