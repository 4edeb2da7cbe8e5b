// The official JavaScript SDK with access keys, right and wrong ones. Started by sqs_signature_test.py, which names
// them: ADMIN may do everything, SENDER may send to jobs* only.

import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import {
  CreateQueueCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';

const endpoint = process.env.FOREWARM_ENDPOINT;
const admin = { accessKeyId: 'ADMIN', secretAccessKey: process.env.ADMIN_SECRET };
const sender = { accessKeyId: 'SENDER', secretAccessKey: process.env.SENDER_SECRET };
const client = (credentials, more = {}) =>
  new SQSClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1, ...more });

async function refused(sending, name, status = 403) {
  await assert.rejects(sending, (error) => {
    assert.equal(error.$metadata.httpStatusCode, status, error.message);
    assert.equal(error.name, name, error.message);
    return true;
  });
}

/// What SignatureV4 wants to be given: a hash, with a key an HMAC.
class Sha256 {
  constructor(key) { this.hash = key ? createHmac('sha256', key) : createHash('sha256'); }
  update(data) { this.hash.update(data); }
  async digest() { return new Uint8Array(this.hash.digest()); }
}

test('the right key may, a wrong one may not', async () => {
  await client(admin).send(new ListQueuesCommand({}));
  await refused(client({ ...admin, secretAccessKey: 'wrong' }).send(new ListQueuesCommand({})), 'SignatureDoesNotMatch');
  await refused(client({ ...admin, accessKeyId: 'NOBODY' }).send(new ListQueuesCommand({})), 'InvalidClientTokenId');
});

test('rights are by queue and action', async () => {
  const jobs = (await client(admin).send(new CreateQueueCommand({ QueueName: 'jobs-js' }))).QueueUrl;
  const other = (await client(admin).send(new CreateQueueCommand({ QueueName: 'other-js' }))).QueueUrl;
  const limited = client(sender);
  await limited.send(new SendMessageCommand({ QueueUrl: jobs, MessageBody: 'h\u00fc & =' }));
  await refused(limited.send(new ReceiveMessageCommand({ QueueUrl: jobs })), 'AccessDenied');
  await refused(limited.send(new SendMessageCommand({ QueueUrl: other, MessageBody: 'x' })), 'AccessDenied');
});

test('a client whose clock is wrong is told, and puts it right by itself', async () => {
  const late = -20 * 60_000;
  await refused(client(admin, { systemClockOffset: late }).send(new ListQueuesCommand({})), 'RequestExpired', 400);
  await client(admin, { systemClockOffset: late, maxAttempts: 2 }).send(new ListQueuesCommand({}));
  await client(admin, { systemClockOffset: -10 * 60_000 }).send(new ListQueuesCommand({}));
});

test('a presigned request is good for its time', async () => {
  const signer = new SignatureV4({ credentials: admin, region: 'us-east-1', service: 'sqs', sha256: Sha256 });
  const url = new URL(endpoint);
  const ask = async (signingDate) => {
    const signed = await signer.presign(new HttpRequest({
      method: 'GET', protocol: url.protocol, hostname: url.hostname, port: Number(url.port), path: '/',
      query: { Action: 'ListQueues', Version: '2012-11-05', QueueNamePrefix: 'a b/\u00fc' }, headers: { host: url.host },
    }), { expiresIn: 60, signingDate });
    const query = Object.entries(signed.query).map((pair) => pair.map(encodeURIComponent).join('=')).join('&');
    return fetch(`${endpoint}/?${query}`);
  };
  const good = await ask(new Date());
  assert.match(await good.text(), /ListQueuesResponse/);
  const over = await ask(new Date(Date.now() - 61_000));
  assert.equal(over.status, 400);
  assert.match(await over.text(), /<Code>RequestExpired<\/Code>/);
});
