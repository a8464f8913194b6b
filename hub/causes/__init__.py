"""Evidence for causes: what the store, the way out to each target and the systems themselves say of trouble."""

from hub.causes.diagnosing import Diagnostician

__all__ = ["Diagnostician"]
