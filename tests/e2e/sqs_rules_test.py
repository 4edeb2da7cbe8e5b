"""The rules of the SQS API reference, action by action, at their bounds and in both protocols, against the real program."""

import http.client
import json
import re
import unittest
import urllib.parse
import xml.etree.ElementTree as xml

from with_server import server

NAMESPACE = "{http://queue.amazonaws.com/doc/2012-11-05/}"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MAPS = {"Attributes": ("Attribute", "Name"), "MessageAttributes": ("MessageAttribute", "Name"),
        "MessageSystemAttributes": ("MessageSystemAttribute", "Name"), "Tags": ("Tag", "Key"), "tags": ("Tag", "Key")}
LISTS = {"AttributeNames": "AttributeName", "MessageAttributeNames": "MessageAttributeName",
         "MessageSystemAttributeNames": "MessageSystemAttributeName", "TagKeys": "TagKey",
         "AWSAccountIds": "AWSAccountId", "Actions": "ActionName", "StringListValues": "StringListValue"}
MEBIBYTE = 1_048_576
# The shape of the JSON protocol: the code of the Query protocol and the HTTP status.
CODES = {
    "BatchEntryIdsNotDistinct": ("AWS.SimpleQueueService.BatchEntryIdsNotDistinct", 400),
    "BatchRequestTooLong": ("AWS.SimpleQueueService.BatchRequestTooLong", 400),
    "EmptyBatchRequest": ("AWS.SimpleQueueService.EmptyBatchRequest", 400),
    "InvalidAddress": ("InvalidAddress", 404),
    "InvalidAttributeName": ("InvalidAttributeName", 400),
    "InvalidAttributeValue": ("InvalidAttributeValue", 400),
    "InvalidBatchEntryId": ("AWS.SimpleQueueService.InvalidBatchEntryId", 400),
    "InvalidMessageContents": ("InvalidMessageContents", 400),
    "InvalidParameterValueException": ("InvalidParameterValue", 400),
    "MessageNotInflight": ("AWS.SimpleQueueService.MessageNotInflight", 400),
    "MissingRequiredParameterException": ("MissingParameter", 400),
    "OverLimit": ("OverLimit", 403),
    "PurgeQueueInProgress": ("AWS.SimpleQueueService.PurgeQueueInProgress", 403),
    "QueueDeletedRecently": ("AWS.SimpleQueueService.QueueDeletedRecently", 400),
    "QueueDoesNotExist": ("AWS.SimpleQueueService.NonExistentQueue", 400),
    "QueueNameExists": ("QueueAlreadyExists", 400),
    "ReceiptHandleIsInvalid": ("ReceiptHandleIsInvalid", 404),
    "ResourceNotFoundException": ("ResourceNotFoundException", 404),
    "TooManyEntriesInBatchRequest": ("AWS.SimpleQueueService.TooManyEntriesInBatchRequest", 400),
    "UnknownOperationException": ("InvalidAction", 400),
    "UnsupportedOperation": ("AWS.SimpleQueueService.UnsupportedOperation", 400),
}
VALUE, MISSING = "InvalidParameterValueException", "MissingRequiredParameterException"


def parameters(action, members):
    """The members of a JSON request as parameters of the Query protocol."""
    def entries(prefix, value):
        for name, member in value.items():
            if name in MAPS and isinstance(member, dict):
                short, key = MAPS[name]
                for i, (entry, content) in enumerate(member.items(), 1):
                    yield f"{prefix}{short}.{i}.{key}", entry
                    if isinstance(content, dict):
                        yield from entries(f"{prefix}{short}.{i}.Value.", content)
                    else:
                        yield f"{prefix}{short}.{i}.Value", content
            elif name in LISTS:
                for i, content in enumerate(member, 1):
                    yield f"{prefix}{LISTS[name]}.{i}", content
            elif name == "Entries":
                for i, content in enumerate(member, 1):
                    yield from entries(f"{prefix}{action}RequestEntry.{i}.", content)
            elif isinstance(member, list):
                for i, content in enumerate(member, 1):
                    yield f"{prefix}{name}.{i}", content
            else:
                yield prefix + name, member
    return dict(entries("", members))


def text(value="x"):
    return {"DataType": "String", "StringValue": value}


