// The official JavaScript SDK, unmodified, against FOREWARM_ENDPOINT. Started by sqs_sdk_test.py.
// The SDK checks the MD5 of every body that it sends and receives by itself.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import {
  AddPermissionCommand,
  CancelMessageMoveTaskCommand,
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListDeadLetterSourceQueuesCommand,
  ListQueuesCommand,
  ListMessageMoveTasksCommand,
  ListQueueTagsCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  RemovePermissionCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
  TagQueueCommand,
  UntagQueueCommand,
} from '@aws-sdk/client-sqs';

const client = new SQSClient({ endpoint: process.env.FOREWARM_ENDPOINT, region: 'us-east-1' });
let made = 0;

async function queue(attributes = {}, ending = '') {
  const QueueName = `sdk-${process.pid}-${++made}${ending}`;
  const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName, Attributes: attributes }));
  return QueueUrl;
}

const fifo = (attributes = {}) => queue({ FifoQueue: 'true', ...attributes }, '.fifo');
const send = (QueueUrl, MessageBody, more = {}) =>
  client.send(new SendMessageCommand({ QueueUrl, MessageBody, ...more }));
const receive = async (QueueUrl, more = {}) =>
  (await client.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 2, ...more })))
    .Messages ?? [];
const receiveNow = (QueueUrl, more = {}) => receive(QueueUrl, { WaitTimeSeconds: 0, ...more });
const attributes = async (QueueUrl, ...AttributeNames) =>
  (await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames }))).Attributes ?? {};

async function refused(command, name, status = 400) {
  await assert.rejects(client.send(command), (error) => {
    assert.equal(error.name, name, error.message);
    assert.equal(error.$metadata.httpStatusCode, status);
    return true;
  });
}

test('a message comes back as it was sent', async () => {
  const url = await queue();
  const body = 'h\u00fcllo \u{1f600} <&"\'\\ \t\r\n end';
  const MessageAttributes = {
    text: { DataType: 'String', StringValue: 'v\u00e4lue' },
    number: { DataType: 'Number.int', StringValue: '-12.5' },
    raw: { DataType: 'Binary', BinaryValue: new Uint8Array([0, 1, 255, 254]) },
  };
  const sent = await send(url, body, {
    MessageAttributes,
    MessageSystemAttributes: { AWSTraceHeader: { DataType: 'String', StringValue: 'Root=1-5759e988-bd862e3fe1be46a994272793' } },
  });
  assert.equal(sent.MD5OfMessageBody, createHash('md5').update(body).digest('hex'));
  assert.match(sent.MessageId, /^[0-9a-f-]{36}$/);
  assert.match(sent.MD5OfMessageSystemAttributes, /^[0-9a-f]{32}$/);
  const [message] = await receive(url, { MessageAttributeNames: ['All'], MessageSystemAttributeNames: ['All'] });
  assert.equal(message.Body, body);
  assert.equal(message.MessageId, sent.MessageId);
  assert.equal(message.MD5OfMessageAttributes, sent.MD5OfMessageAttributes);
  assert.equal(message.MessageAttributes.text.StringValue, 'v\u00e4lue');
  assert.equal(message.MessageAttributes.number.DataType, 'Number.int');
  assert.deepEqual([...message.MessageAttributes.raw.BinaryValue], [0, 1, 255, 254]);
  assert.equal(message.Attributes.ApproximateReceiveCount, '1');
  assert.equal(message.Attributes.AWSTraceHeader, 'Root=1-5759e988-bd862e3fe1be46a994272793');
  assert.ok(Math.abs(Number(message.Attributes.SentTimestamp) - Date.now()) < 60_000);
  await client.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: message.ReceiptHandle }));
  assert.deepEqual(await attributes(url, 'ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'), {
    ApproximateNumberOfMessages: '0',
    ApproximateNumberOfMessagesNotVisible: '0',
  });
});

test('a message of a mebibyte is taken and one byte more is not', async () => {
  const url = await queue();
  const body = randomBytes(524_288).toString('hex');
  await send(url, body);
  assert.equal((await receive(url))[0].Body, body);
  await refused(new SendMessageCommand({ QueueUrl: url, MessageBody: `${body}x` }), 'InvalidParameterValue');
});

