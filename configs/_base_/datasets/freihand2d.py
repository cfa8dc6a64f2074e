# The 21 keypoints of one hand, FreiHAND. Fingers run from the palm to the tip; right hands, so nothing swaps.
_base_ = ["onehand10k.py"]
dataset_info = dict(
    dataset_name="freihand",
    paper_info=dict(
        author=(
            "Zimmermann, Christian and Ceylan, Duygu and Yang, Jimei and Russell, Bryan and Argus, Max "
            "and Brox, Thomas"
        ),
        title="Freihand: A dataset for markerless capture of hand pose and shape from single rgb images",
        container="Proceedings of the IEEE International Conference on Computer Vision",
        year="2019",
        homepage="https://lmb.informatik.uni-freiburg.de/projects/freihand/",
    ),
)
