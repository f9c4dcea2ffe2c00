"""`lethe doctor`: what is wrong with a server and its machine, with advice; also while the server is down."""
