"""Delivery: guards before a request leaves, the request, what its answer means, and what follows."""
