# Seven data sets of bodies to COCO's 17 keypoints; evaluated on COCO, tested on the eighth, OCHuman.
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
        datasets={{_base_.body7_coco}},
        pipeline={{_base_.train_pipeline}}))
val_dataloader = {{_base_.val_coco}}
test_dataloader = {{_base_.test_ochuman}}

# evaluators
val_evaluator = {{_base_.ap_of_coco}}
test_evaluator = {{_base_.ap_of_ochuman}}

# hooks
default_hooks = dict(checkpoint=dict(save_best='coco/AP', rule='greater', max_keep_ckpts=1))
