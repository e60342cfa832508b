#!/usr/bin/env bash
# How long an audit takes: the release binary against a local server that answers after a set time.
#
#   scripts/bench.sh [BINARY]        default: builds and uses target/release/audit; RUNS=5: runs of each
#
# Prints, for a small VPC (the scene `isolated`) at 30 and 100 ms and for a large account (20 VPCs, 300 endpoints, 2,000
# groups, 5,000 instances, 200 services) at 30 ms: calls, dependent rounds, the time of the fastest run, and the most memory
# used in any. Then the time of the analysis alone (scripts/bench/analysis.rs). Only a calm machine gives figures that mean
# something.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ $# -gt 0 ]; then binary=$1; else cargo build --release --locked --quiet; binary=target/release/audit; fi
cargo build --locked --quiet --example bench-server
out=target/bench
mkdir -p $out
large=$out/large.answers
[ -f $large ] || python3 -B scripts/scenes/large.py $large

measure() { # scene answers region latency
  target/debug/examples/bench-server "$2" "$4" $out/calls.log > $out/url &
  local server=$!
  # shellcheck disable=SC2064
  trap "kill $server" EXIT
  until [ -s $out/url ]; do sleep 0.1; done
  echo "$1, $4 ms: $(python3 -B scripts/bench/run.py $out/calls.log "$4" "$(cat $out/url)" "${RUNS:-5}" "$binary" --region "$3" --format json)"
  kill $server
  wait $server 2>/dev/null || true
  trap - EXIT
  rm $out/url
}

measure "small VPC" tests/fixtures/answers/isolated.answers ap-southeast-2 30
measure "small VPC" tests/fixtures/answers/isolated.answers ap-southeast-2 100
measure "large account" $large us-west-2 30
[ $# -gt 0 ] || cargo bench --locked --quiet --bench analysis
