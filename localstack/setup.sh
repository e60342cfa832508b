#!/usr/bin/env bash
# Makes localstack/.venv, with exactly what requirements.txt pins. Does nothing where that is done already.
set -euo pipefail
cd "$(dirname "$0")"
stamp=.venv/made-from
if ! cmp -s requirements.txt "$stamp"; then
  python=${PYTHON:-$(command -v python3.11 || command -v python3 || true)}
  [ -n "$python" ] || { echo "no python3: install Python 3.10 or later, with venv (Debian: python3-venv)" >&2; exit 1; }
  rm -rf .venv
  "$python" -m venv .venv
  .venv/bin/pip install --quiet --disable-pip-version-check --requirement requirements.txt
  cp requirements.txt "$stamp"
fi
