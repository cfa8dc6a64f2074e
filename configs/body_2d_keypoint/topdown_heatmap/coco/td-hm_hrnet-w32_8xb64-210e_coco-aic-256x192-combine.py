_base_ = ['./td-hm_hrnet-w32_8xb64-210e_coco-aic-256x192-merge.py']

# the union of both keypoint sets: COCO's 17, then AIC's head_top and neck
combined_metainfo = dict(from_file='configs/_base_/datasets/coco_aic.py')

model = dict(
    metainfo=combined_metainfo,
    head=dict(out_channels=19),
    # evaluated on COCO: its 17 keypoints of the 19
    test_cfg=dict(output_keypoint_indices=list(range(17))))

dataset_coco = dict(
    type='CocoDataset',
    data_root='data/coco/',
    data_mode='topdown',
    ann_file='annotations/person_keypoints_train2017.json',
    data_prefix=dict(img='train2017/'),
    pipeline=[dict(type='KeypointConverter', num_keypoints=19, mapping={{_base_.coco_to_coco_aic}})])

dataset_aic = dict(
    type='AicDataset',
    data_root='data/aic/',
    data_mode='topdown',
    ann_file='annotations/aic_train.json',
    data_prefix=dict(img='ai_challenger_keypoint_train_20170902/keypoint_train_images_20170902/'),
    pipeline=[dict(type='KeypointConverter', num_keypoints=19, mapping={{_base_.aic_to_coco_aic}})])

train_dataloader = dict(dataset=dict(metainfo=combined_metainfo, datasets=[dataset_coco, dataset_aic]))
