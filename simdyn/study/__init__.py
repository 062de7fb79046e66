"""Studies: sweeps that are stored as they go, and reports whose verdicts follow from the measurements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from potentials.first_use import names_on_first_use

if TYPE_CHECKING:
    from simdyn.study.claims import Claim, Verdict, coverage_claim, judge, mean_claim, ratio_claim
    from simdyn.study.definition import (
        Budget,
        Dimension,
        Execution,
        Grid,
        Parameters,
        Quantity,
        Size,
        Study,
        StudyFigure,
        Value,
    )
    from simdyn.study.discovery import find_study, study_names
    from simdyn.study.intervals import quantity_with_interval, value_with_interval
    from simdyn.study.progress import CellProgress, Progress, SilentProgress
    from simdyn.study.results import Results
    from simdyn.study.runner import Findings, conclude, report_study, run_study
    from simdyn.study.settings import check_at_least, check_contains, check_paired

__getattr__, __dir__ = names_on_first_use(
    __name__,
    {
        "simdyn.study.claims": ["Claim", "Verdict", "coverage_claim", "judge", "mean_claim", "ratio_claim"],
        "simdyn.study.definition": [
            "Budget",
            "Dimension",
            "Execution",
            "Grid",
            "Parameters",
            "Quantity",
            "Size",
            "Study",
            "StudyFigure",
            "Value",
        ],
        "simdyn.study.discovery": ["find_study", "study_names"],
        "simdyn.study.intervals": ["quantity_with_interval", "value_with_interval"],
        "simdyn.study.progress": ["CellProgress", "Progress", "SilentProgress"],
        "simdyn.study.results": ["Results"],
        "simdyn.study.runner": ["Findings", "conclude", "report_study", "run_study"],
        "simdyn.study.settings": ["check_at_least", "check_contains", "check_paired"],
    },
)

__all__ = [
    "Budget",
    "CellProgress",
    "Claim",
    "Dimension",
    "Execution",
    "Findings",
    "Grid",
    "Parameters",
    "Progress",
    "Quantity",
    "Results",
    "SilentProgress",
    "Size",
    "Study",
    "StudyFigure",
    "Value",
    "Verdict",
    "check_at_least",
    "check_contains",
    "check_paired",
    "conclude",
    "coverage_claim",
    "find_study",
    "judge",
    "mean_claim",
    "quantity_with_interval",
    "ratio_claim",
    "report_study",
    "run_study",
    "study_names",
    "value_with_interval",
]
