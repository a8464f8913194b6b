"""The gateway that enforces the policies: Envoy, configured from them and kept running beside the hub."""
