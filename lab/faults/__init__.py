"""What can be broken about a running cluster, and mended again, by subject.

Each function acts on an engine and says in the journal what it changed; it returns whether it changed anything. What
is broken at a moment is asked of the parts themselves, so that the answer holds whoever broke or mended it.
"""
