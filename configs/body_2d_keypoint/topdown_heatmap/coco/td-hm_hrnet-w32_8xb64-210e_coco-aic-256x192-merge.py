_base_ = [
    '../../../_base_/td_hm/hrnet-w32_8xb64-210e.py',
    '../../../_base_/td_hm/body_256x192.py',
    '../../../_base_/mappings/coco_aic.py',
]

# model
model = dict(head=dict(out_channels=17, decoder={{_base_.codec}}))

# sources
dataset_coco = dict(
    type='CocoDataset',
    data_root='data/coco/',
    data_mode='topdown',
    ann_file='annotations/person_keypoints_train2017.json',
    data_prefix=dict(img='train2017/'),
    pipeline=[])  # COCO is the target: nothing to convert

dataset_aic = dict(
    type='AicDataset',
    data_root='data/aic/',
    data_mode='topdown',
    ann_file='annotations/aic_train.json',
    data_prefix=dict(img='ai_challenger_keypoint_train_20170902/keypoint_train_images_20170902/'),
    pipeline=[dict(type='KeypointConverter', num_keypoints=17, mapping={{_base_.aic_to_coco}})])

# data loaders
train_dataloader = dict(
    dataset=dict(
        type='CombinedDataset',
        metainfo=dict(from_file='configs/_base_/datasets/coco.py'),
        datasets=[dataset_coco, dataset_aic],
        pipeline={{_base_.train_pipeline}},
        test_mode=False))
val_dataloader = {{_base_.val_coco}}
test_dataloader = val_dataloader

# evaluators
val_evaluator = {{_base_.ap_of_coco}}
test_evaluator = val_evaluator

# hooks
default_hooks = dict(checkpoint=dict(save_best='coco/AP', rule='greater'))
