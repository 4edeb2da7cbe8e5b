#!/usr/bin/env bash
# Rebuilds the dashboard's page from src/edge/observe/web/source. Only who changes the page needs this (and npm): the
# bundle in web/dist is committed and compiled into the program.
# Usage: tools/build_page.sh [DIRECTORY]   (default: src/edge/observe/web/dist)
set -euo pipefail
out=$(realpath -m "${1:-$(dirname "${BASH_SOURCE[0]}")/../src/edge/observe/web/dist}")
cd "$(dirname "${BASH_SOURCE[0]}")/../src/edge/observe/web"

# npm writes this file when it has installed what the lock file says.
if [[ ! node_modules/.package-lock.json -nt package-lock.json ]]; then
  npm ci --no-audit --no-fund --loglevel=error
fi
npx --no-install tsc --noEmit
node build.mjs "$out"
