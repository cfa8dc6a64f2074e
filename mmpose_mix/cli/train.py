"""Train a model as a config says."""

from __future__ import annotations

import argparse

from mmengine.config import Config

from mmpose_mix.cli.options import add_drawing_options, add_run_options, config_from, draw_predictions
from mmpose_mix.engine.checkpoint import use_safe_checkpoint_loader
from mmpose_mix.engine.launch import build_runner, fit_head_by_name, loaders_of, process_group, use_amp


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command."""
    add_run_options(parser)
    parser.add_argument(
        "--resume",
        nargs="?",
        const="auto",
        metavar="CHECKPOINT",
        help="go on from this checkpoint, in the middle of an epoch too; without a value from the newest one in the "
        "work folder",
    )
    parser.add_argument("--amp", action="store_true", help="automatic mixed precision (needs an accelerator)")
    parser.add_argument("--no-validate", action="store_true", help="do not evaluate while training")
    parser.add_argument(
        "--auto-scale-lr", action="store_true", help="scale the learning rate to the batch size by auto_scale_lr"
    )
    add_drawing_options(parser)


def run(options: argparse.Namespace) -> int:
    """Trains, and returns the exit status."""
    config = config_from(options)
    try:
        apply_training_options(config, options)
    except ValueError as error:
        raise SystemExit(f"mmpose-mix train: {error}") from error
    use_safe_checkpoint_loader()
    with process_group(config, options.launcher):
        runner = build_runner(config)
        runner.train()
        loaders = loaders_of(runner.train_loop, runner.val_loop)
        del runner
    del loaders
    return 0


def apply_training_options(config: Config, options: argparse.Namespace) -> None:
    """Writes the options into the config.

    Raises:
        ValueError: An option does not fit the machine or the config.
    """
    if options.amp:
        use_amp(config)
    if options.no_validate:
        config.val_cfg = config.val_dataloader = config.val_evaluator = None
    if options.auto_scale_lr:
        if "auto_scale_lr" not in config or "base_batch_size" not in config.auto_scale_lr:
            raise ValueError("--auto-scale-lr needs auto_scale_lr=dict(base_batch_size=...) in the config.")
        config.auto_scale_lr.enable = True
    if options.resume == "auto":
        config.resume, config.load_from = True, None
    elif options.resume:
        config.resume, config.load_from = True, options.resume
    fit_head_by_name(config)
    draw_predictions(config, options)
