"""Measurements, each one command (`linxuan bench …`). They measure and assert nothing; ratios of one run count.

`docs/performance.md` has the figures and tells how they came about.
"""
