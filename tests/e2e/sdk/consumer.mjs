// sqs-consumer, unmodified, against FOREWARM_ENDPOINT. Started by sqs_sdk_test.py.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { Consumer } from 'sqs-consumer';

const client = new SQSClient({ endpoint: process.env.FOREWARM_ENDPOINT, region: 'us-east-1' });

async function queue(name, attributes = {}) {
  const made = await client.send(
    new CreateQueueCommand({ QueueName: `consumer-${process.pid}-${name}`, Attributes: attributes }));
  return made.QueueUrl;
}

async function held(QueueUrl) {
  const { Attributes } = await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
  return Number(Attributes.ApproximateNumberOfMessages) + Number(Attributes.ApproximateNumberOfMessagesNotVisible);
}

const send = (QueueUrl, MessageBody) => client.send(new SendMessageCommand({ QueueUrl, MessageBody }));

/// Runs a consumer until `enough()`.
async function consume(options, enough) {
  const consumer = Consumer.create({ sqs: client, waitTimeSeconds: 1, ...options });
  const problems = [];
  consumer.on('error', (problem) => problems.push(problem));
  consumer.start();
  while (!(await enough()) && problems.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  const stopped = new Promise((resolve) => consumer.once('stopped', resolve));
  consumer.stop();
  await stopped;
  return problems;
}

test('a consumer handles each message once and deletes it', async () => {
  const url = await queue('single');
  const bodies = [...Array(25).keys()].map(String);
  await Promise.all(bodies.map((body) => send(url, body)));
  const seen = [];
  const problems = await consume(
    { queueUrl: url, batchSize: 10, handleMessage: async (message) => { seen.push(message.Body); return message; } },
    async () => seen.length >= 25 && (await held(url)) === 0);
  assert.deepEqual(problems, []);
  assert.deepEqual(seen.sort(), bodies.sort());
});

test('a batch consumer with a heartbeat keeps its messages and deletes them', async () => {
  const url = await queue('batch', { VisibilityTimeout: '5' });
  for (let i = 0; i < 5; ++i) await send(url, String(i));
  let handled = 0;
  const problems = await consume({
    queueUrl: url, batchSize: 5, visibilityTimeout: 5, heartbeatInterval: 1,
    handleMessageBatch: async (messages) => {
      await new Promise((resolve) => setTimeout(resolve, 1500));
      handled += messages.length;
      return messages;
    },
  }, async () => handled >= 5 && (await held(url)) === 0);
  assert.deepEqual(problems, []);
  assert.equal(handled, 5);
});

test('a message whose handler fails comes back at once if the consumer says so', async () => {
  const url = await queue('failing');
  await send(url, 'x');
  const counts = [];
  const consumer = Consumer.create({
    queueUrl: url, sqs: client, waitTimeSeconds: 1, terminateVisibilityTimeout: true,
    messageSystemAttributeNames: ['ApproximateReceiveCount'],
    handleMessage: async (message) => {
      counts.push(message.Attributes.ApproximateReceiveCount);
      if (counts.length < 3) throw new Error('not yet');
      return message;
    },
  });
  consumer.on('error', () => {});
  consumer.on('processing_error', () => {});
  const done = new Promise((resolve) => consumer.on('message_processed', resolve));
  consumer.start();
  await done;
  consumer.stop();
  assert.deepEqual(counts, ['1', '2', '3']);
});
