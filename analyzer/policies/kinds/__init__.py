"""One module per built-in policy, found by its name: ``shared_2s.py`` holds ``POLICY``, the policy ``shared-2s``."""
