"""Policy files to policies: strictly, and with everything that is wrong told at once."""

from gateway_policies.loading.cache import Cache
from gateway_policies.loading.folder import environments_of, files_of
from gateway_policies.loading.loader import Loaded, load
from gateway_policies.loading.mistakes import EXPLANATIONS

__all__ = ["EXPLANATIONS", "Cache", "Loaded", "environments_of", "files_of", "load"]
