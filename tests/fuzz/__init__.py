"""Room: sound that nobody meant, through every detector.  Must not be imported by the product.

`python -m tests.fuzz` runs it by hand; docs/testing.md says how.
"""
