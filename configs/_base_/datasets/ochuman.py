# OCHuman, people who hide one another: COCO's 17 body keypoints.
_base_ = ["coco.py"]
dataset_info = dict(
    dataset_name="ochuman",
    paper_info=dict(
        author=(
            "Zhang, Song-Hai and Li, Ruilong and Dong, Xin and Rosin, Paul and Cai, Zixi and Han, Xi and Yang, "
            "Dingcheng and Huang, Haozhi and Hu, Shi-Min"
        ),
        title="Pose2seg: Detection free human instance segmentation",
        container="Proceedings of the IEEE conference on computer vision and pattern recognition",
        year="2019",
        homepage="https://github.com/liruilong940607/OCHumanApi",
    ),
)
