"""Parts of benchmarks/answers.py."""
