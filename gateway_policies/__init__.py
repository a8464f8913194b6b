"""Policy as code. Files, and a gateway only through the protocol it is handed."""
