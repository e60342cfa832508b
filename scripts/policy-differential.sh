#!/usr/bin/env bash
# Compares the endpoint-policy evaluator with an independent one, npm's @cloud-copilot/iam-simulate, on random policies.
#
#   scripts/policy-differential.sh [COUNT [SEED]]       default: 20000 policies, seed 1
#
# Needs node, npm and network. The package is under the AGPL: it is installed into target/policy-differential for this
# comparison alone, and is neither linked nor shipped. Exit status 0 if no disagreement is left unexplained.
#
# What must hold: with everything known both decide alike; with some keys unknown, a definite answer is the other's answer
# for every value tried. Known differences, each settled by the documentation of IAM:
#
# 1. Version. The simulator fills in policy variables under every Version; AWS does so under 2012-10-17 alone, and takes
#    `${...}` as plain text elsewhere. The generator writes no variables under 2008-10-17.
# 2. ForAnyValue with IfExists, key missing. AWS: IfExists makes any operator but Null true where the key is missing. The
#    simulator says false. The generator does not combine the two.
# 3. Endpoint policies' Principal. The simulator ignores it in endpoint policies, so the policy is compared as a resource
#    policy. What holds at gateway endpoints alone (an account is its root user) is not compared.
# 4. Forms whose effect AWS does not document: ours is `unknown`, naming the statement, where the simulator picks a side:
#    - NotPrincipal that names some but not all of role, session and account of the caller;
#    - a negated operator, or NotResource, whose variable has no value;
#    - a wildcard in the resource type of an ARN (`*/prod`), which the documentation calls incorrect and the simulator
#      never matches, and a wildcard that would have to cross a colon inside a segment;
#    - several values of a key under an operator without ForAllValues or ForAnyValue.
#    The comparison counts them ("undocumented forms") and holds each against the reason given.
# 5. Case in the segments of an ARN before the resource: the simulator folds it, AWS does not. The generator's ARNs agree.
set -euo pipefail
cd "$(dirname "$0")/.."
here=$PWD
cargo build --quiet --example policy-batch
mkdir -p target/policy-differential
cd target/policy-differential
[ -f package.json ] || echo '{"name":"policy-differential","private":true}' > package.json
npm install --silent --no-audit --no-fund --no-save @cloud-copilot/iam-simulate@0.1.173
exec node "$here/scripts/policy-differential/compare.mjs" "${CARGO_TARGET_DIR:-$here/target}/debug/examples/policy-batch" "${1:-20000}" "${2:-1}"
