"""What is wrong with a config: a code, where it is, what is there, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mmpose_mix.keypoints.findings import ERROR, SEVERITIES, WARNING, Finding, in_order_of_severity

#: Severity and title of each code, beside those of the keypoint checks.
#: An ``error`` stops the training or makes it another one than configured.
CODES: dict[str, tuple[str, str]] = {
    "CFG501": (ERROR, "default_scope of a package that is not there"),
    "CFG502": (ERROR, "a part without a type"),
    "CFG503": (ERROR, "a type that is not registered"),
    "CFG504": (ERROR, "an argument that the class does not take"),
    "CFG505": (ERROR, "an argument that the class needs"),
    "CFG506": (ERROR, "a part of training or evaluation is left out"),
    "CFG510": (ERROR, "a file is absent"),
    "CFG511": (WARNING, "a folder of images is absent"),
    "CFG520": (ERROR, "a data set cannot be built"),
    "CFG521": (ERROR, "an annotation file cannot be used"),
    "CFG522": (ERROR, "a source does not deliver the mixture's keypoints"),
    "CFG523": (WARNING, "a keypoint that no source labels"),
    "CFG524": (WARNING, "a keypoint that is visible in no instance"),
    "CFG530": (ERROR, "the model cannot be built"),
    "CFG531": (ERROR, "the model has another number of keypoints than its data"),
    "CFG532": (ERROR, "the model puts out other keypoints than are evaluated"),
    "CFG533": (ERROR, "the model names or flips its keypoints otherwise than its data"),
    "CFG534": (ERROR, "input sizes differ"),
    "CFG535": (ERROR, "a metric cannot be built"),
    "CFG540": (ERROR, "batch sizes of data loader and sampler differ"),
    "CFG541": (ERROR, "the mixture cannot be drawn as configured"),
}


def finding(code: str, place: str, text: str, fix: str) -> Finding:
    """The finding of a code of the table; sentences come without their last full stop."""
    return Finding(code, CODES[code][0], place, text.rstrip(". \n"), fix.rstrip("."))


def finding_in_words(code: str, place: str, words: str, fix: str) -> Finding:
    """The finding of an error message; its last sentence says what to do, else ``fix`` does."""
    text, _, last = words.rstrip(". \n").rpartition(". ")
    return finding(code, place, text or last, last if text else fix)


def sorted_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Errors first, then warnings, then notes; otherwise as they came, each once."""
    return tuple(in_order_of_severity(dict.fromkeys(findings)))


def counted(findings: Iterable[Finding]) -> Mapping[str, int]:
    """How many findings there are of each severity."""
    severities = [each.severity for each in findings]
    return {severity: severities.count(severity) for severity in SEVERITIES}
