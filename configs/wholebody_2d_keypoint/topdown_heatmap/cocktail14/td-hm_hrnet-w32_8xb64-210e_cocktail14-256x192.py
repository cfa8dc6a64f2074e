# Fourteen data sets, nested as whole bodies, bodies, faces and hands, to COCO-WholeBody's 133 keypoints; evaluated on
# COCO-WholeBody, all of them and body, feet, face and each hand.
_base_ = [
    '../../../_base_/td_hm/hrnet-w32_8xb64-210e.py',
    '../../../_base_/td_hm/body_256x192.py',
    '../../../_base_/mixtures/cocktail14.py',
]

# model
model = dict(
    metainfo=dict(from_file='configs/_base_/datasets/coco_wholebody.py'),
    head=dict(out_channels=133, decoder={{_base_.codec}}))

# data loaders
train_dataloader = dict(
    dataset=dict(
        type='CombinedDataset',
        metainfo=dict(from_file='configs/_base_/datasets/coco_wholebody.py'),
        datasets={{_base_.cocktail14}},
        pipeline={{_base_.train_pipeline}}))
val_dataloader = {{_base_.val_wholebody}}
test_dataloader = val_dataloader

# evaluators
val_evaluator = {{_base_.ap_of_wholebody}}
test_evaluator = val_evaluator

# hooks
default_hooks = dict(checkpoint=dict(save_best='coco-wholebody/AP', rule='greater'))
