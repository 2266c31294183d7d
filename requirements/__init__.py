"""What Linxuan needs, and how it gets here: locked packages, the environment, the front end's build, offline bundles.

Used by `run.py` alone, before anything is installed: nothing but the standard library may be imported here.
"""
