"""`lethe bench`: latency and throughput of the guarded endpoint against stock vLLM."""
