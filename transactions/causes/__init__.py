"""Causes: what lies behind groups of failures and other trouble, ranked by what it blocks, with what helps.

Pure: it is handed what any platform can see of its transactions (codes, places, objects, times, what targets say when
they are asked), and never looks at what only a simulator knows. ``diagnosis.diagnose`` is the way in, ``model`` what
comes out.
"""
