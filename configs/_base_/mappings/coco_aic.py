# (source, target) pairs between COCO's 17 keypoints, AI Challenger's 14 and their union, `_base_/datasets/coco_aic.py`.
# An experiment names this file in its `_base_` and writes, for instance, mapping={{_base_.aic_to_coco}}.

# merge: the 12 body keypoints that both label
aic_to_coco = [
    (0, 6),  # right_shoulder
    (1, 8),  # right_elbow
    (2, 10),  # right_wrist
    (3, 5),  # left_shoulder
    (4, 7),  # left_elbow
    (5, 9),  # left_wrist
    (6, 12),  # right_hip
    (7, 14),  # right_knee
    (8, 16),  # right_ankle
    (9, 11),  # left_hip
    (10, 13),  # left_knee
    (11, 15),  # left_ankle
]

# combine: everything that either labels
coco_to_coco_aic = [(i, i) for i in range(17)]
aic_to_coco_aic = [
    *aic_to_coco,
    (12, 17),  # head_top
    (13, 18),  # neck
]
