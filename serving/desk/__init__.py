"""The desk: web pages on the admin plane, where people sign in, see what is forgotten, and change it."""