test('batches are answered entry by entry', async () => {
  const url = await queue();
  const sent = await client.send(new SendMessageBatchCommand({
    QueueUrl: url,
    Entries: [...Array(9).keys()].map((i) => ({ Id: `m${i}`, MessageBody: `body ${i}` }))
      .concat([{ Id: 'bad', MessageBody: 'control \u0001 character' }]),
  }));
  assert.equal(sent.Successful.length, 9);
  assert.deepEqual(sent.Failed.map(({ Id, Code, SenderFault }) => ({ Id, Code, SenderFault })),
    [{ Id: 'bad', Code: 'InvalidMessageContents', SenderFault: true }]);
  const messages = [];
  while (messages.length < 9) messages.push(...await receive(url));
  assert.deepEqual(messages.map((m) => m.Body).sort(), [...Array(9).keys()].map((i) => `body ${i}`));
  const changed = await client.send(new ChangeMessageVisibilityBatchCommand({
    QueueUrl: url,
    Entries: messages.map((m, i) => ({ Id: `c${i}`, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 100 })),
  }));
  assert.equal(changed.Successful.length, 9);
  const removed = await client.send(new DeleteMessageBatchCommand({
    QueueUrl: url,
    Entries: messages.map((m, i) => ({ Id: `d${i}`, ReceiptHandle: i === 0 ? 'forged' : m.ReceiptHandle })),
  }));
  assert.equal(removed.Successful.length, 8);
  assert.equal(removed.Failed[0].Code, 'ReceiptHandleIsInvalid');
});

test('a long poll is answered when a message comes', async () => {
  const url = await queue({ ReceiveMessageWaitTimeSeconds: '20' });
  const polling = receive(url, { WaitTimeSeconds: undefined });
  await send(url, 'at last');
  assert.equal((await polling)[0].Body, 'at last');
});

test('visibility hides a message and gives it back', async () => {
  const url = await queue({ VisibilityTimeout: '600' });
  await send(url, 'x');
  const [first] = await receive(url);
  assert.deepEqual(await receiveNow(url), []);
  await client.send(new ChangeMessageVisibilityCommand({ QueueUrl: url, ReceiptHandle: first.ReceiptHandle, VisibilityTimeout: 0 }));
  const [second] = await receive(url, { AttributeNames: ['ApproximateReceiveCount'] });
  assert.equal(second.MessageId, first.MessageId);
  assert.equal(second.Attributes.ApproximateReceiveCount, '2');
  assert.notEqual(second.ReceiptHandle, first.ReceiptHandle);
});

test('a fifo queue keeps the order of a group and drops duplicates', async () => {
  const url = await fifo();
  const group = { MessageGroupId: 'g' };
  const first = await send(url, 'one', { ...group, MessageDeduplicationId: 'a' });
  const again = await send(url, 'one again', { ...group, MessageDeduplicationId: 'a' });
  const second = await send(url, 'two', { ...group, MessageDeduplicationId: 'b' });
  assert.equal(again.MessageId, first.MessageId);
  assert.equal(again.SequenceNumber, first.SequenceNumber);
  assert.ok(BigInt(second.SequenceNumber) > BigInt(first.SequenceNumber));
  const [one] = await receive(url, { MessageSystemAttributeNames: ['All'], MaxNumberOfMessages: 1 });
  assert.equal(one.Body, 'one');
  assert.equal(one.Attributes.MessageGroupId, 'g');
  assert.equal(one.Attributes.MessageDeduplicationId, 'a');
  assert.deepEqual(await receiveNow(url), []);
  await client.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: one.ReceiptHandle }));
  await send(url, 'three', { ...group, MessageDeduplicationId: 'c' });
  const ReceiveRequestAttemptId = 'lost-answer';
  const rest = await receive(url, { ReceiveRequestAttemptId });
  assert.deepEqual(rest.map((message) => message.Body), ['two', 'three']);
  assert.deepEqual((await receive(url, { ReceiveRequestAttemptId })).map((message) => message.ReceiptHandle),
    rest.map((message) => message.ReceiptHandle));
});

