# Multi-Human Parsing (MHP) v2: the 16 body keypoints of MPII.
_base_ = ["mpii.py"]
dataset_info = dict(
    dataset_name="mhp",
    paper_info=dict(
        author="Zhao, Jian and Li, Jianshu and Cheng, Yu and Sim, Terence and Yan, Shuicheng and Feng, Jiashi",
        title=(
            "Understanding humans in crowded scenes: Deep nested adversarial learning and a new benchmark for "
            "multi-human parsing"
        ),
        container="Proceedings of the 26th ACM international conference on Multimedia",
        year="2018",
        homepage="https://lv-mhp.github.io/dataset",
    ),
)
