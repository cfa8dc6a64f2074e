# Seven data sets of bodies, most of them in part, to COCO's 17 keypoints; evaluated on COCO.
_base_ = [
    '../../../_base_/td_hm/hrnet-w32_8xb64-210e.py',
    '../../../_base_/td_hm/body_256x192.py',
    '../../../_base_/mixtures/body.py',
]

# model
model = dict(head=dict(out_channels=17, decoder={{_base_.codec}}))

# data loaders
train_dataloader = dict(
    dataset=dict(
        type='CombinedDataset',
        metainfo=dict(from_file='configs/_base_/datasets/coco.py'),
        datasets={{_base_.body7_coco}},
        sample_ratio_factor={{_base_.body7_factors}},
        pipeline={{_base_.train_pipeline}}))
val_dataloader = {{_base_.val_coco}}
test_dataloader = val_dataloader

# evaluators
val_evaluator = {{_base_.ap_of_coco}}
test_evaluator = val_evaluator

# hooks
default_hooks = dict(checkpoint=dict(save_best='coco/AP', rule='greater'))
