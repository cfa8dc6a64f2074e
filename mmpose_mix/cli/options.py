"""Options that `train` and `test` share, and how they change the config."""

from __future__ import annotations

import argparse
import os

from mmengine.config import Config, DictAction

from mmpose_mix.engine.launch import LAUNCHERS, load_config, set_work_dir


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Adds the config, where to write, how to override it, and how ranks are launched."""
    parser.add_argument("config", help="a config file, or the name of a shipped one")
    parser.add_argument("--work-dir", metavar="DIR", help="logs and checkpoints (default: work_dirs/<config name>)")
    parser.add_argument(
        "--cfg-options",
        nargs="+",
        action=DictAction,
        metavar="KEY=VALUE",
        help="overrides, e.g. train_cfg.max_epochs=20 'model.backbone.init_cfg=None' (not for custom_imports: "
        "those run while the file is read)",
    )
    parser.add_argument("--launcher", choices=LAUNCHERS, default="none", help="who started the ranks (default: none)")
    # torch.distributed.launch hands the rank over in either spelling
    parser.add_argument("--local_rank", "--local-rank", type=int, default=0, help=argparse.SUPPRESS)


def add_drawing_options(parser: argparse.ArgumentParser) -> None:
    """Adds what the visualization hook draws while the model is evaluated."""
    parser.add_argument(
        "--show-dir",
        metavar="DIR",
        help="write drawn predictions to this folder (inside WORK_DIR/TIMESTAMP unless absolute)",
    )
    parser.add_argument("--show", action="store_true", help="show drawn predictions in a window")
    parser.add_argument(
        "--interval",
        type=int,
        default=1,
        help="draw each n-th sample of a test; in training the first of each n-th batch (default: 1)",
    )
    parser.add_argument("--wait-time", type=float, default=1.0, help="seconds that a window stays (default: 1)")


def config_from(options: argparse.Namespace) -> Config:
    """Reads the config and applies the shared options; a mistake ends the command with one message, not a traceback."""
    if "LOCAL_RANK" not in os.environ:
        os.environ["LOCAL_RANK"] = str(options.local_rank)
    try:
        config = load_config(options.config, options.cfg_options)
    except (FileNotFoundError, ValueError) as error:
        raise SystemExit(f"mmpose-mix {options.command}: {error}") from error
    set_work_dir(config, options.work_dir)
    return config


def draw_predictions(config: Config, options: argparse.Namespace) -> None:
    """Turns the visualization hook on when ``--show`` or ``--show-dir`` asks for it."""
    if not (options.show or options.show_dir):
        return
    hook = config.setdefault("default_hooks", {}).setdefault("visualization", {"type": "PoseVisualizationHook"})
    hook.update(enable=True, show=options.show, interval=options.interval)
    if options.interval != 1:
        hook["test_interval"] = options.interval
    if options.show:
        hook["wait_time"] = options.wait_time
    if options.show_dir:
        hook["out_dir"] = options.show_dir
