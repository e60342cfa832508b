#!/usr/bin/env bash
# Tries HTML reports (default: the held samples) in headless Chromium: a cell is clicked and its hops appear, keys, filters,
# copying and themes work, nothing is loaded, nothing complains. Needs Chromium (CHROMIUM, or on the path), node and, once,
# npm. With SHOTS=DIR it leaves screenshots there.
set -euo pipefail
cd "$(dirname "$0")/.."
version=1.57.0
home=${AUDIT_TOOLS:-target/tools}/playwright-core-$version
if [ ! -d "$home/node_modules/playwright-core" ]; then
  mkdir -p "$home"
  PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm install --silent --no-audit --no-fund --prefix "$home" "playwright-core@$version"
fi
CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome)}
export CHROMIUM
[ $# -gt 0 ] || set -- tests/golden/*.html
NODE_PATH="$home/node_modules" exec node scripts/html-check.cjs "$@"
