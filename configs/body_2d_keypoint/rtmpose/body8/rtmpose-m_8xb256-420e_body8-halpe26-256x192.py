# Seven data sets of bodies to Halpe's first 26 keypoints; evaluated on COCO, tested on the eighth, OCHuman.
_base_ = [
    '../../../_base_/rtmpose/body_256x192.py',
    '../../../_base_/mixtures/body.py',
]

# model
model = dict(
    metainfo=dict(from_file='configs/_base_/datasets/halpe26.py'),
    head=dict(out_channels=26),
    # the first 17 are those that are evaluated
    test_cfg=dict(output_keypoint_indices=list(range(17))))

# data loaders
train_dataloader = dict(
    dataset=dict(
        type='CombinedDataset',
        metainfo=dict(from_file='configs/_base_/datasets/halpe26.py'),
        datasets={{_base_.body7_halpe26}},
        pipeline={{_base_.train_pipeline}}))
val_dataloader = {{_base_.val_coco}}
test_dataloader = {{_base_.test_ochuman}}

# evaluators
val_evaluator = {{_base_.ap_of_coco}}
test_evaluator = {{_base_.ap_of_ochuman}}

# hooks
default_hooks = dict(checkpoint=dict(save_best='coco/AP', rule='greater', max_keep_ckpts=1))
