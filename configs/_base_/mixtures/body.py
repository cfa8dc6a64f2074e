# Data sets of bodies, and what body7, body8 and cocktail14 train on of them. Keypoints are converted by name to the
# mixture's.
auto = [dict(type='KeypointConverter', mapping='auto')]

bodies = dict(
    coco=dict(
        type='CocoDataset',
        data_root='data/coco/',
        data_mode='topdown',
        ann_file='annotations/person_keypoints_train2017.json',
        data_prefix=dict(img='train2017/'),
        pipeline=auto),
    # the same persons with feet, face and hands
    coco_wholebody=dict(
        type='CocoWholeBodyDataset',
        data_root='data/coco/',
        data_mode='topdown',
        ann_file='annotations/coco_wholebody_train_v1.0.json',
        data_prefix=dict(img='train2017/'),
        pipeline=auto),
    aic=dict(
        type='AicDataset',
        data_root='data/aic/',
        data_mode='topdown',
        ann_file='annotations/aic_train.json',
        data_prefix=dict(img='ai_challenger_keypoint_train_20170902/keypoint_train_images_20170902/'),
        pipeline=auto),
    crowdpose=dict(
        type='CrowdPoseDataset',
        data_root='data/crowdpose/',
        data_mode='topdown',
        ann_file='annotations/mmpose_crowdpose_trainval.json',
        data_prefix=dict(img='images/'),
        pipeline=auto),
    mpii=dict(
        type='MpiiDataset',
        data_root='data/mpii/',
        data_mode='topdown',
        ann_file='annotations/mpii_train.json',
        data_prefix=dict(img='images/'),
        pipeline=auto),
    jhmdb=dict(
        type='JhmdbDataset',
        data_root='data/jhmdb/',
        data_mode='topdown',
        ann_file='annotations/Sub1_train.json',
        data_prefix=dict(img=''),
        pipeline=auto),
    halpe=dict(
        type='HalpeDataset',
        data_root='data/halpe/',
        data_mode='topdown',
        ann_file='annotations/halpe_train_v1.json',
        data_prefix=dict(img='hico_20160224_det/images/train2015/'),
        pipeline=auto),
    posetrack18=dict(
        type='PoseTrack18Dataset',
        data_root='data/posetrack18/',
        data_mode='topdown',
        ann_file='annotations/posetrack18_train.json',
        data_prefix=dict(img=''),
        pipeline=auto),
    humanart=dict(
        type='HumanArt21Dataset',
        data_root='data/',
        data_mode='topdown',
        ann_file='HumanArt/annotations/training_humanart.json',
        data_prefix=dict(img=''),
        filter_cfg=dict(scenes=['real_human']),
        pipeline=auto))

# to COCO's 17 keypoints
body7_coco = [bodies[name] for name in ('coco', 'aic', 'crowdpose', 'mpii', 'jhmdb', 'halpe', 'posetrack18')]

# to Halpe's first 26: the feet are labelled in COCO-WholeBody; JHMDB's head is not said to be its top, as Halpe's is
body7_halpe26 = [
    bodies['coco_wholebody'],
    bodies['aic'],
    bodies['crowdpose'],
    bodies['mpii'],
    dict(bodies['jhmdb'], pipeline=[dict(type='KeypointConverter', mapping='auto', approximate=['head'])]),
    bodies['halpe'],
    bodies['posetrack18'],
]

# how much of each an epoch holds: all of it in body8, this share in body7
body7_factors = [1, 0.3, 0.5, 0.3, 0.3, 0.4, 0.3]

# to COCO-WholeBody's 133; Human-Art does not say which finger and which toe it labels.
fingers_and_toes = ['left_forefinger4', 'right_forefinger4', 'left_big_toe', 'right_big_toe']
bodies_133 = [
    bodies['aic'],
    bodies['crowdpose'],
    bodies['mpii'],
    bodies['jhmdb'],
    bodies['posetrack18'],
    dict(bodies['humanart'], pipeline=[dict(type='KeypointConverter', mapping='auto', approximate=fingers_and_toes)]),
]
