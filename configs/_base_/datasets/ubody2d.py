# The 133 whole-body keypoints of UBody, in the order of COCO-WholeBody.
_base_ = ["coco_wholebody.py"]
dataset_info = dict(
    dataset_name="ubody2d",
    paper_info=dict(
        author="Lin, Jing and Zeng, Ailing and Wang, Haoqian and Zhang, Lei and Li, Yu",
        title="One-Stage 3D Whole-Body Mesh Recovery with Component Aware Transformer",
        container="IEEE Computer Society Conference on Computer Vision and Pattern Recognition (CVPR)",
        year="2023",
        homepage="https://github.com/IDEA-Research/OSX",
    ),
)
