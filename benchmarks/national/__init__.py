"""The national campaign: every testing institution of the country applies at one deadline, 33 bodies audit, experts review.

`world` writes the people, `people` lets one of them act by the functions of the pages and `pages` in a browser, `workers` are the
processes that act for them, `phases` is what they do, `verifying` looks at the end from outside, `run` is all of it.
"""

from benchmarks.national.run import run, tell_lines

__all__ = ["run", "tell_lines"]
