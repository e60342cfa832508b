#!/usr/bin/env bash
# Validates SARIF files (default: the held samples) with Microsoft's multitool and GitHub's rules. Needs npm, once, to fetch
# the tool. The tool's own status is 0 with errors present, and its npm wrapper tears `Sarif;Ghas` apart: so the native
# binary is called, and its words are read.
set -euo pipefail
cd "$(dirname "$0")/.."
version=5.7.0
home=${AUDIT_TOOLS:-target/tools}/sarif-multitool-$version
tool=$home/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool
if [ ! -f "$tool" ]; then
  mkdir -p "$home"
  npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$home" "@microsoft/sarif-multitool@$version" "@microsoft/sarif-multitool-linux@$version"
fi
chmod u+x "$tool"
[ $# -gt 0 ] || set -- tests/golden/*.sarif
bad=0
for file in "$@"; do
  out=$("$tool" validate "$file" --rule-kind "Sarif;Ghas" 2>&1) || true
  if grep -qE ': (error|warning) ' <<<"$out" || ! grep -q 'Analysis completed successfully' <<<"$out"; then
    printf '%s\n' "$out" >&2
    bad=1
  else
    echo "ok $file"
  fi
done
exit $bad
