# COCO, three times, and AI Challenger to COCO's 17 keypoints.
_base_ = [
    '../../../_base_/rtmpose/body_256x192.py',
    '../../../_base_/mixtures/body.py',
]

# model
model = dict(
    metainfo=dict(from_file='configs/_base_/datasets/coco.py'),
    head=dict(out_channels=17))

# data loaders
train_dataloader = dict(
    dataset=dict(
        type='CombinedDataset',
        metainfo=dict(from_file='configs/_base_/datasets/coco.py'),
        datasets=[dict(type='RepeatDataset', times=3, dataset={{_base_.bodies.coco}}), {{_base_.bodies.aic}}],
        pipeline={{_base_.train_pipeline}}))
val_dataloader = {{_base_.val_coco}}
test_dataloader = val_dataloader

# evaluators
val_evaluator = {{_base_.ap_of_coco}}
test_evaluator = val_evaluator

# hooks
default_hooks = dict(checkpoint=dict(save_best='coco/AP', rule='greater', max_keep_ckpts=1))
