"""The errors that the evaluation raises.

LetheError
└── EvalError
    ├── BadBenchmark        a benchmark file is missing, unreadable or has a bad row
    ├── BadLog              a log is missing, unreadable or not of the expected format
    ├── RetainLogRequired   a metric of the log compares with a retain model, and no retain log was given
    ├── BadRun              a run's folder cannot be written, or holds something else
    └── EndpointFailed      the endpoint, or its admin plane, does not answer as it must

Messages name files, lines and fields, never the text in them.
"""

from __future__ import annotations

from guard.errors import LetheError


class EvalError(LetheError):
    """Input of the evaluation cannot be used."""

    code = "eval_error"
    status = 422


class BadBenchmark(EvalError):
    """A benchmark file cannot be used; the message names file and line."""

    code = "bad_benchmark"


class BadLog(EvalError):
    """A log cannot be used; the message names file and member."""

    code = "bad_log"


class RetainLogRequired(EvalError):
    """A metric of the log cannot be computed without the log of the retain model."""

    code = "retain_log_required"


class BadRun(EvalError):
    """The folder of a run cannot be read, written, or belongs to another run."""

    code = "bad_run"


class EndpointFailed(EvalError):
    """An endpoint cannot be reached, refuses, or is not in the state that a run needs."""

    code = "endpoint_failed"
    status = 502
