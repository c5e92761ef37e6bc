"""A run that can be had again: what has to be kept of it, the file it is kept in, and moving in its time.

Everything in a run follows from its scenario, its seed and the commands that somebody gave, each with its moment.

    frames.py    a file that only grows: frames with a length and a checksum, readable when torn
    codec.py     a scenario as plain data, and back
    tape.py      recording a run as it goes, and reading a recording
    replay.py    a recording again, with proof that the journal is the same
    timeline.py  any moment of a run again, and what would have happened otherwise
"""
