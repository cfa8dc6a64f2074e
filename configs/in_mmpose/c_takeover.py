# In MMPose, by take-over: bare CombinedDataset, KeypointConverter and MultiSourceSampler mean ours in this process.
_base_ = ['td-hm_hrnet-w32_coco-aic-merge.py']

custom_imports = dict(imports=['mmpose_mix.takeover'], allow_failed_imports=False)
