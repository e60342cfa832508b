#!/usr/bin/env bash
# Changes proposed by audit 0.1.0, in the order in which they must be made.
# Nothing here has been run. Read each command before you run it; each changes your account.
set -euo pipefail

# There is nothing to run.
