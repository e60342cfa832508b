#!/usr/bin/env bash
# Checks every format, and every command, Terraform block and CloudFormation snippet, with outside validators: the AWS CLI's
# own parser, HCL parsers, cfn-lint, shellcheck, the OCSF schema, Security Hub's input shape, a JUnit and a GFM parser.
#
#   scripts/formats.sh [FOLDER|REPORT.json…]     default: the demo, the folders of the tests, and what the rules' tests propose
#
# Needs the binary (AUDIT, default target/debug/audit) and Python 3.10 or later; fetches the validators once, from PyPI.
# SARIF and HTML have checks of their own: sarif-check.sh and html-check.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
home=${AUDIT_TOOLS:-target/tools}/formats
if ! cmp -s scripts/formats/requirements.txt "$home/made-from"; then
  python=${PYTHON:-$(command -v python3.11 || command -v python3 || true)}
  [ -n "$python" ] || { echo "no python3: install Python 3.10 or later, with venv (Debian: python3-venv)" >&2; exit 1; }
  rm -rf "$home"
  mkdir -p "$(dirname "$home")"
  "$python" -m venv "$home"
  "$home/bin/pip" install --quiet --disable-pip-version-check --requirement scripts/formats/requirements.txt
  cp scripts/formats/requirements.txt "$home/made-from"
fi
audit=${AUDIT:-target/debug/audit}
[ -x "$audit" ] || cargo build --locked --quiet
if [ $# -eq 0 ]; then
  kept=$(mktemp -d)
  trap 'rm -rf "$kept"' EXIT
  AUDIT_KEEP_FIXES="$kept" ${CARGO:-cargo} test --locked --quiet --lib rules:: >"$kept/log" 2>&1 || { cat "$kept/log" >&2; exit 1; }
  "$home/bin/python" -B scripts/formats/planted.py "$audit" tests/fixtures/snapshots/*/
  set -- --demo tests/fixtures/snapshots/*/ tests/golden/{sample,passing,hostile}.json "$kept"/*.fixes
fi
"$home/bin/python" -B scripts/formats/check.py "$audit" "$@"
