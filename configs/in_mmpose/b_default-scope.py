# Without MMPose, or beside it: the whole config runs on our parts.
_base_ = ['td-hm_hrnet-w32_coco-aic-merge.py']

default_scope = 'mmpose_mix'
