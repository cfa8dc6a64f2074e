"""Packaging. The metadata stands here because MMEngine's tools (`mim`) read a package's folder, not its pyproject."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent

LITE = ["mmcv-lite>=2.0.1,<2.3"]
MIM = ["openmim>=0.3.9", "openxlab==0.0.11", "setuptools>=77.0.3,<82"]
# further operations of the transform Albumentation; RTMPose needs none. MIT, its successor is under the AGPL
ALBUMENTATIONS = ["albumentations>=2.0,<2.1"]
TEST = ["pytest>=7", "hypothesis>=6", "ruff>=0.12", "mypy>=1.10"]


class BuildWithMim(build_py):
    """Puts configs and tools into the wheel as ``mmpose_mix/.mim``, where `mim` and `mmpose-mix` look for them."""

    def run(self) -> None:
        if self.editable_mode:
            super().run()
            return  # an editable install finds them in the checkout
        # pip builds within the checkout: what an earlier build left there would get into the wheel
        shutil.rmtree(Path(self.build_lib) / "mmpose_mix", ignore_errors=True)
        super().run()
        target = Path(self.build_lib) / "mmpose_mix" / ".mim"
        for folder in ("configs", "tools"):
            shutil.copytree(HERE / folder, target / folder, ignore=shutil.ignore_patterns("__pycache__"))


def version() -> str:
    """The version that `mmpose_mix/__init__.py` states."""
    text = (HERE / "mmpose_mix" / "__init__.py").read_text(encoding="utf-8")
    return re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE).group(1)


setup(
    name="mmpose_mix",
    version=version(),
    description="Train 2-D pose models on several data sets at once: an MMEngine registry plugin",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.9",
    packages=find_packages(include=["mmpose_mix", "mmpose_mix.*"]),
    package_data={"mmpose_mix.keypoints": ["aliases.json"]},
    # mmcv is missing on purpose: requiring it, or mmcv-lite, would break somebody's environment, see the README
    install_requires=[
        "mmengine>=0.10.5,<0.11",
        "torch>=1.13",
        "numpy>=1.23",
        "pycocotools>=2.0.7",
        "msgspec>=0.18",
    ],
    extras_require={"lite": LITE, "mim": MIM, "albumentations": ALBUMENTATIONS, "test": TEST, "all": LITE + MIM + TEST},
    entry_points={"console_scripts": ["mmpose-mix = mmpose_mix.cli:main"]},
    cmdclass={"build_py": BuildWithMim},
    classifiers=[
        "Programming Language :: Python :: 3",
        "Operating System :: POSIX :: Linux",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
)
