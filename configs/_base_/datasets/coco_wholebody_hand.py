# The 21 keypoints of one hand, COCO-WholeBody. Fingers run from the palm to the tip; either hand, so nothing swaps.
_base_ = ["onehand10k.py"]
dataset_info = dict(
    dataset_name="coco_wholebody_hand",
    paper_info=dict(
        author=(
            "Jin, Sheng and Xu, Lumin and Xu, Jin and Wang, Can and Liu, Wentao and Qian, Chen and "
            "Ouyang, Wanli and Luo, Ping"
        ),
        title="Whole-Body Human Pose Estimation in the Wild",
        container="Proceedings of the European Conference on Computer Vision (ECCV)",
        year="2020",
        homepage="https://github.com/jin-s13/COCO-WholeBody/",
    ),
    # from evaluation/myeval_wholebody.py of COCO-WholeBody
    sigmas=[
        0.029, 0.022, 0.035, 0.037, 0.047, 0.026, 0.025, 0.024, 0.035, 0.018,
        0.024, 0.022, 0.026, 0.017, 0.021, 0.021, 0.032, 0.02, 0.019, 0.022,
        0.031,
    ],
)
