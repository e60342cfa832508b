#!/usr/bin/env bash
# How long an audit takes: the release binary against a local server that answers after a set time.
#
#   scripts/bench.sh [BINARY]        default: builds and uses target/release/audit
#
# Prints, for a small VPC (the scene `isolated`) at 30 and 100 ms and for a large account (20 VPCs, 300 endpoints, 2,000
# groups, 5,000 instances, 200 services) at 30 ms: calls, dependent rounds, time, and the most memory used. Then the time of
# the analysis alone (scripts/bench/analysis.rs). Only a calm machine gives figures that mean something.
set -euo pipefail
cd "$(dirname "$0")/.."
localstack/setup.sh
if [ $# -gt 0 ]; then binary=$1; else cargo build --release --locked --quiet; binary=target/release/audit; fi
cargo build --locked --quiet --example bench-server
out=target/bench
mkdir -p $out
large=$out/large.answers
[ -f $large ] || localstack/.venv/bin/python scripts/scenes/large.py $large

measure() { # scene answers region latency
  target/debug/examples/bench-server "$2" "$4" $out/calls.log > $out/url &
  local server=$!
  # shellcheck disable=SC2064
  trap "kill $server" EXIT
  until [ -s $out/url ]; do sleep 0.1; done
  local began ended
  began=$(date +%s.%N)
  env -i HOME=/nonexistent AWS_EC2_METADATA_DISABLED=true AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x AWS_ENDPOINT_URL="$(cat $out/url)" \
    python3 -c 'import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)' \
    "$binary" --region "$3" --format json > $out/memory
  ended=$(date +%s.%N)
  kill $server
  wait $server 2>/dev/null || true
  trap - EXIT
  rm $out/url
  echo "$1, $4 ms: $(python3 scripts/bench/rounds.py $out/calls.log "$4" "$(python3 -c "print($ended - $began)")"), $(cat $out/memory) MB"
}

"$binary" --version > /dev/null
measure "small VPC" tests/fixtures/answers/isolated.answers ap-southeast-2 30
measure "small VPC" tests/fixtures/answers/isolated.answers ap-southeast-2 100
measure "large account" $large us-west-2 30
[ $# -gt 0 ] || cargo bench --locked --quiet --bench analysis
