"""Names in scripts without capitals: Chinese, Japanese, Korean, Thai, Arabic, Hebrew and Hindi."""
