"""Questions about the installation itself: is it sound, and how fast does it run?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from potentials.first_use import names_on_first_use

if TYPE_CHECKING:
    from simdyn.installation.diagnosis import Diagnosis, doctor
    from simdyn.installation.speed import BenchReport, Speed, bench

__getattr__, __dir__ = names_on_first_use(
    __name__,
    {
        "simdyn.installation.diagnosis": ["Diagnosis", "doctor"],
        "simdyn.installation.speed": ["BenchReport", "Speed", "bench"],
    },
)

__all__ = ["BenchReport", "Diagnosis", "Speed", "bench", "doctor"]
