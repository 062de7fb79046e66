"""Questions about the installation itself: is it sound, and how fast does it run?"""

from simdyn.installation.diagnosis import Diagnosis, doctor
from simdyn.installation.speed import BenchReport, Speed, bench

__all__ = ["BenchReport", "Diagnosis", "Speed", "bench", "doctor"]
