# Six data sets of faces to LaPa's 106 keypoints; evaluated on LaPa's test part.
_base_ = [
    '../../../_base_/td_hm/hrnet-w32_8xb64-210e.py',
    '../../../_base_/td_hm/face_256x256.py',
    '../../../_base_/mixtures/face.py',
]

# model
model = dict(
    metainfo=dict(from_file='configs/_base_/datasets/lapa.py'),
    head=dict(out_channels=106, decoder={{_base_.codec}}))

# data loaders
train_dataloader = dict(
    dataset=dict(
        type='CombinedDataset',
        metainfo=dict(from_file='configs/_base_/datasets/lapa.py'),
        datasets={{_base_.face6}},
        pipeline={{_base_.train_pipeline}}))
val_dataloader = {{_base_.val_lapa}}
test_dataloader = val_dataloader

# evaluators
val_evaluator = {{_base_.nme}}
test_evaluator = val_evaluator

# hooks
default_hooks = dict(checkpoint=dict(save_best='NME', rule='less'))
