"""The `lethe eval` command and the evaluation sub-commands of `lethe alu`, `assistant` and `detector`."""
