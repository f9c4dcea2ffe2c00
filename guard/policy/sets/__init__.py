"""Policy sets: the policies of clients that are answered under some targets only, made from the whole policy."""
