"""What changed between two contracts, and whom that breaks: OpenAPI 3.0 and 3.1 documents, and JSON Schemas.

One comparison of schemas with a direction: what was accepted in requests must stay accepted, what was promised in
responses must stay promised. What cannot be decided is said to be undecided.
"""
