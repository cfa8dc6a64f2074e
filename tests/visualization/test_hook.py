"""The hook: when it draws, and where the pictures go."""

from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from mmengine.visualization import Visualizer
from tiny_samples import META, sample

from mmpose_mix.registry import HOOKS
from mmpose_mix.visualization import PoseLocalVisualizer, PoseVisualizationHook


@pytest.fixture
def runner(tmp_path):
    evaluator = SimpleNamespace(dataset_meta=META)
    return SimpleNamespace(
        iter=10, work_dir=str(tmp_path), timestamp="now", val_evaluator=evaluator, test_evaluator=evaluator
    )


@pytest.fixture
def predicted(image, tmp_path):
    path = tmp_path / "person.png"
    cv2.imwrite(str(path), image)
    return sample(img_path=str(path))


@pytest.fixture
def visualizer(tmp_path):
    built = PoseLocalVisualizer.get_instance(
        f"visualizer of {tmp_path}", vis_backends=[{"type": "LocalVisBackend"}], save_dir=str(tmp_path)
    )
    assert Visualizer.get_current_instance() is built
    return built


def stored(folder) -> list:
    return sorted(path.name for path in folder.rglob("*_img_*.png"))


def test_it_is_built_without_a_visualizer_and_draws_nothing_unless_enabled(runner):
    hook = HOOKS.build({"type": "PoseVisualizationHook"})
    hook.after_val_iter(runner, 0, outputs=[None])
    hook.after_test_iter(runner, 0, outputs=[None])


def test_validation_draws_the_first_sample_every_interval(runner, predicted, visualizer, tmp_path):
    hook = PoseVisualizationHook(enable=True, interval=4)
    for batch in range(8):
        hook.after_val_iter(runner, batch, outputs=[predicted, None])
    assert stored(tmp_path) == ["val_img_12.png", "val_img_16.png"]


def test_a_test_draws_every_sample(runner, predicted, visualizer, tmp_path):
    hook = PoseVisualizationHook(enable=True)
    hook.after_test_iter(runner, 0, outputs=[predicted, predicted])
    hook.after_test_iter(runner, 1, outputs=[predicted])
    assert stored(tmp_path) == ["test_img_1.png", "test_img_2.png", "test_img_3.png"]


def test_out_dir_takes_the_pictures_of_a_test(runner, predicted, visualizer, tmp_path):
    """MMPose joins out_dir to itself at every iteration, so that each batch lies one folder deeper."""
    hook = PoseVisualizationHook(enable=True, out_dir="pictures")
    for batch in range(2):
        hook.after_test_iter(runner, batch, outputs=[predicted])
    folder = tmp_path / "now" / "pictures"
    assert sorted(path.name for path in folder.iterdir()) == ["person_0.png", "person_1.png"]
    assert stored(tmp_path) == []
    assert (cv2.imread(str(folder / "person_0.png"))[120, 100] == (0, 0, 255)).all()
    assert np.shape(cv2.imread(str(folder / "person_0.png"))) == (480, 640, 3)


def test_a_test_may_draw_every_third_sample(runner, predicted, visualizer, tmp_path):
    hook = PoseVisualizationHook(enable=True, test_interval=3)
    for batch in range(2):
        hook.after_test_iter(runner, batch, outputs=[predicted, predicted])
    assert stored(tmp_path) == ["test_img_1.png", "test_img_4.png"]


def test_images_of_one_name_in_two_folders_do_not_overwrite_each_other(runner, predicted, visualizer, tmp_path, image):
    (tmp_path / "other").mkdir()
    cv2.imwrite(str(tmp_path / "other" / "person.png"), image)
    namesake = sample(img_path=str(tmp_path / "other" / "person.png"))
    PoseVisualizationHook(enable=True, out_dir="pictures").after_test_iter(runner, 0, outputs=[predicted, namesake])
    assert len(list((tmp_path / "now" / "pictures").iterdir())) == 2


def test_out_dir_takes_the_pictures_of_a_validation_as_well(runner, predicted, visualizer, tmp_path):
    hook = PoseVisualizationHook(enable=True, interval=5, out_dir=str(tmp_path / "elsewhere"))
    for batch in range(6):
        hook.after_val_iter(runner, batch, outputs=[predicted])
    assert sorted(path.name for path in (tmp_path / "elsewhere").iterdir()) == ["person_10.png", "person_15.png"]
    assert stored(tmp_path) == []


def test_another_visualizer_is_refused(runner, predicted, tmp_path):
    Visualizer.get_instance(f"plain of {tmp_path}")
    with pytest.raises(ValueError, match=r"is a Visualizer, which cannot draw poses.*PoseLocalVisualizer"):
        PoseVisualizationHook(enable=True).after_val_iter(runner, 40, outputs=[predicted])


def test_an_interval_below_1_is_refused():
    with pytest.raises(ValueError, match="interval=0, allowed: 1 and above"):
        PoseVisualizationHook(interval=0)
    with pytest.raises(ValueError, match="test_interval=0, allowed"):
        PoseVisualizationHook(test_interval=0)
