default_scope = 'mmpose_mix'

# hooks
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='CheckpointHook', interval=10),
    # tells the sampler, and in this scope the mixture in all its workers, which epoch it is
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='PoseVisualizationHook', enable=False))

custom_hooks = [
    # BatchNorm statistics are averaged over the ranks before each evaluation
    dict(type='SyncBuffersHook'),
]

# multi-processing
env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'))

# visualizer
vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(type='PoseLocalVisualizer', vis_backends=vis_backends, name='visualizer')

# log
log_processor = dict(type='LogProcessor', window_size=50, by_epoch=True, num_digits=6)
log_level = 'INFO'
load_from = None
resume = False

# where files are read from
backend_args = dict(backend='local')

# loops; an experiment adds its own keys
train_cfg = dict(by_epoch=True)
val_cfg = dict()
test_cfg = dict()
