#!/usr/bin/env bash
# Fails where dependencies of the tests change the features of a crate that AWS's SDK stands on: cargo would then compile that
# crate, and the whole SDK above it, a second time for the tests.
set -euo pipefail
cd "$(dirname "$0")/.."
tree() { cargo tree --locked --prefix none "$@" | sed 's/ (\*)$//' | sort -u; }
below=$(tree --edges normal,build --package aws-config --package aws-sdk-ec2 --format '{p}')
changed=$(comm -23 <(tree --edges normal,build --format '{p} {f}') <(tree --edges normal,build,dev --format '{p} {f}') | while read -r name version features; do
  if grep -qxF "$name $version" <<<"$below"; then echo "$name $version $features"; fi
done)
[ -z "$changed" ] || { printf 'with the tests, these are built with other features:\n%s\n' "$changed" >&2; exit 1; }
