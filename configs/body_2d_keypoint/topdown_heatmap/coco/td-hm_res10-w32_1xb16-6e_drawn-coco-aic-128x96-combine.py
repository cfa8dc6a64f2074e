# The demo's experiment: the union of COCO's and AI Challenger's keypoints, learnt from drawings on a CPU in minutes.
# `mmpose-mix demo` draws the data and puts its folder in the place of data_root. To train it by hand, draw them first:
#   python -c "from mmpose_mix.toy import draw_mixture as draw; draw('data/drawn', dict(
#       coco_train=1100, coco_val=120, aic_train=1100, aic_val=120))"
_base_ = ['../../../_base_/default_runtime.py', '../../../_base_/mappings/coco_aic.py']

# the union of both keypoint sets: COCO's 17, then AIC's head_top and neck
combined_metainfo = dict(from_file='configs/_base_/datasets/coco_aic.py')

# runtime
train_cfg = dict(max_epochs=6, val_interval=1)
default_hooks = dict(logger=dict(interval=10), checkpoint=dict(interval=6))

# optimizer
optim_wrapper = dict(optimizer=dict(type='Adam', lr=6e-3))

# learning rate
param_scheduler = [
    # warm-up
    dict(type='LinearLR', begin=0, end=150, start_factor=0.04, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=0, end=6, T_max=6, eta_min=3e-5, by_epoch=True, convert_to_iter_based=True),
]

# codec
codec = dict(type='UDPHeatmap', input_size=(96, 128), heatmap_size=(24, 32), sigma=1.1, blur_kernel_size=3)

# model: three stages of half width with one block each; they end at stride 8, so that one deconvolution reaches stride 4
model = dict(
    type='TopdownPoseEstimator',
    channels_last=True,  # a sixth faster on a CPU, the same numbers
    data_preprocessor=dict(
        type='PoseDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True),
    metainfo=combined_metainfo,
    backbone=dict(
        type='ResNet',
        depth=10,
        stem_channels=32,
        base_channels=32,
        num_stages=3,
        strides=(1, 2, 1),
        dilations=(1, 1, 1),
        out_indices=(2, ),
        zero_init_residual=False),
    head=dict(
        type='HeatmapHead',
        in_channels=128,
        out_channels=19,
        deconv_out_channels=(64, ),
        deconv_kernel_sizes=(4, ),
        loss=dict(type='KeypointMSELoss', use_target_weight=True),
        decoder=codec),
    # evaluated on the COCO-style drawings: COCO's 17 keypoints of the 19
    test_cfg=dict(
        flip_test=True, flip_mode='heatmap', shift_heatmap=False, output_keypoint_indices=list(range(17))))

# pipelines; drawings are plenty, so nothing but the flip varies them
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale', padding=1.1),
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='TopdownAffine', input_size=codec['input_size'], use_udp=True),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs'),
]
val_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale', padding=1.1),
    dict(type='TopdownAffine', input_size=codec['input_size'], use_udp=True),
    dict(type='PackPoseInputs'),
]

# sources
data_root = 'data/drawn/'

dataset_coco = dict(
    type='CocoDataset',
    data_root=data_root + 'coco/',
    data_mode='topdown',
    ann_file='annotations/person_keypoints_train.json',
    data_prefix=dict(img='train/'),
    pipeline=[dict(type='KeypointConverter', num_keypoints=19, mapping={{_base_.coco_to_coco_aic}})])

dataset_aic = dict(
    type='AicDataset',
    data_root=data_root + 'aic/',
    data_mode='topdown',
    ann_file='annotations/aic_train.json',
    data_prefix=dict(img='train/'),
    pipeline=[dict(type='KeypointConverter', num_keypoints=19, mapping={{_base_.aic_to_coco_aic}})])

# data loaders; a sample takes a tenth of the time that the network takes for it: worker processes would cost more than
# they save on two cores
train_dataloader = dict(
    batch_size=16,
    num_workers=0,
    sampler=dict(type='MultiSourceSampler', batch_size=16, source_ratio=[1, 1], shuffle=True),
    dataset=dict(
        type='CombinedDataset',
        metainfo=combined_metainfo,
        datasets=[dataset_coco, dataset_aic],
        pipeline=train_pipeline,
        test_mode=False))
val_dataloader = dict(
    batch_size=32,
    num_workers=0,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        type='CocoDataset',
        data_root=data_root + 'coco/',
        data_mode='topdown',
        ann_file='annotations/person_keypoints_val.json',
        data_prefix=dict(img='val/'),
        test_mode=True,
        pipeline=val_pipeline))
test_dataloader = val_dataloader

# evaluators
val_evaluator = dict(type='CocoMetric')
test_evaluator = val_evaluator
