"""Who answers a request (engine, agents, beam search, decline), and what may leave: the output guard."""
