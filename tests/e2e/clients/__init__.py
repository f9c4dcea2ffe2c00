"""Scripted sessions of client libraries, each a program that runs in the clients' own environment."""
