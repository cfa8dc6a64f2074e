# Data sets of faces, and what face6 and cocktail14 train on of them.
faces = dict(
    lapa=dict(
        type='LapaDataset',
        data_root='data/LaPa/',
        data_mode='topdown',
        ann_file='annotations/lapa_trainval.json',
        data_prefix=dict(img='')),
    coco=dict(
        type='CocoWholeBodyFaceDataset',
        data_root='data/coco/',
        data_mode='topdown',
        ann_file='annotations/coco_wholebody_train_v1.0.json',
        data_prefix=dict(img='train2017/')),
    wflw=dict(
        type='WFLWDataset',
        data_root='data/wflw/',
        data_mode='topdown',
        ann_file='annotations/face_landmarks_wflw_train.json',
        data_prefix=dict(img='images/')),
    of_300w=dict(
        type='Face300WDataset',
        data_root='data/300w/',
        data_mode='topdown',
        ann_file='annotations/face_landmarks_300w_train.json',
        data_prefix=dict(img='images/')),
    cofw=dict(
        type='COFWDataset',
        data_root='data/cofw/',
        data_mode='topdown',
        ann_file='annotations/cofw_train.json',
        data_prefix=dict(img='images/')),
    # boxes of whole persons, not of faces
    halpe=dict(
        type='HalpeDataset',
        data_root='data/halpe/',
        data_mode='topdown',
        ann_file='annotations/halpe_train_v1.json',
        data_prefix=dict(img='hico_20160224_det/images/train2015/')))

# to LaPa's 106 keypoints; the middle of an eyelid lies between the two points that 300-W has on it
eyelids = dict(
    type='KeypointConverter', mapping='auto', approximate=['kpt-68', 'kpt-72', 'kpt-77', 'kpt-81'])

face6 = [
    dict(faces['lapa'], pipeline=[]),
    dict(faces['coco'], pipeline=[eyelids]),
    dict(faces['wflw'], pipeline=[dict(type='KeypointConverter', mapping='auto')]),
    dict(faces['of_300w'], pipeline=[eyelids]),
    # inner ends of the brows and wings of the nose are near, the rest is the same
    dict(faces['cofw'], pipeline=[dict(type='KeypointConverter', mapping='auto', approximate=True)]),
    dict(faces['halpe'], pipeline=[eyelids]),
]

# to COCO-WholeBody's 133: WFLW, LaPa and COFW have points of the eyelids, brows or nose near those of 300-W. Both
# paddings and the scale together show a face within 2.3 to 3.1 times its box: faces of whole persons are small, too.
in_wholebody = [
    dict(type='KeypointConverter', mapping='auto', approximate=True),
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomBBoxTransform', shift_factor=0., scale_factor=[1.5, 2.0], rotate_factor=0),
]
faces_133 = [dict(faces[name], pipeline=in_wholebody) for name in ('wflw', 'of_300w', 'cofw', 'lapa')]
