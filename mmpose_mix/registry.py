"""Child registries of MMEngine's roots, all in the scope ``mmpose_mix``.

Every class of this package lives here, so ``mmpose_mix.NAME`` resolves from any scope and
``default_scope='mmpose_mix'`` resolves bare names. MMEngine falls back to a root registry, with a warning, where a
scope has no child of that name; so there is a child for each root that a runner asks for.
"""

from __future__ import annotations

from mmengine import registry as root
from mmengine.registry import Registry

SCOPE = "mmpose_mix"


def _child(parent: Registry, *locations: str) -> Registry:
    return Registry(parent.name, parent=parent, scope=SCOPE, locations=[f"{SCOPE}.{room}" for room in locations])


DATASETS = _child(root.DATASETS, "datasets")
DATA_SAMPLERS = _child(root.DATA_SAMPLERS, "datasets")
TRANSFORMS = _child(root.TRANSFORMS, "transforms")
MODELS = _child(root.MODELS, "models")
METRICS = _child(root.METRICS, "evaluation")
EVALUATORS = _child(root.EVALUATOR, "evaluation")
HOOKS = _child(root.HOOKS, "engine", "visualization")
LOOPS = _child(root.LOOPS, "engine")
VISUALIZERS = _child(root.VISUALIZERS, "visualization")
VISBACKENDS = _child(root.VISBACKENDS, "visualization")

RUNNERS = _child(root.RUNNERS)
RUNNER_CONSTRUCTORS = _child(root.RUNNER_CONSTRUCTORS)
STRATEGIES = _child(root.STRATEGIES)
MODEL_WRAPPERS = _child(root.MODEL_WRAPPERS)
WEIGHT_INITIALIZERS = _child(root.WEIGHT_INITIALIZERS)
OPTIMIZERS = _child(root.OPTIMIZERS)
OPTIM_WRAPPERS = _child(root.OPTIM_WRAPPERS, "engine")
OPTIM_WRAPPER_CONSTRUCTORS = _child(root.OPTIM_WRAPPER_CONSTRUCTORS)
PARAM_SCHEDULERS = _child(root.PARAM_SCHEDULERS)
TASK_UTILS = _child(root.TASK_UTILS)
LOG_PROCESSORS = _child(root.LOG_PROCESSORS)
INFERENCERS = _child(root.INFERENCERS)
FUNCTIONS = _child(root.FUNCTIONS, "engine")

# MMEngine has no root for codecs; MMPose's configs name theirs in dicts as well.
KEYPOINT_CODECS = Registry("keypoint codec", scope=SCOPE, locations=[f"{SCOPE}.codecs"])
