"""Keys: who may administer the server and who may ask it, stored as hashes, and changed while servers run."""