class Rules(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.running = server()
        cls.address = urllib.parse.urlsplit(cls.running.__enter__()["sqs"]).netloc
        cls.connection = http.client.HTTPConnection(cls.address, timeout=60)
        cls.made = 0

    @classmethod
    def tearDownClass(cls):
        cls.connection.close()
        cls.running.__exit__(None, None, None)

    def post(self, body, headers, path="/"):
        self.connection.request("POST", path, body, headers)
        response = self.connection.getresponse()
        self.assertRegex(response.headers["x-amzn-RequestId"], UUID)
        self.assertTrue(response.headers["Date"])
        return response.status, response.headers, response.read().decode()

    def json(self, action, members):
        """(status, shape of the error or None, its code for Query clients, members of the answer)."""
        status, headers, body = self.post(json.dumps(members), {
            "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS." + action})
        self.assertEqual(headers["Content-Type"], "application/x-amz-json-1.0")
        answer = json.loads(body) if body else {}
        shape = answer["__type"].split("#")[1] if status != 200 else None
        return status, shape, headers.get("x-amzn-query-error"), answer

    def form(self, action, members):
        """(status, code of the error or None, who is at fault, root of the answer)."""
        fields = {"Action": action, "Version": "2012-11-05"} | parameters(action, members)
        status, headers, body = self.post(urllib.parse.urlencode(fields),
                                          {"Content-Type": "application/x-www-form-urlencoded"})
        self.assertEqual(headers["Content-Type"], "text/xml")
        root = xml.fromstring(body)
        if status == 200:
            return status, None, None, root
        error = root.find(NAMESPACE + "Error")
        return status, error.find(NAMESPACE + "Code").text, error.find(NAMESPACE + "Type").text, root

    def ok(self, action, **members):
        status, shape, _, answer = self.json(action, members)
        self.assertEqual((status, shape), (200, None), answer)
        return answer

    def refused(self, shape, action, **members):
        code, status = CODES[shape]
        with self.subTest(action=action, members=str(members)[:300]):
            got = self.json(action, members)
            self.assertEqual(got[:3], (status, shape, code + ";Sender"), got[3])
            self.assertTrue(got[3]["message"])
            self.assertEqual(self.form(action, members)[:3], (status, code, "Sender"))

    def queue(self, ending="", **attributes):
        type(self).made += 1
        if ending:
            attributes["FifoQueue"] = "true"
        return self.ok("CreateQueue", QueueName=f"rules-{self.made}{ending}", Attributes=attributes)["QueueUrl"]

    def arn(self, url):
        return self.ok("GetQueueAttributes", QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def receive(self, url, **more):
        return self.ok("ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=10, **more).get("Messages", [])

    def test_unknown_and_unreadable_requests(self):
        self.refused("UnknownOperationException", "MakeCoffee")
        for body, headers, status, shape in (
                ("{", {"X-Amz-Target": "AmazonSQS.ListQueues"}, 400, "SerializationException"),
                ("[]", {"X-Amz-Target": "AmazonSQS.ListQueues"}, 400, "SerializationException"),
                ('{"MaxResults":"ten"}', {"X-Amz-Target": "AmazonSQS.ListQueues"}, 400, "SerializationException"),
                ('{"MaxResults":1.5}', {"X-Amz-Target": "AmazonSQS.ListQueues"}, 400, "SerializationException"),
                ("{}", {"X-Amz-Target": "AmazonSNS.ListQueues"}, 400, "UnknownOperationException"),
                ("{}", {"Content-Type": "application/x-amz-json-1.0"}, 400, "UnknownOperationException")):
            with self.subTest(body=body, headers=headers):
                got, answered, text = self.post(body, headers)
                self.assertEqual((got, json.loads(text)["__type"].split("#")[1]), (status, shape))
                self.assertTrue(answered["x-amzn-query-error"].endswith(";Sender"))
        for body, status, code in (("Version=2012-11-05", 400, "MissingAction"),
                                   ("Action=ListQueues&QueueNamePrefix=%zz", 404, "MalformedQueryString"),
                                   ("Action=ListQueues&MaxResults=ten", 400, "InvalidParameterValue")):
            with self.subTest(body=body):
                got, _, text = self.post(body, {"Content-Type": "application/x-www-form-urlencoded"})
                self.assertEqual((got, xml.fromstring(text).find(f"{NAMESPACE}Error/{NAMESPACE}Code").text), (status, code))

    def test_who_looks_whether_the_server_is_there_may_ask_for_the_head_only(self):
        for path in ("/", "/health"):
            self.connection.request("HEAD", path)
            response = self.connection.getresponse()
            self.assertEqual((response.status, response.read()), (200, b""))

    def test_the_older_protocol_has_its_older_words_for_a_queue_that_is_not_there(self):
        members = {"QueueUrl": f"http://{self.address}/000000000000/none"}
        self.assertEqual(self.json("GetQueueAttributes", members)[3]["message"], "The specified queue does not exist.")
        self.assertEqual(self.form("GetQueueAttributes", members)[3].find(f"{NAMESPACE}Error/{NAMESPACE}Message").text,
                         "The specified queue does not exist for this wsdl version.")

    def test_every_action_on_a_queue_names_one_that_is_there(self):
        none = f"http://{self.address}/000000000000/none"
        entry = {"Id": "a", "ReceiptHandle": "r"}
        for action, members in {
                "AddPermission": {"Label": "l", "AWSAccountIds": ["123456789012"], "Actions": ["SendMessage"]},
                "ChangeMessageVisibility": {"ReceiptHandle": "r", "VisibilityTimeout": 1},
                "ChangeMessageVisibilityBatch": {"Entries": [entry]}, "DeleteMessage": {"ReceiptHandle": "r"},
                "DeleteMessageBatch": {"Entries": [entry]}, "DeleteQueue": {}, "GetQueueAttributes": {},
                "ListDeadLetterSourceQueues": {}, "ListQueueTags": {}, "PurgeQueue": {}, "ReceiveMessage": {},
                "RemovePermission": {"Label": "l"}, "SendMessage": {"MessageBody": "x"},
                "SendMessageBatch": {"Entries": [{"Id": "a", "MessageBody": "x"}]},
                "SetQueueAttributes": {"Attributes": {"DelaySeconds": "1"}}, "TagQueue": {"Tags": {"a": "b"}},
                "UntagQueue": {"TagKeys": ["a"]}}.items():
            self.refused("QueueDoesNotExist", action, QueueUrl=none, **members)
            self.refused("InvalidAddress", action, QueueUrl=f"http://{self.address}/", **members)
            self.refused(MISSING, action, **members)

    def test_create_queue(self):
        self.refused(MISSING, "CreateQueue")
        for name in ("a b", "x" * 81, "a.b", "a.fifo", "\u00fc"):
            self.refused(VALUE, "CreateQueue", QueueName=name)
        self.refused(VALUE, "CreateQueue", QueueName="standard", Attributes={"FifoQueue": "true"})
        self.refused(VALUE, "CreateQueue", QueueName="x" * 76 + ".fifo", Attributes={"FifoQueue": "true"})
        self.ok("CreateQueue", QueueName="x" * 75 + ".fifo", Attributes={"FifoQueue": "true"})
        self.ok("CreateQueue", QueueName="x" * 80)
        for name, least, most in (("DelaySeconds", 0, 900), ("MaximumMessageSize", 1024, MEBIBYTE),
                                  ("MessageRetentionPeriod", 60, 1_209_600), ("VisibilityTimeout", 0, 43_200),
                                  ("ReceiveMessageWaitTimeSeconds", 0, 20), ("KmsDataKeyReusePeriodSeconds", 60, 86_400)):
            for value in (least - 1, most + 1, "x", "", "1.5"):
                self.refused("InvalidAttributeValue", "CreateQueue", QueueName="out", Attributes={name: str(value)})
            for value in (least, most):
                url = self.queue(**{name: f"0{value}"})
                self.assertEqual(self.ok("GetQueueAttributes", QueueUrl=url, AttributeNames=[name])["Attributes"],
                                 {name: str(value)})
        for name in ("Colour", "QueueArn", "ApproximateNumberOfMessages", "ContentBasedDeduplication", "All"):
            self.refused("InvalidAttributeName", "CreateQueue", QueueName="out", Attributes={name: "true"})

    def test_a_queue_is_made_once(self):
        url = self.queue(VisibilityTimeout="7")
        name = url.split("/")[-1]
        self.assertEqual(self.ok("CreateQueue", QueueName=name)["QueueUrl"], url)
        self.assertEqual(self.ok("CreateQueue", QueueName=name, Attributes={"VisibilityTimeout": "7"})["QueueUrl"], url)
        self.refused("QueueNameExists", "CreateQueue", QueueName=name, Attributes={"VisibilityTimeout": "8"})
        self.assertEqual(self.ok("GetQueueUrl", QueueName=name, QueueOwnerAWSAccountId="000000000000")["QueueUrl"], url)
        self.refused("QueueDoesNotExist", "GetQueueUrl", QueueName=name, QueueOwnerAWSAccountId="123456789012")
        self.ok("DeleteQueue", QueueUrl=url)
        self.refused("QueueDoesNotExist", "GetQueueUrl", QueueName=name)
        self.refused("QueueDeletedRecently", "CreateQueue", QueueName=name)

    def test_fifo_attributes_go_together(self):
        url = self.queue(".fifo", DeduplicationScope="messageGroup", FifoThroughputLimit="perMessageGroupId")
        for attributes in ({"DeduplicationScope": "queue"}, {"DeduplicationScope": "world"},
                           {"FifoThroughputLimit": "none"}, {"FifoQueue": "false"}, {"ContentBasedDeduplication": "yes"}):
            self.refused("InvalidAttributeValue", "SetQueueAttributes", QueueUrl=url, Attributes=attributes)
        self.ok("SetQueueAttributes", QueueUrl=url, Attributes={"FifoQueue": "true"})
        for value in ("true", "false"):
            self.refused("InvalidAttributeName", "SetQueueAttributes", QueueUrl=self.queue(), Attributes={"FifoQueue": value})
        self.ok("SetQueueAttributes", QueueUrl=url,
                Attributes={"DeduplicationScope": "queue", "FifoThroughputLimit": "perQueue"})
        self.refused("InvalidAttributeValue", "SetQueueAttributes", QueueUrl=url,
                     Attributes={"FifoThroughputLimit": "perMessageGroupId"})

    def test_attributes(self):
        url = self.queue()
        self.assertEqual(self.ok("GetQueueAttributes", QueueUrl=url), {})
        everything = self.ok("GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])["Attributes"]
        for name in ("CreatedTimestamp", "LastModifiedTimestamp"):
            self.assertRegex(everything.pop(name), r"^\d{10}$")
        self.assertEqual(everything, {
            "ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesDelayed": "0",
            "ApproximateNumberOfMessagesNotVisible": "0", "DelaySeconds": "0", "MaximumMessageSize": str(MEBIBYTE),
            "MessageRetentionPeriod": "345600", "ReceiveMessageWaitTimeSeconds": "0", "SqsManagedSseEnabled": "true",
            "VisibilityTimeout": "30", "QueueArn": "arn:aws:sqs:us-east-1:000000000000:" + url.split("/")[-1]})
        self.refused("InvalidAttributeName", "GetQueueAttributes", QueueUrl=url, AttributeNames=["Colour"])
        self.refused(MISSING, "SetQueueAttributes", QueueUrl=url, Attributes={})
        self.refused("InvalidAttributeValue", "SetQueueAttributes", QueueUrl=url, Attributes={"Policy": "{"})
        self.refused("InvalidAttributeName", "SetQueueAttributes", QueueUrl=url,
                     Attributes={"KmsMasterKeyId": "alias/k", "SqsManagedSseEnabled": "true"})

    def test_redrive_policies(self):
        dead, ordered, url = self.queue(), self.queue(".fifo"), self.queue()
        target = self.arn(dead)
        def policy(**members):
            return {"RedrivePolicy": json.dumps(members)}
        for members in ({"deadLetterTargetArn": target}, {"maxReceiveCount": 1},
                        {"deadLetterTargetArn": target, "maxReceiveCount": 0},
                        {"deadLetterTargetArn": target, "maxReceiveCount": 1001},
                        {"deadLetterTargetArn": target, "maxReceiveCount": "many"},
                        {"deadLetterTargetArn": target + "-none", "maxReceiveCount": 1},
                        {"deadLetterTargetArn": self.arn(ordered), "maxReceiveCount": 1},
                        {"deadLetterTargetArn": target, "maxReceiveCount": 1, "colour": "red"}):
            self.refused(VALUE, "SetQueueAttributes", QueueUrl=url, Attributes=policy(**members))
        for count in (1, 1000, "5"):
            self.ok("SetQueueAttributes", QueueUrl=url,
                    Attributes=policy(deadLetterTargetArn=target, maxReceiveCount=count))
            answer = self.ok("GetQueueAttributes", QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]
            self.assertEqual(answer["RedrivePolicy"], f'{{"deadLetterTargetArn":"{target}","maxReceiveCount":{count}}}')
        for count in (5, "5"):
            self.ok("CreateQueue", QueueName=url.split("/")[-1], Attributes=policy(maxReceiveCount=count, deadLetterTargetArn=target))
        self.assertEqual(self.ok("ListDeadLetterSourceQueues", QueueUrl=dead), {"queueUrls": [url]})
        self.assertEqual(self.ok("ListDeadLetterSourceQueues", QueueUrl=url), {"queueUrls": []})
        for allow in ({}, {"redrivePermission": "some"}, {"redrivePermission": "byQueue"},
                      {"redrivePermission": "byQueue", "sourceQueueArns": []},
                      {"redrivePermission": "byQueue", "sourceQueueArns": [target] * 11},
                      {"redrivePermission": "allowAll", "sourceQueueArns": [target]}):
            self.refused(VALUE, "SetQueueAttributes", QueueUrl=dead, Attributes={"RedriveAllowPolicy": json.dumps(allow)})

    def test_tags(self):
        url = self.queue()
        self.refused(MISSING, "TagQueue", QueueUrl=url, Tags={})
        self.refused(MISSING, "UntagQueue", QueueUrl=url, TagKeys=[])
        for tags in ({"": "v"}, {"k" * 129: "v"}, {"k": "v" * 257}, {"aws:k": "v"}, {"k": "v;"},
                     {f"k{i}": "" for i in range(51)}):
            self.refused(VALUE, "TagQueue", QueueUrl=url, Tags=tags)
            self.refused(VALUE, "CreateQueue", QueueName="out", tags=tags)
        self.assertEqual(self.ok("ListQueueTags", QueueUrl=url), {})
        self.ok("TagQueue", QueueUrl=url, Tags={f"k{i}": "v" * 256 for i in range(50)})
        self.refused(VALUE, "TagQueue", QueueUrl=url, Tags={"one more": ""})
        self.ok("TagQueue", QueueUrl=url, Tags={"k0": "another"})
        self.ok("UntagQueue", QueueUrl=url, TagKeys=[f"k{i}" for i in range(1, 50)] + ["none"])
        self.assertEqual(self.ok("ListQueueTags", QueueUrl=url), {"Tags": {"k0": "another"}})

    def test_lists_of_queues(self):
        for i in range(3):
            self.ok("CreateQueue", QueueName=f"listed-{i}")
        for most in (0, 1001):
            self.refused(VALUE, "ListQueues", MaxResults=most)
            self.refused(VALUE, "ListDeadLetterSourceQueues", QueueUrl=self.queue(), MaxResults=most)
        self.refused(VALUE, "ListQueues", NextToken="!", MaxResults=1)
        self.assertEqual(self.ok("ListQueues", QueueNamePrefix="listed-none"), {})
        first = self.ok("ListQueues", QueueNamePrefix="listed-", MaxResults=2)
        self.assertEqual(len(first["QueueUrls"]), 2)
        rest = self.ok("ListQueues", QueueNamePrefix="listed-", MaxResults=2, NextToken=first["NextToken"])
        self.assertEqual((len(rest["QueueUrls"]), "NextToken" in rest), (1, False))
        self.assertNotIn("NextToken", self.ok("ListQueues", QueueNamePrefix="listed-"))

    def test_permissions(self):
        url = self.queue()
        good = {"Label": "l", "AWSAccountIds": ["123456789012"], "Actions": ["SendMessage"]}
        for name in good:
            self.refused(MISSING, "AddPermission", QueueUrl=url, **{key: good[key] for key in good if key != name})
        for change in ({"Label": "a b"}, {"Label": "l" * 81}, {"AWSAccountIds": ["1"]}, {"Actions": ["DeleteQueue"]}):
            self.refused(VALUE, "AddPermission", QueueUrl=url, **(good | change))
        self.refused("OverLimit", "AddPermission", QueueUrl=url, **(good | {"Actions": ["SendMessage"] * 8}))
        self.ok("AddPermission", QueueUrl=url, **good)
        self.refused(VALUE, "AddPermission", QueueUrl=url, **good)
        self.refused(VALUE, "RemovePermission", QueueUrl=url, Label="none")
        self.ok("RemovePermission", QueueUrl=url, Label="l")

    def test_message_bodies(self):
        url = self.queue()
        self.refused(MISSING, "SendMessage", QueueUrl=url)
        self.refused(MISSING, "SendMessage", QueueUrl=url, MessageBody="")
        for character in "\x00\x08\x0b\x1f\ufffe\uffff":
            self.refused("InvalidMessageContents", "SendMessage", QueueUrl=url, MessageBody="a" + character)
        allowed = "\t\n\r \x7f\ud7ff\ue000\ufffd\U00010000\U0010ffff"
        self.ok("SendMessage", QueueUrl=url, MessageBody=allowed)
        [message] = self.receive(url)
        self.assertEqual(message["Body"], allowed)
        small = self.queue(MaximumMessageSize="1024")
        self.ok("SendMessage", QueueUrl=small, MessageBody="x" * 1016, MessageAttributes={"a": text()})
        self.refused(VALUE, "SendMessage", QueueUrl=small, MessageBody="x" * 1016, MessageAttributes={"a": text("xx")})
        self.refused(VALUE, "SendMessage", QueueUrl=small, MessageBody="x" * 1025)
        for delay in (-1, 901):
            self.refused(VALUE, "SendMessage", QueueUrl=url, MessageBody="x", DelaySeconds=delay)

    def test_a_mebibyte_is_taken_however_it_is_escaped(self):
        url = self.queue()
        for body in ("\u00fc" * (MEBIBYTE // 2), "\n" * MEBIBYTE, "\U0001f600" * (MEBIBYTE // 4)):
            self.ok("SendMessage", QueueUrl=url, MessageBody=body)
            status, code, _, _ = self.form("SendMessage", {"QueueUrl": url, "MessageBody": body})
            self.assertEqual((status, code), (200, None))
            self.refused(VALUE, "SendMessage", QueueUrl=url, MessageBody=body + "x")

    def test_message_attributes(self):
        url = self.queue()
        def faulty(shape, attributes):
            self.refused(shape, "SendMessage", QueueUrl=url, MessageBody="x", MessageAttributes=attributes)
        for name in ("a b", ".a", "a.", "a..b", "AWS.a", "aws.a", "Amazon.a", "x" * 257, "\u00fc"):
            faulty(VALUE, {name: text()})
        for value in ({"DataType": "", "StringValue": "x"}, {"DataType": "Text", "StringValue": "x"},
                      {"DataType": "String.", "StringValue": "x"}, {"DataType": "String", "StringValue": ""},
                      {"DataType": "Binary", "BinaryValue": ""}, {"DataType": "Number", "StringValue": "seven"},
                      {"DataType": "String", "BinaryValue": "eA=="}, {"DataType": "Binary", "StringValue": "x"},
                      {"DataType": "String", "StringValue": "\x01"}):
            faulty(VALUE, {"a": value})
        faulty(VALUE, {f"a{i}": text() for i in range(11)})
        faulty("UnsupportedOperation", {"a": {"DataType": "String", "StringListValues": ["x"]}})
        sent = {f"a{i}": text() for i in range(7)} | {
            "A-1_.b": {"DataType": "String.label", "StringValue": "v"},
            "n": {"DataType": "Number.int", "StringValue": "-1.5e3"}, "b": {"DataType": "Binary.png", "BinaryValue": "AP8="}}
        self.ok("SendMessage", QueueUrl=url, MessageBody="x", MessageAttributes=sent)
        for names, found in ((["All"], sent), ([".*"], sent), (["*"], sent), (["a1", "none"], {"a1": text()}),
                             (["A-1_.*"], {"A-1_.b": sent["A-1_.b"]}), (["A*"], {}), ([], {})):
            [message] = self.receive(url, MessageAttributeNames=names, VisibilityTimeout=0)
            self.assertEqual(message.get("MessageAttributes", {}), found, names)
        for system in ({"SenderId": text()}, {"AWSTraceHeader": {"DataType": "Number", "StringValue": "1"}}):
            self.refused(VALUE, "SendMessage", QueueUrl=url, MessageBody="x", MessageSystemAttributes=system)

    def test_messages_of_fifo_queues(self):
        url, standard = self.queue(".fifo"), self.queue()
        self.refused(MISSING, "SendMessage", QueueUrl=url, MessageBody="x", MessageDeduplicationId="d")
        self.refused(VALUE, "SendMessage", QueueUrl=url, MessageBody="x", MessageGroupId="g")
        good = {"MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": "d"}
        for change in ({"DelaySeconds": 1}, {"MessageGroupId": "g" * 129}, {"MessageGroupId": "a b"},
                       {"MessageDeduplicationId": "d" * 129}, {"MessageDeduplicationId": "\u00fc"}):
            self.refused(VALUE, "SendMessage", QueueUrl=url, **(good | change))
        self.refused(VALUE, "SendMessage", QueueUrl=standard, **good)
        for name in ("MessageGroupId", "MessageDeduplicationId"):
            entries = [{"Id": "a"} | good, {"Id": "b"} | {key: good[key] for key in good if key != name}]
            self.refused(VALUE, "SendMessageBatch", QueueUrl=url, Entries=entries)
        self.refused(VALUE, "ReceiveMessage", QueueUrl=standard, ReceiveRequestAttemptId="a")
        self.refused(VALUE, "ReceiveMessage", QueueUrl=url, ReceiveRequestAttemptId="a" * 129)
        sent = self.ok("SendMessage", QueueUrl=url, **good)
        self.assertRegex(sent["SequenceNumber"], r"^\d{20}$")
        self.ok("SendMessage", QueueUrl=standard, MessageBody="x", MessageGroupId="tenant")
        [message] = self.receive(standard, MessageSystemAttributeNames=["MessageGroupId"])
        self.assertEqual(message["Attributes"], {"MessageGroupId": "tenant"})

    def test_batches(self):
        url = self.queue()
        for action, rest in (("SendMessageBatch", {"MessageBody": "x"}), ("DeleteMessageBatch", {"ReceiptHandle": "r"}),
                             ("ChangeMessageVisibilityBatch", {"ReceiptHandle": "r", "VisibilityTimeout": 1})):
            def faulty(shape, *ids):
                self.refused(shape, action, QueueUrl=url, Entries=[{"Id": each} | rest for each in ids])
            faulty("EmptyBatchRequest")
            faulty("TooManyEntriesInBatchRequest", *map(str, range(11)))
            faulty("BatchEntryIdsNotDistinct", "a", "b", "a")
            for wrong in ("", "a b", "a.b", "i" * 81, "\u00fc"):
                faulty("InvalidBatchEntryId", "a", wrong)
            self.refused(MISSING, action, QueueUrl=url, Entries=[rest])
        half = "x" * (MEBIBYTE // 2)
        self.refused("BatchRequestTooLong", "SendMessageBatch", QueueUrl=url,
                     Entries=[{"Id": "a", "MessageBody": half}, {"Id": "b", "MessageBody": half + "x"}])
        self.refused("BatchRequestTooLong", "SendMessageBatch", QueueUrl=url,
                     Entries=[{"Id": str(i), "MessageBody": "x" * MEBIBYTE} for i in range(10)])
        answer = self.ok("SendMessageBatch", QueueUrl=url, Entries=[
            {"Id": "good-_1", "MessageBody": "x"}, {"Id": "late", "MessageBody": "x", "DelaySeconds": 901},
            {"Id": "text", "MessageBody": "\x01"}])
        self.assertEqual([sent["Id"] for sent in answer["Successful"]], ["good-_1"])
        self.assertEqual([(each["Id"], each["Code"], each["SenderFault"]) for each in answer["Failed"]],
                         [("late", "InvalidParameterValue", True), ("text", "InvalidMessageContents", True)])
        [message] = self.receive(url)
        handle = message["ReceiptHandle"]
        answer = self.ok("ChangeMessageVisibilityBatch", QueueUrl=url, Entries=[
            {"Id": "good", "ReceiptHandle": handle, "VisibilityTimeout": 60},
            {"Id": "none", "ReceiptHandle": handle}, {"Id": "long", "ReceiptHandle": handle, "VisibilityTimeout": 43_201},
            {"Id": "empty", "ReceiptHandle": "", "VisibilityTimeout": 1}])
        self.assertEqual([each["Id"] for each in answer["Successful"]], ["good"])
        self.assertEqual([each["Code"] for each in answer["Failed"]],
                         ["MissingParameter", "InvalidParameterValue", "ReceiptHandleIsInvalid"])
        answer = self.ok("DeleteMessageBatch", QueueUrl=url, Entries=[
            {"Id": "empty", "ReceiptHandle": ""}, {"Id": "good", "ReceiptHandle": handle}])
        self.assertEqual((answer["Successful"], answer["Failed"][0]["Code"]), ([{"Id": "good"}], "ReceiptHandleIsInvalid"))

    def test_receives(self):
        url = self.queue()
        for name, values in {"MaxNumberOfMessages": (0, 11, -1), "VisibilityTimeout": (-1, 43_201),
                             "WaitTimeSeconds": (-1, 21)}.items():
            for value in values:
                self.refused(VALUE, "ReceiveMessage", QueueUrl=url, **{name: value})
        for name in ("AttributeNames", "MessageSystemAttributeNames"):
            self.refused("InvalidAttributeName", "ReceiveMessage", QueueUrl=url, **{name: ["Colour"]})
        self.assertEqual(self.ok("ReceiveMessage", QueueUrl=url), {})
        self.ok("SendMessage", QueueUrl=url, MessageBody="x")
        [message] = self.receive(url)
        self.assertEqual(set(message), {"MessageId", "ReceiptHandle", "Body", "MD5OfBody"})
        self.ok("ChangeMessageVisibility", QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
        [message] = self.receive(url, AttributeNames=["All"])
        self.assertEqual(set(message["Attributes"]), {"SenderId", "SentTimestamp", "ApproximateReceiveCount",
                                                      "ApproximateFirstReceiveTimestamp"})

    def test_receipt_handles(self):
        url = self.queue()
        self.refused(MISSING, "DeleteMessage", QueueUrl=url)
        self.refused(MISSING, "ChangeMessageVisibility", QueueUrl=url, ReceiptHandle="r")
        self.refused("ReceiptHandleIsInvalid", "DeleteMessage", QueueUrl=url, ReceiptHandle="r")
        self.refused("ReceiptHandleIsInvalid", "ChangeMessageVisibility", QueueUrl=url, ReceiptHandle="r",
                     VisibilityTimeout=1)
        self.ok("SendMessage", QueueUrl=url, MessageBody="x")
        handle = self.receive(url)[0]["ReceiptHandle"]
        change = {"QueueUrl": url, "ReceiptHandle": handle}
        for seconds in (-1, 43_201):
            self.refused(VALUE, "ChangeMessageVisibility", VisibilityTimeout=seconds, **change)
        self.ok("ChangeMessageVisibility", VisibilityTimeout=0, **change)
        self.refused("MessageNotInflight", "ChangeMessageVisibility", VisibilityTimeout=1, **change)
        again = self.receive(url)[0]["ReceiptHandle"]
        self.assertEqual(self.ok("DeleteMessage", **change), {}, "an old handle is no error")
        self.assertEqual(self.ok("DeleteMessage", QueueUrl=url, ReceiptHandle=again), {})
        self.assertEqual(self.ok("DeleteMessage", QueueUrl=url, ReceiptHandle=again), {}, "nor is deleting twice")
        self.refused(VALUE, "ChangeMessageVisibility", QueueUrl=url, ReceiptHandle=again, VisibilityTimeout=1)

    def test_purges(self):
        url = self.queue()
        self.ok("PurgeQueue", QueueUrl=url)
        self.refused("PurgeQueueInProgress", "PurgeQueue", QueueUrl=url)

    def test_message_move_tasks(self):
        dead, url, ordered = self.queue(), self.queue(), self.queue(".fifo")
        source = self.arn(dead)
        self.refused(MISSING, "StartMessageMoveTask")
        self.refused(MISSING, "ListMessageMoveTasks")
        self.refused(MISSING, "CancelMessageMoveTask")
        for action in ("StartMessageMoveTask", "ListMessageMoveTasks"):
            self.refused(VALUE, action, SourceArn="dead")
            self.refused("ResourceNotFoundException", action, SourceArn=source + "-none")
        self.refused(VALUE, "StartMessageMoveTask", SourceArn=source)  # it is no dead-letter queue
        self.ok("SetQueueAttributes", QueueUrl=url, Attributes={
            "RedrivePolicy": json.dumps({"deadLetterTargetArn": source, "maxReceiveCount": 1})})
        self.refused(VALUE, "StartMessageMoveTask", SourceArn=source, DestinationArn=source)
        self.refused(VALUE, "StartMessageMoveTask", SourceArn=source, DestinationArn=self.arn(ordered))
        self.refused("ResourceNotFoundException", "StartMessageMoveTask", SourceArn=source, DestinationArn=source + "-none")
        for rate in (0, 501):
            self.refused(VALUE, "StartMessageMoveTask", SourceArn=source, MaxNumberOfMessagesPerSecond=rate)
        for most in (0, 11):
            self.refused(VALUE, "ListMessageMoveTasks", SourceArn=source, MaxResults=most)
        self.refused(VALUE, "CancelMessageMoveTask", TaskHandle="x")
        self.assertEqual(self.ok("ListMessageMoveTasks", SourceArn=source), {"Results": []})


if __name__ == "__main__":
    unittest.main()
