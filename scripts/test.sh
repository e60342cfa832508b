#!/usr/bin/env bash
# Runs every test. Needs Rust and Python 3.10 or later; sets up the rest itself.
#
#   scripts/test.sh [ARGUMENTS OF cargo test]
set -euo pipefail
cd "$(dirname "$0")/.."
localstack/setup.sh
cargo test --locked "$@"
