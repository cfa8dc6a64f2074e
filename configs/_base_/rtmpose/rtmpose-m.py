# RTMPose-m: optimizer, and model without what depends on the keypoints and the input size: its head's out_channels,
# input_size, in_featuremap_size (the 32nd part of it) and decoder.
_base_ = ['../default_runtime.py']

# runtime
train_cfg = dict(val_interval=10)
randomness = dict(seed=21)

# optimizer
base_lr = 4e-3
optim_wrapper = dict(
    optimizer=dict(type='AdamW', lr=base_lr, weight_decay=0.05),
    paramwise_cfg=dict(norm_decay_mult=0, bias_decay_mult=0, bypass_duplicate=True))

# model
model = dict(
    type='TopdownPoseEstimator',
    data_preprocessor=dict(
        type='PoseDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True),
    backbone=dict(
        type='CSPNeXt',
        deepen_factor=0.67,
        widen_factor=0.75,
        out_indices=(4, ),
        norm_cfg=dict(type='SyncBN'),
        init_cfg=dict(
            type='Pretrained',
            prefix='backbone.',
            checkpoint='https://download.openmmlab.com/mmpose/v1/projects/rtmposev1/'
            'cspnext-m_udp-aic-coco_210e-256x192-f2f7d6f6_20230130.pth')),
    head=dict(
        type='RTMCCHead',
        in_channels=768,
        final_layer_kernel_size=7,
        gau_cfg=dict(hidden_dims=256, s=128, act_fn='SiLU'),
        loss=dict(type='KLDiscretLoss', use_target_weight=True, beta=10., label_softmax=True)),
    test_cfg=dict(flip_test=True))
