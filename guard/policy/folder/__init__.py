"""What policies leave in the folder that engines read: the enforced version, and files as long as needed."""
