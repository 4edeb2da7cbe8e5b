"""The Query protocol (form parameters in, XML out) against the real program, spoken by hand as old clients do."""

import hashlib
import unittest
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as xml

from with_server import server

NAMESPACE = "{http://queue.amazonaws.com/doc/2012-11-05/}"


class Query(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.running = server()
        cls.endpoint = cls.running.__enter__()["sqs"]

    @classmethod
    def tearDownClass(cls):
        cls.running.__exit__(None, None, None)

    def ask(self, action, url=None, method="POST", **parameters):
        """(status, root element) of the answer. Underscores in names of parameters stand for dots."""
        fields = {"Action": action, "Version": "2012-11-05"}
        fields |= {name.replace("_", "."): value for name, value in parameters.items()}
        form = urllib.parse.urlencode(fields)
        url = url or self.endpoint + "/"
        request = urllib.request.Request(url, form.encode(), method="POST") if method == "POST" else f"{url}?{form}"
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                self.assertEqual(response.headers["Content-Type"], "text/xml")
                return response.status, xml.fromstring(response.read())
        except urllib.error.HTTPError as failure:
            with failure:
                return failure.code, xml.fromstring(failure.read())

    def texts(self, element, path):
        return [found.text for found in element.findall("./" + "/".join(NAMESPACE + part for part in path.split("/")))]

    def test_a_message_comes_back_by_the_queues_own_url(self):
        _, made = self.ask("CreateQueue", QueueName="query", Attribute_1_Name="VisibilityTimeout", Attribute_1_Value="60")
        [url] = self.texts(made, "CreateQueueResult/QueueUrl")
        body = "h\u00fcllo & <bye> \r\n"
        _, sent = self.ask("SendMessage", url, MessageBody=body, MessageAttribute_1_Name="n",
                           MessageAttribute_1_Value_DataType="Number", MessageAttribute_1_Value_StringValue="7")
        self.assertEqual(self.texts(sent, "SendMessageResult/MD5OfMessageBody"),
                         [hashlib.md5(body.encode()).hexdigest()])
        self.assertEqual(len(self.texts(sent, "ResponseMetadata/RequestId")), 1)
        _, received = self.ask("ReceiveMessage", url, AttributeName_1="All", MessageAttributeName_1="All",
                               WaitTimeSeconds="5")
        message = "ReceiveMessageResult/Message/"
        self.assertEqual(self.texts(received, message + "Body"), [body])
        self.assertEqual(self.texts(received, message + "MessageAttribute/Value/StringValue"), ["7"])
        self.assertIn("SentTimestamp", self.texts(received, message + "Attribute/Name"))
        [handle] = self.texts(received, message + "ReceiptHandle")
        status, deleted = self.ask("DeleteMessage", url, ReceiptHandle=handle)
        self.assertEqual((status, deleted.tag), (200, NAMESPACE + "DeleteMessageResponse"))
        _, attributes = self.ask("GetQueueAttributes", url, method="GET", AttributeName_1="VisibilityTimeout")
        self.assertEqual(self.texts(attributes, "GetQueueAttributesResult/Attribute/Value"), ["60"])

    def test_errors_are_the_services(self):
        for action, parameters, status, code in (
            ("GetQueueUrl", {"QueueName": "none"}, 400, "AWS.SimpleQueueService.NonExistentQueue"),
            ("MakeCoffee", {}, 400, "InvalidAction"),
            ("CreateQueue", {}, 400, "MissingParameter"),
            ("SendMessage", {"QueueUrl": self.endpoint + "/"}, 400, "MissingParameter"),
            ("DeleteQueue", {"QueueUrl": self.endpoint + "/"}, 404, "InvalidAddress"),
        ):
            with self.subTest(action=action):
                got, answer = self.ask(action, **parameters)
                self.assertEqual((got, self.texts(answer, "Error/Code"), self.texts(answer, "Error/Type")),
                                 (status, [code], ["Sender"]))


if __name__ == "__main__":
    unittest.main()
