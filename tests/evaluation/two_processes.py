"""Run by torchrun: a mixture evaluated by a gloo group, its samples dealt to the ranks as a sampler deals them."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import torch.distributed as dist

sys.path.insert(0, str(Path(__file__).parent))

from tiny_people import META, annotation, sample

from mmpose_mix.evaluation import CocoMetric, MultiDatasetEvaluator


def mixture() -> list[dict]:
    """Five samples of two sources whose ids collide."""
    counts = {"coco": 3, "aic": 2}
    return [
        sample(annotation(number, number), offset=2.0 * number, source=source, dataset_name=name)
        for source, name in enumerate(counts)
        for number in range(1, counts[name] + 1)
    ]


def statistics(samples: list[dict], rank: int, world: int) -> dict:
    """Of one metric with all sources, and of a metric for each: the last sample of an uneven deal comes again."""
    padded = samples + samples[: -len(samples) % world]
    metric = CocoMetric(per_source=True)
    metric.dataset_meta = META
    metric.process([], padded[rank::world])
    together = metric.evaluate(len(samples))
    each = MultiDatasetEvaluator(
        [CocoMetric(prefix="a"), CocoMetric(prefix="b")], [{"type": "CocoDataset"}, {"type": "AicDataset"}]
    )
    for one in each.metrics:
        one.dataset_meta = META
    each.process(padded[rank::world])
    return {**together, **each.evaluate(len(samples))}


def main(output: Path) -> None:
    """Write what rank 1 gets: the statistics are computed by rank 0 and sent to all."""
    dist.init_process_group("gloo")
    found = statistics(mixture(), dist.get_rank(), int(os.environ["WORLD_SIZE"]))
    if dist.get_rank() == 1:
        output.write_text(json.dumps(found))
    dist.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
