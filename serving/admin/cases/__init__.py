"""Cases over HTTP: who asked for a target to be forgotten, by a reference, and until when."""
