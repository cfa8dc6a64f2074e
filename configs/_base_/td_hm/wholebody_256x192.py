# Codec and pipelines of persons, and their evaluation in COCO-WholeBody's 133 keypoints on COCO's validation part with
# detected boxes: val_wholebody, ap_of_wholebody.
_base_ = ['./body_256x192.py']

val_wholebody = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        type='CocoWholeBodyDataset',
        data_root='data/coco/',
        data_mode='topdown',
        ann_file='annotations/coco_wholebody_val_v1.0.json',
        bbox_file='data/coco/person_detection_results/COCO_val2017_detections_AP_H_56_person.json',
        data_prefix=dict(img='val2017/'),
        test_mode=True,
        pipeline={{_base_.val_pipeline}}))
ap_of_wholebody = dict(
    type='CocoWholeBodyMetric', ann_file='data/coco/annotations/coco_wholebody_val_v1.0.json')