test('a move task brings dead letters back to where they came from', async () => {
  const dead = await queue();
  const { QueueArn: SourceArn } = await attributes(dead, 'QueueArn');
  const url = await queue({
    VisibilityTimeout: '0', RedrivePolicy: JSON.stringify({ deadLetterTargetArn: SourceArn, maxReceiveCount: 1 }) });
  await send(url, 'poison');
  await receive(url);
  assert.deepEqual(await receiveNow(url), []);
  const { TaskHandle } = await client.send(new StartMessageMoveTaskCommand({ SourceArn, MaxNumberOfMessagesPerSecond: 5 }));
  const task = JSON.parse(Buffer.from(TaskHandle, 'base64'));
  assert.equal(task.sourceArn, SourceArn);
  for (;;) {
    const { Results } = await client.send(new ListMessageMoveTasksCommand({ SourceArn, MaxResults: 10 }));
    assert.equal(Results.length, 1);
    if (Results[0].Status === 'COMPLETED') break;
    assert.equal(Results[0].Status, 'RUNNING');
  }
  await refused(new CancelMessageMoveTaskCommand({ TaskHandle }), 'ResourceNotFoundException', 404);
  const [message] = await receive(url, { MessageSystemAttributeNames: ['All'] });
  assert.equal(message.Attributes.ApproximateReceiveCount, '1');
});

test('permissions are statements of the policy', async () => {
  const QueueUrl = await queue();
  const permission = { QueueUrl, Label: 'a', AWSAccountIds: ['123456789012'], Actions: ['SendMessage'] };
  await client.send(new AddPermissionCommand(permission));
  await refused(new AddPermissionCommand(permission), 'InvalidParameterValue');
  const { Policy } = await attributes(QueueUrl, 'Policy');
  assert.equal(JSON.parse(Policy).Statement[0].Sid, 'a');
  await client.send(new RemovePermissionCommand({ QueueUrl, Label: 'a' }));
  assert.equal((await attributes(QueueUrl, 'Policy')).Policy, undefined);
  await refused(new RemovePermissionCommand({ QueueUrl, Label: 'a' }), 'InvalidParameterValue');
});

test('content is its own deduplication id where the queue says so', async () => {
  const url = await fifo({ ContentBasedDeduplication: 'true' });
  const first = await send(url, 'same', { MessageGroupId: 'g' });
  assert.equal((await send(url, 'same', { MessageGroupId: 'h' })).MessageId, first.MessageId);
  assert.notEqual((await send(url, 'other', { MessageGroupId: 'g' })).MessageId, first.MessageId);
});

test('a message that is received too often goes to the dead-letter queue', async () => {
  const dead = await queue();
  const { QueueArn } = await attributes(dead, 'QueueArn');
  const url = await queue({ RedrivePolicy: JSON.stringify({ deadLetterTargetArn: QueueArn, maxReceiveCount: 2 }) });
  await send(url, 'poison');
  for (let i = 0; i < 2; ++i) {
    const [message] = await receive(url);
    await client.send(new ChangeMessageVisibilityCommand({ QueueUrl: url, ReceiptHandle: message.ReceiptHandle, VisibilityTimeout: 0 }));
  }
  assert.deepEqual(await receiveNow(url), []);
  const [message] = await receive(dead, { MessageSystemAttributeNames: ['All'] });
  assert.equal(message.Body, 'poison');
  assert.equal(message.Attributes.DeadLetterQueueSourceArn, (await attributes(url, 'QueueArn')).QueueArn);
  const sources = await client.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: dead }));
  assert.deepEqual(sources.queueUrls, [url]);
});

test('a delayed message is not there before its time', async () => {
  const url = await queue();
  await send(url, 'later', { DelaySeconds: 1 });
  assert.deepEqual(await receiveNow(url), []);
  assert.equal((await attributes(url, 'ApproximateNumberOfMessagesDelayed')).ApproximateNumberOfMessagesDelayed, '1');
  assert.equal((await receive(url, { WaitTimeSeconds: 20 }))[0].Body, 'later');
});

