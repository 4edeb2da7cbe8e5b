#!/usr/bin/env bash
# docs/configuration.md is what `forewarm config reference` prints. FOREWARM_UPDATE=1 rewrites the page.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
program=${FOREWARM_PROGRAM:-$root/build/release/forewarm}
page=$root/docs/configuration.md
printed=$(mktemp)
trap 'rm -f "$printed"' EXIT

"$program" config reference >"$printed"
if [[ -n ${FOREWARM_UPDATE:-} ]]; then
  cp "$printed" "$page"
elif ! diff -u "$page" "$printed"; then
  echo "docs/configuration.md differs from the program: run FOREWARM_UPDATE=1 tests/e2e/config_reference_test.sh" >&2
  exit 1
fi
