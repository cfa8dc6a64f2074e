"""Evaluate a checkpoint as a config says."""

from __future__ import annotations

import argparse

from mmengine.dist import is_main_process
from mmengine.fileio import dump

from mmpose_mix.cli.options import add_drawing_options, add_run_options, config_from, draw_predictions
from mmpose_mix.engine.checkpoint import use_safe_checkpoint_loader
from mmpose_mix.engine.launch import build_runner, loaders_of, process_group

METRIC_FILES = (".json", ".yaml", ".yml")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command."""
    add_run_options(parser)
    parser.add_argument("checkpoint", help="a checkpoint file or URL")
    parser.add_argument("--out", metavar="FILE.json", help="write the metrics to this file (or .yaml)")
    parser.add_argument("--dump", metavar="FILE.pkl", help="write the predictions for an offline evaluation")
    add_drawing_options(parser)


def run(options: argparse.Namespace) -> int:
    """Evaluates, and returns the exit status."""
    if options.out and not options.out.endswith(METRIC_FILES):
        raise SystemExit(
            f"mmpose-mix test: --out takes a name that ends in {', '.join(METRIC_FILES)}, not {options.out}"
        )
    config = config_from(options)
    config.load_from = options.checkpoint
    config.resume = False
    if options.dump:
        if not options.dump.endswith((".pkl", ".pickle")):
            raise SystemExit(
                f"mmpose-mix test: --dump writes a pickle; give a name that ends in .pkl, not {options.dump}"
            )
        evaluators = (
            config.test_evaluator if isinstance(config.test_evaluator, (list, tuple)) else [config.test_evaluator]
        )
        config.test_evaluator = [*evaluators, {"type": "DumpResults", "out_file_path": options.dump}]
    draw_predictions(config, options)
    use_safe_checkpoint_loader()
    with process_group(config, options.launcher):
        runner = build_runner(config)
        metrics = runner.test()
        if options.out and is_main_process():
            dump(metrics, options.out)
        loaders = loaders_of(runner.test_loop)
        del runner
    del loaders
    return 0
