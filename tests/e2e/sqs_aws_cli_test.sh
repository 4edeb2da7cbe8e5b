#!/usr/bin/env bash
# Debian's `aws` command line against the real program.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
if [ -z "${FOREWARM_ENDPOINT:-}" ]; then exec python3 -B with_server.py bash "$PWD/sqs_aws_cli_test.sh"; fi

# Debian's own if it is there: another one may come first in PATH.
aws=/usr/bin/aws
[ -x "$aws" ] || aws=$(command -v aws)
sqs() { "$aws" --endpoint-url "$FOREWARM_ENDPOINT" --output text sqs "$@"; }
fail() { echo "FAILED: $*" >&2; exit 1; }
same() { [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"; }
refused() {
  local code=$1
  shift
  local message
  if message=$(sqs "$@" 2>&1); then fail "$1 was not refused"; fi
  case $message in *"($code)"*) ;; *) fail "$1: expected $code, got: $message" ;; esac
}

url=$(sqs create-queue --queue-name cli --attributes VisibilityTimeout=600 --tags team=a)
same "get-queue-url" "$url" "$(sqs get-queue-url --queue-name cli)"
same "tags" "a" "$(sqs list-queue-tags --queue-url "$url" --query Tags.team)"

sent=$(sqs send-message --queue-url "$url" --message-body 'hällo & <bye>' \
  --message-attributes '{"n":{"DataType":"Number","StringValue":"7"},"b":{"DataType":"Binary","BinaryValue":"AAEC"}}' \
  --query '[MessageId,MD5OfMessageAttributes]')
same "receive" "hällo & <bye>	7	$sent" "$(sqs receive-message --queue-url "$url" --message-attribute-names All \
  --visibility-timeout 0 --query 'Messages[0].[Body,MessageAttributes.n.StringValue,MessageId,MD5OfMessageAttributes]')"

handle=$(sqs receive-message --queue-url "$url" --wait-time-seconds 5 --query 'Messages[0].ReceiptHandle')
sqs change-message-visibility --queue-url "$url" --receipt-handle "$handle" --visibility-timeout 60
same "in flight" "1" "$(sqs get-queue-attributes --queue-url "$url" --attribute-names All \
  --query Attributes.ApproximateNumberOfMessagesNotVisible)"
sqs delete-message --queue-url "$url" --receipt-handle "$handle"
same "deleted" "0" "$(sqs get-queue-attributes --queue-url "$url" \
  --attribute-names ApproximateNumberOfMessagesNotVisible --query Attributes.ApproximateNumberOfMessagesNotVisible)"

same "batch" "a b" "$(sqs send-message-batch --queue-url "$url" --entries Id=a,MessageBody=1 Id=b,MessageBody=2 \
  --query 'Successful[].Id' | tr '\t' ' ')"
sqs purge-queue --queue-url "$url"
same "purged" "None" "$(sqs receive-message --queue-url "$url" --query 'Messages[0]')"

fifo=$(sqs create-queue --queue-name cli.fifo --attributes FifoQueue=true,ContentBasedDeduplication=true)
first=$(sqs send-message --queue-url "$fifo" --message-body x --message-group-id g --query SequenceNumber)
same "duplicate" "$first" "$(sqs send-message --queue-url "$fifo" --message-body x --message-group-id g --query SequenceNumber)"

refused AWS.SimpleQueueService.NonExistentQueue get-queue-url --queue-name none
refused ReceiptHandleIsInvalid delete-message --queue-url "$url" --receipt-handle forged
refused QueueAlreadyExists create-queue --queue-name cli --attributes VisibilityTimeout=1
refused AWS.SimpleQueueService.PurgeQueueInProgress purge-queue --queue-url "$url"

sqs delete-queue --queue-url "$url"
same "listed" "$fifo" "$(sqs list-queues --query 'QueueUrls[]')"
echo "the aws command line works"
