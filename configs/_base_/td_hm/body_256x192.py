# Codec and pipelines of persons, and their evaluation on COCO's validation part with detected boxes: val_coco,
# ap_of_coco (models of more keypoints output the first 17, which are COCO's), or in COCO-WholeBody's 133 keypoints:
# val_wholebody, ap_of_wholebody.
codec = dict(type='MSRAHeatmap', input_size=(192, 256), heatmap_size=(48, 64), sigma=2)

train_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomHalfBody'),
    dict(type='RandomBBoxTransform'),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs'),
]
val_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='PackPoseInputs'),
]

val_coco = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        type='CocoDataset',
        data_root='data/coco/',
        data_mode='topdown',
        ann_file='annotations/person_keypoints_val2017.json',
        bbox_file='data/coco/person_detection_results/COCO_val2017_detections_AP_H_56_person.json',
        data_prefix=dict(img='val2017/'),
        test_mode=True,
        pipeline=val_pipeline))
ap_of_coco = dict(type='CocoMetric', ann_file='data/coco/annotations/person_keypoints_val2017.json')

val_wholebody = dict(
    val_coco,
    dataset=dict(
        val_coco['dataset'], type='CocoWholeBodyDataset', ann_file='annotations/coco_wholebody_val_v1.0.json'))
ap_of_wholebody = dict(type='CocoWholeBodyMetric', ann_file='data/coco/annotations/coco_wholebody_val_v1.0.json')

# OCHuman, the eighth of body8, is for evaluation only; its boxes are the annotated ones
test_ochuman = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        type='OCHumanDataset',
        data_root='data/ochuman/',
        data_mode='topdown',
        ann_file='annotations/ochuman_coco_format_val_range_0.00_1.00.json',
        data_prefix=dict(img='images/'),
        test_mode=True,
        pipeline=val_pipeline))
ap_of_ochuman = dict(
    type='CocoMetric', ann_file='data/ochuman/annotations/ochuman_coco_format_val_range_0.00_1.00.json')