test('queues are made, found, changed, tagged, listed, purged and deleted', async () => {
  const name = `life-${process.pid}`;
  const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: name, tags: { team: 'a' } }));
  assert.equal((await client.send(new GetQueueUrlCommand({ QueueName: name }))).QueueUrl, QueueUrl);
  assert.deepEqual((await client.send(new ListQueuesCommand({ QueueNamePrefix: name }))).QueueUrls, [QueueUrl]);
  await client.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { VisibilityTimeout: '17' } }));
  const all = await attributes(QueueUrl, 'All');
  assert.equal(all.VisibilityTimeout, '17');
  assert.equal(all.MaximumMessageSize, '1048576');
  assert.match(all.QueueArn, /^arn:aws:sqs:[a-z0-9-]+:000000000000:life-/);
  await client.send(new TagQueueCommand({ QueueUrl, Tags: { cost: 'b' } }));
  await client.send(new UntagQueueCommand({ QueueUrl, TagKeys: ['team'] }));
  assert.deepEqual((await client.send(new ListQueueTagsCommand({ QueueUrl }))).Tags, { cost: 'b' });
  await send(QueueUrl, 'x');
  await client.send(new PurgeQueueCommand({ QueueUrl }));
  assert.deepEqual(await receiveNow(QueueUrl), []);
  await refused(new PurgeQueueCommand({ QueueUrl }), 'PurgeQueueInProgress', 403);
  await client.send(new DeleteQueueCommand({ QueueUrl }));
  await refused(new GetQueueUrlCommand({ QueueName: name }), 'QueueDoesNotExist');
  await refused(new CreateQueueCommand({ QueueName: name }), 'QueueDeletedRecently');
});

test('refusals are the errors that the SDK knows', async () => {
  const url = await queue();
  const strict = await fifo();
  await refused(new SendMessageCommand({ QueueUrl: `${url}-none`, MessageBody: 'x' }), 'QueueDoesNotExist');
  await refused(new SendMessageCommand({ QueueUrl: url, MessageBody: '\u0000' }), 'InvalidMessageContents');
  await refused(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: 'x' }), 'ReceiptHandleIsInvalid', 404);
  await refused(new SendMessageBatchCommand({ QueueUrl: url, Entries: [] }), 'EmptyBatchRequest');
  await refused(new SendMessageBatchCommand({ QueueUrl: url, Entries: [1, 2].map(() => ({ Id: 'a', MessageBody: 'x' })) }),
    'BatchEntryIdsNotDistinct');
  await refused(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { Colour: 'red' } }), 'InvalidAttributeName');
  await refused(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { DelaySeconds: '901' } }), 'InvalidAttributeValue');
  await refused(new CreateQueueCommand({ QueueName: url.split('/').at(-1), Attributes: { DelaySeconds: '9' } }), 'QueueNameExists');
  await refused(new StartMessageMoveTaskCommand({ SourceArn: 'arn:aws:sqs:us-east-1:000000000000:x' }),
    'ResourceNotFoundException', 404);
  await refused(new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 11 }), 'InvalidParameterValue');
  await refused(new SendMessageCommand({ QueueUrl: strict, MessageBody: 'x' }), 'MissingParameter');
});

test('many senders and receivers lose and repeat nothing', async () => {
  const url = await queue({ VisibilityTimeout: '600' });
  const count = 300;
  const sending = Promise.all([...Array(count).keys()].map((i) => send(url, String(i))));
  const seen = [];
  const receiver = async () => {
    while (seen.length < count) {
      for (const message of await receive(url, { WaitTimeSeconds: 1 })) {
        seen.push(Number(message.Body));
        await client.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: message.ReceiptHandle }));
      }
    }
  };
  await Promise.all([sending, ...[1, 2, 3, 4].map(receiver)]);
  assert.deepEqual(seen.sort((a, b) => a - b), [...Array(count).keys()]);
});
