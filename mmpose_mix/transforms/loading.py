"""Reading the image of a sample."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Optional, Union

import cv2
import numpy as np
from mmcv import imfrombytes
from mmcv.transforms import LoadImageFromFile
from mmengine import fileio
from PIL import Image

from mmpose_mix.registry import TRANSFORMS

_REDUCED = {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}
_ORIENTATION = 0x0112  # tag of EXIF; 1 is upright
_REDUCIBLE = {"imdecode_backend": "cv2", "color_type": "color", "to_float32": False}


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
        reduced: decode a JPEG at a half, a quarter or an eighth of its size where the box that a ``TopdownAffine`` cuts
            out is so much larger than the model's input. That is done in the pipelines of data sets, and only where
            nothing between the two looks at pixels; elsewhere it makes no difference. Coordinates and ``img_shape`` are
            those of the whole image; pixels are means of some that would be skipped otherwise, see docs/performance.md.

    Raises:
        ValueError: ``reduced`` with another backend than cv2, another colour type than color, or with ``to_float32``.
        FileNotFoundError: there is no such file.
        OSError: the file cannot be read or decoded.
        ValueError: neither ``img_path`` nor ``img`` is there.
        TypeError: ``img`` is there but no array.
    """

    def __init__(
        self,
        to_float32: bool = False,
        color_type: str = "color",
        imdecode_backend: str = "cv2",
        file_client_args: Optional[dict] = None,
        ignore_empty: bool = False,
        *,
        backend_args: Optional[dict] = None,
        reduced: bool = False,
    ) -> None:
        super().__init__(
            to_float32, color_type, imdecode_backend, file_client_args, ignore_empty, backend_args=backend_args
        )
        self.reduced = bool(reduced)
        wrong = {name: getattr(self, name) for name, only in _REDUCIBLE.items() if getattr(self, name) != only}
        if self.reduced and wrong:
            raise ValueError(f"LoadImage: reduced=True takes {_REDUCIBLE}, not {wrong}. Leave reduced or these out.")

    def transform(self, results: dict) -> Optional[dict]:
        """Load the image of ``results``, in place; None if it is unreadable and ``ignore_empty``."""
        if "img" in results:
            return self._taken(results)
        content = self.content_of(results)
        image = None if content is None else self.decoded(results, content)
        if image is None:
            return None
        results["img"] = image.astype(np.float32) if self.to_float32 else image
        results["img_shape"] = results["ori_shape"] = image.shape[:2]
        return results

    def content_of(self, results: dict) -> Optional[bytes]:
        """The bytes of the image's file; None if it is unreadable and ``ignore_empty``."""
        if "img_path" not in results:
            raise ValueError("LoadImage: the sample has neither 'img_path' nor 'img'")
        try:
            return self._content(results["img_path"])
        except Exception as error:  # of whatever file backend
            return self._refused(results, error)

    def decoded(self, results: dict, content: bytes, reduction: int = 1) -> Optional[np.ndarray]:
        """The image in ``content``, at one ``reduction``-th (1, 2, 4, 8) of its size; None as of :meth:`content_of`."""
        try:
            if reduction == 1:
                image = imfrombytes(content, flag=self.color_type, backend=self.imdecode_backend)
            else:
                image = cv2.imdecode(np.frombuffer(content, np.uint8), _REDUCED[reduction])
            if image is None:
                raise ValueError("no image comes of its bytes")
            return image
        # Decoders raise whatever they like (cv2.error, AssertionError, struct.error); all of it means: unreadable.
        except Exception as error:
            return self._refused(results, error)

    def _refused(self, results: dict, error: Exception) -> None:
        if self.ignore_empty:
            return
        kind = FileNotFoundError if isinstance(error, FileNotFoundError) else OSError
        raise kind(self._message(results, error)) from error

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


def size_of_reducible(content: bytes) -> Optional[tuple[int, int]]:
    """(w, h) of an upright JPEG, from its head; None of anything else, which is not decoded at a reduced size."""
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG",)) as image:
            upright = "exif" not in image.info or image.getexif().get(_ORIENTATION, 1) == 1
            return image.size if upright else None
    except (OSError, SyntaxError, ValueError):  # the decoder will say what is wrong with it
        return None
