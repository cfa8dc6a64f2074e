# Five data sets of hands to the 21 keypoints of COCO-WholeBody's hands; evaluated on the test parts of three of them.
_base_ = [
    '../../../_base_/td_hm/hrnet-w32_8xb64-210e.py',
    '../../../_base_/td_hm/hand_256x256.py',
    '../../../_base_/mixtures/hand.py',
]

# model
model = dict(
    metainfo=dict(from_file='configs/_base_/datasets/coco_wholebody_hand.py'),
    head=dict(out_channels=21, decoder={{_base_.codec}}))

# data loaders
train_dataloader = dict(
    dataset=dict(
        type='CombinedDataset',
        metainfo=dict(from_file='configs/_base_/datasets/coco_wholebody_hand.py'),
        datasets={{_base_.hand5}},
        pipeline={{_base_.train_pipeline}}))
val_dataloader = {{_base_.val_hands}}
test_dataloader = val_dataloader

# evaluators
val_evaluator = {{_base_.hand_metrics}}
test_evaluator = val_evaluator

# hooks
default_hooks = dict(checkpoint=dict(save_best='AUC', rule='greater'))
