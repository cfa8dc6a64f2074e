# Codec and pipelines of hands, and their evaluation on the test parts of three data sets: val_hands, hand_metrics.
codec = dict(type='MSRAHeatmap', input_size=(256, 256), heatmap_size=(64, 64), sigma=2)

train_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomBBoxTransform', scale_factor=[0.5, 1.5], rotate_factor=180),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs'),
]
val_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='PackPoseInputs'),
]

val_hands = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        type='CombinedDataset',
        metainfo=dict(from_file='configs/_base_/datasets/coco_wholebody_hand.py'),
        datasets=[
            dict(
                type='CocoWholeBodyHandDataset',
                data_root='data/coco/',
                data_mode='topdown',
                ann_file='annotations/coco_wholebody_val_v1.0.json',
                data_prefix=dict(img='val2017/'),
                test_mode=True,
                pipeline=[]),
            dict(
                type='OneHand10KDataset',
                data_root='data/onehand10k/',
                data_mode='topdown',
                ann_file='annotations/onehand10k_test.json',
                data_prefix=dict(img=''),
                test_mode=True,
                pipeline=[dict(type='KeypointConverter', mapping='auto')]),
            dict(
                type='Rhd2DDataset',
                data_root='data/rhd/',
                data_mode='topdown',
                ann_file='annotations/rhd_test.json',
                data_prefix=dict(img=''),
                test_mode=True,
                pipeline=[dict(type='KeypointConverter', mapping='auto')]),
        ],
        test_mode=True,
        pipeline=val_pipeline))
hand_metrics = [dict(type='PCKAccuracy', thr=0.2), dict(type='AUC'), dict(type='EPE')]
