"""What servers have the engines' workers load of a policy, and what each worker acknowledges."""
