"""What each agent is asked, how untrusted text is quoted in it, and how its reply is parsed."""
