# RTMPose-m for hands: codec, schedule, and pipelines, of which the last epochs' is weaker. Evaluation as with heatmaps.
_base_ = ['./rtmpose-m.py', '../td_hm/hand_256x256.py']

# runtime
max_epochs = 210
train_cfg = dict(max_epochs=max_epochs)

# learning rate
param_scheduler = [
    dict(type='LinearLR', start_factor=1.0e-5, by_epoch=False, begin=0, end=1000),
    dict(
        type='CosineAnnealingLR',
        eta_min=2e-4,
        begin=105,
        end=max_epochs,
        T_max=max_epochs - 105,
        by_epoch=True,
        convert_to_iter_based=True),
]
auto_scale_lr = dict(base_batch_size=256)

# model
codec = dict(
    _delete_=True, type='SimCCLabel', input_size=(256, 256), sigma=(5.66, 5.66), simcc_split_ratio=2.0, normalize=False)
model = dict(
    head=dict(
        input_size=codec['input_size'],
        in_featuremap_size=tuple(side // 32 for side in codec['input_size']),
        decoder={key: value for key, value in codec.items() if key != '_delete_'}))
encoder = model['head']['decoder']

# pipelines
drop = dict(
    type='CoarseDropout', max_holes=1, max_height=0.4, max_width=0.4, min_holes=1, min_height=0.2, min_width=0.2)
before = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomFlip', direction='horizontal'),
]
train_pipeline = [
    *before,
    dict(type='RandomBBoxTransform', scale_factor=[0.5, 1.5], rotate_factor=180),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='YOLOXHSVRandomAug'),
    dict(
        type='Albumentation',
        transforms=[dict(type='Blur', p=0.1), dict(type='MedianBlur', p=0.1), dict(drop, p=1.0)]),
    dict(type='GenerateTarget', encoder=encoder),
    dict(type='PackPoseInputs'),
]
last_pipeline = [
    *before,
    dict(type='RandomBBoxTransform', shift_factor=0., scale_factor=[0.75, 1.25], rotate_factor=180),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='YOLOXHSVRandomAug'),
    dict(
        type='Albumentation',
        transforms=[dict(type='Blur', p=0.1), dict(type='MedianBlur', p=0.1), dict(drop, p=0.5)]),
    dict(type='GenerateTarget', encoder=encoder),
    dict(type='PackPoseInputs'),
]

# data loaders
train_dataloader = dict(
    batch_size=256, num_workers=10, persistent_workers=True, sampler=dict(type='DefaultSampler', shuffle=True))

# hooks
custom_hooks = [
    dict(type='EMAHook', ema_type='ExpMomentumEMA', momentum=0.0002, update_buffers=True, priority=49),
    dict(type='PipelineSwitchHook', switch_epoch=max_epochs - 10, switch_pipeline=last_pipeline),
]
