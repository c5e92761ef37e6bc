"""How likely: one scenario over many seeds and settings, and how its figures are distributed.

plan.py         which runs are to be made
runners.py      making them: processes of this machine, or a Dask cluster
statistics.py   shares and medians with their confidence intervals
output.py       tables and CSV
"""
