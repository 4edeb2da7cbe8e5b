#!/bin/sh
# The smallest runtime: what AWS shows for custom runtimes, in POSIX shell with curl.
set -eu
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
headers=$(mktemp)
trap 'rm -f "$headers"' EXIT
while :; do
  event=$(curl --silent --show-error --fail --location --dump-header "$headers" "$api/invocation/next")
  id=$(sed -n 's/^Lambda-Runtime-Aws-Request-Id: *\([^[:space:]]*\).*/\1/ip' "$headers")
  echo "event of ${#event} bytes"
  if [ "$event" = '"fail"' ]; then
    curl --silent --show-error --fail --output /dev/null --data '{"errorType":"Shell.Failed","errorMessage":"as asked"}' \
      "$api/invocation/$id/error"
  else
    curl --silent --show-error --fail --output /dev/null --data "shell got $event" "$api/invocation/$id/response"
  fi
done
