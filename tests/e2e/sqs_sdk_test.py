"""The official JavaScript SDK (sdk/sqs.mjs) and sqs-consumer (sdk/consumer.mjs) against the real program.

Needs `npm ci` in this folder.
"""

import pathlib
import sys

from with_server import main

HERE = pathlib.Path(__file__).parent

if __name__ == "__main__":
    sys.exit(main(["node", "--test", "--test-concurrency=1", str(HERE / "sdk" / "sqs.mjs"),
                   str(HERE / "sdk" / "consumer.mjs")]))
