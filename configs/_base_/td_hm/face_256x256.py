# Codec and pipelines of faces, and their evaluation on LaPa's test part: val_lapa, nme.
codec = dict(type='MSRAHeatmap', input_size=(256, 256), heatmap_size=(64, 64), sigma=2)

train_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomBBoxTransform', scale_factor=[0.5, 1.5], rotate_factor=80),
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

# LaPa's test part, whose size of a face is the distance between the outer corners of the eyes
val_lapa = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        type='LapaDataset',
        data_root='data/LaPa/',
        data_mode='topdown',
        ann_file='annotations/lapa_test.json',
        data_prefix=dict(img=''),
        test_mode=True,
        pipeline=val_pipeline))
nme = dict(type='NME', norm_mode='keypoint_distance')
