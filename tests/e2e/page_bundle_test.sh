#!/usr/bin/env bash
# The committed bundle of the dashboard's page is what its sources give.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

"$root/tools/build_page.sh" "$out"
if ! diff -rq "$out" "$root/src/edge/observe/web/dist"; then
  echo "The page's sources and its committed bundle differ: run tools/build_page.sh and commit web/dist." >&2
  exit 1
fi
