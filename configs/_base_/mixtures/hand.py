# hand5: five data sets of hands to the 21 keypoints of COCO-WholeBody's hands.
auto = [dict(type='KeypointConverter', mapping='auto')]

hand5 = [
    dict(
        type='CocoWholeBodyHandDataset',
        data_root='data/coco/',
        data_mode='topdown',
        ann_file='annotations/coco_wholebody_train_v1.0.json',
        data_prefix=dict(img='train2017/'),
        pipeline=[]),
    dict(
        type='OneHand10KDataset',
        data_root='data/onehand10k/',
        data_mode='topdown',
        ann_file='annotations/onehand10k_train.json',
        data_prefix=dict(img=''),
        pipeline=auto),
    dict(
        type='FreiHandDataset',
        data_root='data/freihand/',
        data_mode='topdown',
        ann_file='annotations/freihand_train.json',
        data_prefix=dict(img=''),
        pipeline=auto),
    dict(
        type='Rhd2DDataset',
        data_root='data/rhd/',
        data_mode='topdown',
        ann_file='annotations/rhd_train.json',
        data_prefix=dict(img=''),
        pipeline=auto),
    dict(
        type='HalpeHandDataset',
        data_root='data/halpe/',
        data_mode='topdown',
        ann_file='annotations/halpe_train_v1.json',
        data_prefix=dict(img='hico_20160224_det/images/train2015/'),
        pipeline=auto),
]
