"""Reading the image of a sample."""

from __future__ import annotations

from pathlib import Path
from typing import Optional, Union

import numpy as np
from mmcv import imfrombytes
from mmcv.transforms import LoadImageFromFile
from mmengine import fileio

from mmpose_mix.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadImage(LoadImageFromFile):
    """Put the image at ``img_path`` into the sample, or take the ``img`` that is already there.

    Reads ``img_path`` or ``img``; writes ``img`` (h, w, 3) uint8 BGR, ``img_shape`` and ``ori_shape``, both (h, w).

    Args:
        to_float32: make the image float32.
        color_type: ``flag`` of ``mmcv.imfrombytes``.
        imdecode_backend: ``backend`` of ``mmcv.imfrombytes``.
        file_client_args: deprecated in mmcv in favour of ``backend_args``.
        ignore_empty: let the pipeline return None for an image that cannot be read, instead of raising.
        backend_args: file backend of MMEngine; None picks it by the path's prefix. A path without a prefix is a local
            file, which is opened directly: to find that out takes MMEngine several times as long as to read the file.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: the file cannot be read or decoded.
        ValueError: neither ``img_path`` nor ``img`` is there.
        TypeError: ``img`` is there but no array.
    """

    def transform(self, results: dict) -> Optional[dict]:
        """Load the image of ``results``, in place; None if it is unreadable and ``ignore_empty``."""
        if "img" in results:
            return self._taken(results)
        if "img_path" not in results:
            raise ValueError("LoadImage: the sample has neither 'img_path' nor 'img'")
        try:
            image = imfrombytes(self._content(results["img_path"]), flag=self.color_type, backend=self.imdecode_backend)
            if image is None:
                raise ValueError("no image comes of its bytes")
        # Decoders raise whatever they like (cv2.error, AssertionError, struct.error); all of it means: unreadable.
        except Exception as error:
            if self.ignore_empty:
                return None
            kind = FileNotFoundError if isinstance(error, FileNotFoundError) else OSError
            raise kind(self._message(results, error)) from error
        results["img"] = image.astype(np.float32) if self.to_float32 else image
        results["img_shape"] = results["ori_shape"] = image.shape[:2]
        return results

    def _content(self, path: Union[str, Path]) -> bytes:
        """The bytes of the file at ``path``."""
        if self.file_client_args is not None:
            return fileio.FileClient.infer_client(self.file_client_args, path).get(path)
        if self.backend_args is not None or "://" in str(path):
            return fileio.get(path, backend_args=self.backend_args)
        with open(path, "rb", buffering=0) as file:  # one buffer less to make
            return file.read()

    def _taken(self, results: dict) -> dict:
        """The sample with what belongs to the image it brought along."""
        image = results["img"]
        if not isinstance(image, np.ndarray):
            raise TypeError(f"LoadImage: 'img' must be an array (h, w, 3), not {type(image).__name__}")
        if self.to_float32:
            results["img"] = image.astype(np.float32)
        results.setdefault("img_path", None)
        results["img_shape"] = results["ori_shape"] = image.shape[:2]
        return results

    def _message(self, results: dict, error: Exception) -> str:
        path, dataset = results["img_path"], results.get("dataset_name")
        of = f" (data set {dataset!r}, img_id {results.get('img_id')})" if dataset else ""
        if isinstance(error, FileNotFoundError):
            return f"LoadImage: no file {path!r}{of}. Check data_root and data_prefix of the data set."
        return (
            f"LoadImage: {path!r}{of} cannot be read as an image by the backend {self.imdecode_backend!r} "
            f"({type(error).__name__}: {error}). Replace the file, or set ignore_empty=True to skip such images."
        )
