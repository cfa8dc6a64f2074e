"""Sigmas that differ between left and right because the data set publishes them so."""

from __future__ import annotations

# Pairs of sigmas, smaller and larger, to five decimals. COCO-WholeBody measured its feet and face side by side; the
# sets that took its numbers over differ in the same pairs.
_WHOLE_BODY = frozenset(
    {
        (0.007, 0.008), (0.007, 0.01), (0.008, 0.009), (0.008, 0.01), (0.009, 0.016), (0.009, 0.034), (0.01, 0.012),
        (0.011, 0.013), (0.012, 0.013), (0.012, 0.017), (0.013, 0.015), (0.023, 0.025), (0.029, 0.031), (0.032, 0.035),
        (0.037, 0.04), (0.038, 0.043), (0.041, 0.043), (0.042, 0.045), (0.043, 0.044), (0.066, 0.094), (0.068, 0.092),
    }
)  # fmt: skip
PUBLISHED_PAIRS: dict[str, frozenset[tuple[float, float]]] = {
    "aic": frozenset(
        {
            (0.01058, 0.01402), (0.01388, 0.01418), (0.01498, 0.01515), (0.01982, 0.02415), (0.03412, 0.03687),
            (0.03844, 0.0391),
        }
    ),
    "atrw": frozenset(
        {
            (0.0202, 0.0263), (0.0263, 0.0316), (0.0277, 0.0823), (0.0302, 0.0333), (0.044, 0.0547), (0.0646, 0.0716),
        }
    ),
    # MMPose's, whose results were measured with it
    "animalpose": frozenset({(0.026, 0.035)}),
    "coco_wholebody": _WHOLE_BODY,
    "coco_wholebody_face": _WHOLE_BODY,
    "h3wb": _WHOLE_BODY,
    "ubody2d": _WHOLE_BODY,
}  # fmt: skip


def is_published(dataset_name: str, one: float, other: float) -> bool:
    """Whether a data set publishes these two sigmas as those of one left and one right keypoint.

    >>> is_published("animalpose", 0.035, 0.026), is_published("coco", 0.035, 0.026)
    (True, False)
    """
    low, high = sorted((round(one, 5), round(other, 5)))
    return (low, high) in PUBLISHED_PAIRS.get(dataset_name, frozenset())
