# The union of coco and aic, as `mmpose-mix union coco aic` writes it.
# 17 keypoints of coco: nose to right_ankle.
# 2 keypoints of aic: head_top, neck.
dataset_info = dict(
    dataset_name="coco_aic",
    paper_info=[
        dict(
            author=(
                "Lin, Tsung-Yi and Maire, Michael and Belongie, Serge and Hays, James and Perona, Pietro and "
                "Ramanan, Deva and Dollar, Piotr and Zitnick, C. Lawrence"
            ),
            title="Microsoft COCO: Common Objects in Context",
            container="European Conference on Computer Vision",
            year="2014",
            homepage="https://cocodataset.org",
        ),
        dict(
            author="Wu, Jiahong and Zheng, He and Zhao, Bo and others",
            title="AI Challenger: A Large-scale Dataset for Going Deeper in Image Understanding",
            container="arXiv",
            year="2017",
            homepage="https://github.com/AIChallenger/AI_Challenger_2017",
        ),
    ],
    keypoint_info={
        0: dict(name="nose", id=0, color=[51, 153, 255], type="upper", swap=""),
        1: dict(name="left_eye", id=1, color=[51, 153, 255], type="upper", swap="right_eye"),
        2: dict(name="right_eye", id=2, color=[51, 153, 255], type="upper", swap="left_eye"),
        3: dict(name="left_ear", id=3, color=[51, 153, 255], type="upper", swap="right_ear"),
        4: dict(name="right_ear", id=4, color=[51, 153, 255], type="upper", swap="left_ear"),
        5: dict(name="left_shoulder", id=5, color=[0, 255, 0], type="upper", swap="right_shoulder"),
        6: dict(name="right_shoulder", id=6, color=[255, 128, 0], type="upper", swap="left_shoulder"),
        7: dict(name="left_elbow", id=7, color=[0, 255, 0], type="upper", swap="right_elbow"),
        8: dict(name="right_elbow", id=8, color=[255, 128, 0], type="upper", swap="left_elbow"),
        9: dict(name="left_wrist", id=9, color=[0, 255, 0], type="upper", swap="right_wrist"),
        10: dict(name="right_wrist", id=10, color=[255, 128, 0], type="upper", swap="left_wrist"),
        11: dict(name="left_hip", id=11, color=[0, 255, 0], type="lower", swap="right_hip"),
        12: dict(name="right_hip", id=12, color=[255, 128, 0], type="lower", swap="left_hip"),
        13: dict(name="left_knee", id=13, color=[0, 255, 0], type="lower", swap="right_knee"),
        14: dict(name="right_knee", id=14, color=[255, 128, 0], type="lower", swap="left_knee"),
        15: dict(name="left_ankle", id=15, color=[0, 255, 0], type="lower", swap="right_ankle"),
        16: dict(name="right_ankle", id=16, color=[255, 128, 0], type="lower", swap="left_ankle"),
        17: dict(name="head_top", id=17, color=[51, 153, 255], type="upper", swap=""),
        18: dict(name="neck", id=18, color=[51, 153, 255], type="upper", swap=""),
    },
    skeleton_info={
        0: dict(link=("left_ankle", "left_knee"), id=0, color=[0, 255, 0]),
        1: dict(link=("left_knee", "left_hip"), id=1, color=[0, 255, 0]),
        2: dict(link=("right_ankle", "right_knee"), id=2, color=[255, 128, 0]),
        3: dict(link=("right_knee", "right_hip"), id=3, color=[255, 128, 0]),
        4: dict(link=("left_hip", "right_hip"), id=4, color=[51, 153, 255]),
        5: dict(link=("left_shoulder", "left_hip"), id=5, color=[51, 153, 255]),
        6: dict(link=("right_shoulder", "right_hip"), id=6, color=[51, 153, 255]),
        7: dict(link=("left_shoulder", "right_shoulder"), id=7, color=[51, 153, 255]),
        8: dict(link=("left_shoulder", "left_elbow"), id=8, color=[0, 255, 0]),
        9: dict(link=("right_shoulder", "right_elbow"), id=9, color=[255, 128, 0]),
        10: dict(link=("left_elbow", "left_wrist"), id=10, color=[0, 255, 0]),
        11: dict(link=("right_elbow", "right_wrist"), id=11, color=[255, 128, 0]),
        12: dict(link=("left_eye", "right_eye"), id=12, color=[51, 153, 255]),
        13: dict(link=("nose", "left_eye"), id=13, color=[51, 153, 255]),
        14: dict(link=("nose", "right_eye"), id=14, color=[51, 153, 255]),
        15: dict(link=("left_eye", "left_ear"), id=15, color=[51, 153, 255]),
        16: dict(link=("right_eye", "right_ear"), id=16, color=[51, 153, 255]),
        17: dict(link=("left_ear", "left_shoulder"), id=17, color=[51, 153, 255]),
        18: dict(link=("right_ear", "right_shoulder"), id=18, color=[51, 153, 255]),
        19: dict(link=("head_top", "neck"), id=19, color=[51, 153, 255]),
    },
    # Of the first set that has the keypoint.
    joint_weights=[
        1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0,
        1.2, 1.2, 1.5, 1.5, 1.0, 1.0, 1.2,
        1.2, 1.5, 1.5, 1.0, 1.0,
    ],
    # nose to right_ankle: coco; head_top, neck: that of nose. In aic: left_shoulder 0.01418, right_shoulder 0.01388,
    # left_elbow 0.01498, right_elbow 0.01515, left_wrist 0.01402, right_wrist 0.01058, left_hip 0.03844, right_hip
    # 0.0391, left_knee 0.03412, right_knee 0.03687, left_ankle 0.02415, right_ankle 0.01982, head_top 0.01291, neck
    # 0.01236.
    sigmas=[
        0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079,
        0.072, 0.072, 0.062, 0.062, 0.107, 0.107, 0.087,
        0.087, 0.089, 0.089, 0.026, 0.026,
    ],
)
