# Fourteen data sets, nested as whole bodies, bodies, faces and hands, to COCO-WholeBody's 133 keypoints; the 17 of the
# body are evaluated on COCO.
_base_ = [
    '../../../_base_/td_hm/hrnet-w32_8xb64-210e.py',
    '../../../_base_/td_hm/body_256x192.py',
    '../../../_base_/mixtures/cocktail14.py',
]

# model
model = dict(
    metainfo=dict(from_file='configs/_base_/datasets/coco_wholebody.py'),
    head=dict(out_channels=133, decoder={{_base_.codec}}),
    test_cfg=dict(output_keypoint_indices=list(range(17))))

# data loaders
train_dataloader = dict(
    dataset=dict(
        type='CombinedDataset',
        metainfo=dict(from_file='configs/_base_/datasets/coco_wholebody.py'),
        datasets={{_base_.cocktail14}},
        pipeline={{_base_.train_pipeline}}))
val_dataloader = {{_base_.val_coco}}
test_dataloader = val_dataloader

# evaluators
val_evaluator = {{_base_.ap_of_coco}}
test_evaluator = val_evaluator

# hooks
default_hooks = dict(checkpoint=dict(save_best='coco/AP', rule='greater'))
