# The fourteen data sets of RTMW to COCO-WholeBody's 133 keypoints: mixtures of whole bodies, bodies, faces and hands.
_base_ = ['./body.py', './face.py']

wholebody = dict(from_file='configs/_base_/datasets/coco_wholebody.py')

# UBody has a file for each scene; of its videos every tenth frame is taken
ubody_scenes = [
    'Magic_show', 'Entertainment', 'ConductMusic', 'Online_class', 'TalkShow', 'Speech', 'Fitness', 'Interview',
    'Olympic', 'TVShow', 'Singing', 'SignLanguage', 'Movie', 'LiveVlog', 'VideoConference'
]
ubody = dict(
    type='CombinedDataset',
    metainfo=dict(from_file='configs/_base_/datasets/ubody2d.py'),
    datasets=[
        dict(
            type='UBody2dDataset',
            data_root='data/UBody/',
            data_mode='topdown',
            ann_file=f'annotations/{scene}/train_annotations.json',
            data_prefix=dict(img='images/'),
            sample_interval=10,
            pipeline=[]) for scene in ubody_scenes
    ])

# two hands; both paddings and the scale together show them within 2.3 to 3.1 times their box
interhand = dict(
    type='InterHand2DDoubleDataset',
    data_root='data/interhand2.6m/',
    data_mode='topdown',
    ann_file='annotations/all/InterHand2.6M_train_data.json',
    camera_param_file='annotations/all/InterHand2.6M_train_camera.json',
    joint_file='annotations/all/InterHand2.6M_train_joint_3d.json',
    data_prefix=dict(img='images/train/'),
    sample_interval=10,
    pipeline=[
        dict(type='KeypointConverter', mapping='auto'),
        dict(type='LoadImage'),
        dict(type='GetBBoxCenterScale'),
        dict(type='RandomBBoxTransform', shift_factor=0., scale_factor=[1.5, 2.0], rotate_factor=0),
    ])

cocktail14 = [
    dict(
        type='CombinedDataset',
        metainfo=wholebody,
        datasets=[{{_base_.bodies.coco_wholebody}}, {{_base_.bodies.halpe}}, ubody]),
    dict(type='CombinedDataset', metainfo=wholebody, datasets={{_base_.bodies_133}}),
    dict(type='CombinedDataset', metainfo=wholebody, datasets={{_base_.faces_133}}),
    dict(type='CombinedDataset', metainfo=wholebody, datasets=[interhand]),
]
