"""`lethe bench soak`: memory, files, threads and latencies of a server under hours of load and steady changes."""
