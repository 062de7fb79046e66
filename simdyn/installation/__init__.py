"""Questions about the installation itself: is it sound, and how fast does it run?"""

from simdyn.installation.speed import BenchReport, Speed, bench
from simdyn.installation.diagnosis import Diagnosis, doctor

__all__ = ["BenchReport", "Diagnosis", "Speed", "bench", "doctor"]
