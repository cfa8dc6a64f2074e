"""What a check says: findings with a code, a severity, a place and a remedy; and the table of all codes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

ERROR, WARNING, NOTE = "error", "warning", "note"
SEVERITIES = (ERROR, WARNING, NOTE)


@dataclass(frozen=True)
class Code:
    """What all findings of one code have in common.

    Attributes:
        severity: ``error``: training would be wrong or would not start; ``warning``: it is wrong unless somebody meant
            it; ``note``: worth knowing.
        title: The fault in a few words.
        why: What comes of it.
    """

    severity: str
    title: str
    why: str


@dataclass(frozen=True)
class Finding:
    """One thing that a check found.

    Attributes:
        code: A key of ``CODES``; it never changes its meaning.
        severity: That of the code.
        place: Where: a file or data set, and what of it.
        text: What is there.
        fix: What to do.

    >>> print(finding("KS102", "coco_aic.py: joint_weights", "18 values for 19 keypoints", "give one per keypoint"))
    error KS102 coco_aic.py: joint_weights: 18 values for 19 keypoints. Fix: give one per keypoint
    """

    code: str
    severity: str
    place: str
    text: str
    fix: str

    def __str__(self) -> str:
        return f"{self.severity} {self.code} {self.place}: {self.text}. Fix: {self.fix}"


def finding(code: str, place: str, text: str, fix: str) -> Finding:
    """The finding of a code of the table; ``KeyError`` where the table does not have it."""
    return Finding(code, CODES[code].severity, place, text, fix)


def in_order_of_severity(findings: Iterable[Finding]) -> list[Finding]:
    """Errors first, then warnings, then notes; otherwise as they came."""
    return sorted(findings, key=lambda each: SEVERITIES.index(each.severity))


def listed(words: Iterable[object], most: int = 6) -> str:
    """The words with commas; of many the first ones and how many there are more.

    >>> listed(range(9), 3)
    '0, 1, 2 and 6 more'
    """
    some = [str(word) for word in words]
    rest = len(some) - most
    return ", ".join(some) if rest <= 0 else f"{', '.join(some[:most])} and {rest} more"


# KS1..: keypoint sets. MAP2..: mappings. DATA3..: what annotations show. NUM4..: numbers of keypoints along a model.
CODES: dict[str, Code] = {
    "KS101": Code(ERROR, "not in the format of dataset_info", "it cannot be read, or a key has no effect"),
    "KS102": Code(ERROR, "joint_weights of another length", "losses that use them fail, or weigh other keypoints"),
    "KS103": Code(ERROR, "sigmas of another length", "OKS cannot be computed, or is computed with others' sigmas"),
    "KS104": Code(NOTE, "no sigmas", "OKS, and so CocoMetric, cannot be used"),
    "KS105": Code(ERROR, "a colour that is none", "nothing can be drawn"),
    "KS106": Code(ERROR, "joint_weights that are no weights", "losses become NaN or are maximised"),
    "KS107": Code(ERROR, "sigmas that are none", "OKS becomes NaN"),
    "KS108": Code(WARNING, "all joint_weights are 0", "a loss that uses them teaches nothing"),
    "KS110": Code(ERROR, "keypoint ids are not 0 to K-1", "ids and places in arrays are not the same"),
    "KS111": Code(WARNING, "ids and dict in different orders", "MMPose goes by the dict, this project by the ids"),
    "KS112": Code(ERROR, "link ids are not 0 to L-1", "links and their colours cannot be told apart by id"),
    "KS113": Code(NOTE, "link ids and dict in different orders", "only the order of drawing changes"),
    "KS120": Code(ERROR, "a name that is none", "nothing can refer to the keypoint"),
    "KS121": Code(ERROR, "one name for several keypoints", "swaps, links and mappings by name take any of them"),
    "KS122": Code(ERROR, "a type that is none", "RandomHalfBody does not know the keypoint"),
    "KS130": Code(ERROR, "swap with a keypoint that is not there", "a flip cannot be computed"),
    "KS131": Code(ERROR, "swap that is not mutual", "a flip gives two keypoints one label and loses another"),
    "KS132": Code(NOTE, "swap with itself", "the same as an empty swap"),
    "KS133": Code(ERROR, "left and right are not partners", "a flipped image teaches left as right"),
    "KS134": Code(WARNING, "a side without the other one", "a flipped image teaches left as right"),
    "KS135": Code(ERROR, "no swaps although names have sides", "a flipped image teaches left as right"),
    "KS136": Code(WARNING, "no swaps, and names that only number", "right for one hand, wrong for faces and bodies"),
    "KS137": Code(NOTE, "no swaps, and no names of sides", "right for one hand or an animal seen from its side"),
    "KS138": Code(WARNING, "swap between names without sides", "a flip exchanges two keypoints of the middle"),
    "KS140": Code(WARNING, "sigmas of left and right differ", "OKS judges one side more strictly"),
    "KS141": Code(WARNING, "joint_weights of left and right differ", "one side is taught more than the other"),
    "KS142": Code(ERROR, "sigmas in another order than the keypoints", "OKS judges keypoints with others' sigmas"),
    "KS143": Code(ERROR, "joint_weights in another order than the keypoints", "keypoints get the weights of others"),
    "KS144": Code(NOTE, "sigmas of left and right differ, as published", "OKS is the data set's own"),
    "KS150": Code(ERROR, "link to a keypoint that is not there", "the link cannot be drawn"),
    "KS151": Code(ERROR, "link that does not have two ends", "the link cannot be drawn"),
    "KS152": Code(ERROR, "link of a keypoint with itself", "nothing is drawn"),
    "KS153": Code(WARNING, "link given twice", "the second hides the first"),
    "KS154": Code(WARNING, "link from a left joint to another right one", "limbs cross the body: a name is wrong"),
    "KS155": Code(WARNING, "link without its mirror image", "one side of the skeleton is drawn in another way"),
    "KS160": Code(WARNING, "upper and lower differ between partners", "RandomHalfBody cuts one side elsewhere"),
    "KS161": Code(NOTE, "no upper and lower", "RandomHalfBody does nothing"),
    "KS170": Code(ERROR, "one dataset_name for several sets", "evaluators and message hubs mix them up"),
    "KS171": Code(ERROR, "other swaps than a set of the same names", "one of the two is flipped wrongly"),
    "MAP201": Code(ERROR, "a pair that is none", "the mapping cannot be built"),
    "MAP202": Code(ERROR, "target out of range", "the mapping cannot be built"),
    "MAP203": Code(ERROR, "source out of range", "the first sample fails; negative ids read from the end"),
    "MAP204": Code(ERROR, "target given twice", "one of the two is lost"),
    "MAP205": Code(ERROR, "weights that do not sum to 1", "the point does not move with the picture"),
    "MAP206": Code(WARNING, "one source for several targets", "two joints are taught at one place"),
    "MAP207": Code(ERROR, "no pair at all", "nothing of the source is taught"),
    "MAP208": Code(ERROR, "num_keypoints is not that of the target set", "arrays of two lengths meet in a batch"),
    "MAP210": Code(ERROR, "left is mapped to right", "left is taught as right"),
    "MAP211": Code(ERROR, "another joint although the right one is there", "one joint is taught at another's place"),
    "MAP212": Code(WARNING, "joints that nobody says are one", "one joint may be taught at another's place"),
    "MAP213": Code(NOTE, "approximate joint", "the joint is taught at a place that is only near it"),
    "MAP214": Code(WARNING, "approximate joint although the exact one is there", "taught less well than it could be"),
    "MAP220": Code(ERROR, "mapping and flip do not commute", "flipped images teach another keypoint"),
    "MAP221": Code(WARNING, "one of two partners is mapped", "a flip moves the keypoint to where nothing is labelled"),
    "MAP230": Code(WARNING, "target not filled although the source has it", "labels are thrown away"),
    "DATA301": Code(WARNING, "joint lies elsewhere than in the target's data", "two places are taught under one name"),
    "DATA302": Code(WARNING, "limb of another length than in the target's data", "one of its ends is another joint"),
    "DATA303": Code(ERROR, "joint lies where another of the target lies", "one joint is taught at another's place"),
    "DATA304": Code(NOTE, "too few persons to tell", "nothing was compared"),
    "DATA305": Code(WARNING, "mapped joint that is never annotated", "it is taught as not visible, or not at all"),
    "DATA306": Code(ERROR, "annotations have another number of keypoints than their set", "nothing can be read"),
    "NUM401": Code(ERROR, "head with another number of channels", "the loss or the flip test fails"),
    "NUM402": Code(ERROR, "output_keypoint_indices that the model does not have", "prediction fails"),
    "NUM403": Code(ERROR, "metric with another number of keypoints", "evaluation fails, or judges other keypoints"),
    "NUM404": Code(ERROR, "metric without sigmas", "OKS cannot be computed"),
}
