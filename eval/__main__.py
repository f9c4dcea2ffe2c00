from eval.cli.app import app

app(prog_name="lethe eval")
