"""Tables, charts and pages written from stored samples."""
