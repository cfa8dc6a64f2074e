_base_ = ['./td-hm_hrnet-w32_8xb64-210e_coco-aic-256x192-combine.py']

# every batch holds two COCO samples for each AIC sample, however large the two data sets are
train_dataloader = dict(
    sampler=dict(
        _delete_=True, type='MultiSourceSampler', batch_size=64, source_ratio=[2, 1], shuffle=True, round_up=True))
