"""Names of mmdet in MMPose's configs: ours where mmdet is absent, mmdet's where it is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.in_mmpose_runs import output_of

FAKE_REGISTRY = """
from mmengine.registry import TRANSFORMS as ROOT, Registry
TRANSFORMS = Registry('transform', parent=ROOT, scope='mmdet')
@TRANSFORMS.register_module()
class YOLOXHSVRandomAug:
    pass
"""
NAMES = [
    ("TRANSFORMS", "mmdet.YOLOXHSVRandomAug"),
    ("HOOKS", "mmdet.PipelineSwitchHook"),
    ("MODELS", "mmdet.CSPNeXt"),
]


def test_without_mmdet_its_names_are_ours_in_every_scope() -> None:
    code = "import importlib.util as u\nfound = u.find_spec\n"
    code += "u.find_spec = lambda name, *rest: None if name == 'mmdet' else found(name, *rest)\n"
    code += "import mmengine.registry as root, mmpose_mix\nfrom mmengine.registry import DefaultScope\n"
    for scope in ("mmpose_mix", "mmdet", "mmengine"):
        code += f"with DefaultScope.overwrite_default_scope({scope!r}):\n"
        for registry, name in NAMES:
            code += f"    with root.{registry}.switch_scope_and_registry(None) as scoped:\n"
            code += f"        assert scoped.get({name!r}).__module__.startswith('mmpose_mix.'), {name!r}\n"
    code += "assert root.TRANSFORMS.get('mmdet.RandomFlip') is None\n"
    code += "assert root.TRANSFORMS.get('mmdet.LoadImage') is None\n"
    output_of(code)


def test_a_part_of_the_scope_of_mmdet_builds_with_what_mmengine_has_inside() -> None:
    output_of(
        """
        import mmpose_mix, torch
        from mmengine.registry import DefaultScope, MODELS
        with DefaultScope.overwrite_default_scope('mmpose_mix'):
            built = MODELS.build(dict(
                _scope_='mmdet', type='CSPNeXt', arch='P5', expand_ratio=0.5, deepen_factor=0.167, widen_factor=0.125,
                out_indices=(4,), norm_cfg=dict(type='BN'), act_cfg=dict(type='SiLU')))
        assert type(built).__module__.startswith('mmpose_mix.')
        assert built(torch.rand(1, 3, 64, 64))[0].shape[2:] == (2, 2)
        """
    )


@pytest.mark.parametrize("order", ["mmdet.registry, mmpose_mix", "mmpose_mix, mmdet.registry"])
def test_a_real_mmdet_is_never_in_the_way(order: str, tmp_path: Path) -> None:
    (tmp_path / "mmdet").mkdir()
    (tmp_path / "mmdet" / "__init__.py").touch()
    (tmp_path / "mmdet" / "registry.py").write_text(FAKE_REGISTRY)
    output_of(
        f"""
        import {order}
        from mmengine.registry import HOOKS, TRANSFORMS
        assert TRANSFORMS.get('mmdet.YOLOXHSVRandomAug').__module__ == 'mmdet.registry'
        assert 'mmdet' not in HOOKS.children
        """,
        tmp_path,
    )
