# In MMPose, by prefix: the three names that mix are ours where a config says so, everything else is MMPose's.
_base_ = ['td-hm_hrnet-w32_coco-aic-merge.py']

custom_imports = dict(imports=['mmpose_mix'], allow_failed_imports=False)

# a list of a base config is replaced as a whole, so the source with a converter stands here once more
dataset_aic = dict(
    type='AicDataset',
    data_root='data/aic/',
    data_mode='topdown',
    ann_file='annotations/aic_train.json',
    data_prefix=dict(img='ai_challenger_keypoint_train_20170902/keypoint_train_images_20170902/'),
    pipeline=[
        dict(
            type='mmpose_mix.KeypointConverter',
            num_keypoints=17,
            mapping=[
                (0, 6),
                (1, 8),
                (2, 10),
                (3, 5),
                (4, 7),
                (5, 9),
                (6, 12),
                (7, 14),
                (8, 16),
                (9, 11),
                (10, 13),
                (11, 15),
            ])
    ])

train_dataloader = dict(
    sampler=dict(type='mmpose_mix.MultiSourceSampler'),
    dataset=dict(type='mmpose_mix.CombinedDataset', datasets=[{{_base_.dataset_coco}}, dataset_aic]))
