"""boto3 (botocore checks every MD5 by itself) against the real program; passed over where it is not installed."""

import sys
import unittest

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import ClientError
except ImportError:
    print("boto3 is not installed; nothing is tested")
    sys.exit(0)

from with_server import server


class Boto3(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.running = server()
        cls.client = boto3.client("sqs", endpoint_url=cls.running.__enter__()["sqs"], region_name="us-east-1",
                                  aws_access_key_id="test", aws_secret_access_key="test",
                                  config=Config(retries={"max_attempts": 0}))

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.running.__exit__(None, None, None)

    def test_a_message_comes_back_as_it_was_sent(self):
        url = self.client.create_queue(QueueName="boto")["QueueUrl"]
        attributes = {"s": {"DataType": "String", "StringValue": "\u00fc"},
                      "b": {"DataType": "Binary.raw", "BinaryValue": b"\x00\xff"}}
        sent = self.client.send_message(QueueUrl=url, MessageBody="h\u00fcllo \U0001f600", MessageAttributes=attributes)
        [message] = self.client.receive_message(QueueUrl=url, MessageAttributeNames=["All"], WaitTimeSeconds=5,
                                                AttributeNames=["All"])["Messages"]
        self.assertEqual(message["Body"], "h\u00fcllo \U0001f600")
        self.assertEqual(message["MessageId"], sent["MessageId"])
        self.assertEqual(message["MessageAttributes"], attributes)
        self.client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        self.assertNotIn("Messages", self.client.receive_message(QueueUrl=url))

    def test_a_clean_batch_has_no_failed_member(self):
        url = self.client.create_queue(QueueName="boto-batch")["QueueUrl"]
        answer = self.client.send_message_batch(QueueUrl=url, Entries=[{"Id": "a", "MessageBody": "x"}])
        self.assertNotIn("Failed", answer)

    def test_pages_of_queues_are_walked(self):
        for i in range(5):
            self.client.create_queue(QueueName=f"page-{i}")
        pages = self.client.get_paginator("list_queues").paginate(
            QueueNamePrefix="page-", PaginationConfig={"PageSize": 2})
        self.assertEqual([len(page["QueueUrls"]) for page in pages], [2, 2, 1])

    def test_errors_have_the_services_codes(self):
        with self.assertRaises(self.client.exceptions.QueueDoesNotExist) as missing:
            self.client.get_queue_url(QueueName="none")
        self.assertEqual(missing.exception.response["Error"]["Code"], "AWS.SimpleQueueService.NonExistentQueue")
        with self.assertRaises(ClientError) as wrong:
            self.client.receive_message(QueueUrl=self.client.create_queue(QueueName="boto")["QueueUrl"],
                                        WaitTimeSeconds=21)
        self.assertEqual(wrong.exception.response["Error"]["Code"], "InvalidParameterValue")


if __name__ == "__main__":
    unittest.main()
