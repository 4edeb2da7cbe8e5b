// Microsoft's own client driven by lines of JSON: service_bus_client.mjs CONNECTION_STRING. With an environment
// variable SERVICE_BUS_MANAGEMENT its administration client asks there.
import { ServiceBusAdministrationClient, ServiceBusClient } from "@azure/service-bus";
import readline from "node:readline";

const client = new ServiceBusClient(process.argv[2]);
const text = (message) => (Buffer.isBuffer(message.body) ? message.body.toString() : message.body);
const receivers = new Map();
const receiver_of = (queue, dead) => {
  const name = queue + (dead ? "/dead" : "");
  if (!receivers.has(name)) receivers.set(name, client.createReceiver(queue, { maxAutoLockRenewalDurationInMs: 0, ...(dead ? { subQueueType: "deadLetter" } : {}) }));
  return receivers.get(name);
};
const sessions = new Map();
const described = (message) => ({
  body: text(message), id: message.messageId, deliveries: message.deliveryCount, lock: message.lockToken,
  properties: message.applicationProperties ?? {}, reason: message.deadLetterReason,
  description: message.deadLetterErrorDescription, subject: message.subject, content_type: message.contentType,
  locked_until: message.lockedUntilUtc?.getTime(), sequence: message.sequenceNumber?.toString(),
});
const held = new Map();

const operations = {
  async send({ queue, messages }) {
    const sender = client.createSender(queue);
    for (const { body, ...more } of messages) await sender.sendMessages({ body: Buffer.from(body), ...more });
    await sender.close();
  },
  async receive({ queue, most = 10, wait_ms = 2000, dead = false }) {
    const messages = await receiver_of(queue, dead).receiveMessages(most, { maxWaitTimeInMs: wait_ms });
    for (const message of messages) held.set(message.lockToken, { message, receiver: receiver_of(queue, dead) });
    return messages.map(described);
  },
  // Without a session the next one that nobody has.
  async accept({ queue, session, wait_ms = 2000 }) {
    const options = { maxAutoLockRenewalDurationInMs: 0 };
    const client_of_it = new ServiceBusClient(process.argv[2], { retryOptions: { timeoutInMs: wait_ms, maxRetries: 0 } });
    const receiver = session === undefined ? await client_of_it.acceptNextSession(queue, options) : await client_of_it.acceptSession(queue, session, options);
    sessions.set(receiver.sessionId, receiver);
    return { session: receiver.sessionId, locked_until: receiver.sessionLockedUntilUtc.getTime() };
  },
  async receive_of({ session, most = 10, wait_ms = 1000 }) {
    const receiver = sessions.get(session);
    const messages = await receiver.receiveMessages(most, { maxWaitTimeInMs: wait_ms });
    for (const message of messages) held.set(message.lockToken, { message, receiver });
    return messages.map((message) => ({ ...described(message), session: message.sessionId }));
  },
  async renew_session({ session }) {
    return (await sessions.get(session).renewSessionLock()).getTime();
  },
  async leave({ session }) {
    await sessions.get(session).close();
  },
  async settle({ lock, outcome, reason, description }) {
    const { message, receiver } = held.get(lock);
    if (outcome === "complete") await receiver.completeMessage(message);
    if (outcome === "abandon") await receiver.abandonMessage(message);
    if (outcome === "dead-letter")
      await receiver.deadLetterMessage(message, { deadLetterReason: reason, deadLetterErrorDescription: description });
  },
  async renew({ lock }) {
    const { message, receiver } = held.get(lock);
    return (await receiver.renewMessageLock(message)).getTime();
  },
  async counts({ queue }) {
    const management = new ServiceBusAdministrationClient(process.env.SERVICE_BUS_MANAGEMENT);
    const said = await management.getQueueRuntimeProperties(queue);
    const { lockDuration, maxDeliveryCount } = await management.getQueue(queue);
    return { active: said.activeMessageCount, dead: said.deadLetterMessageCount, lock: lockDuration, deliveries: maxDeliveryCount };
  },
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  const answer = {};
  try {
    answer.value = (await operations[command.op](command)) ?? null;
  } catch (error) {
    answer.error = String(error);
    answer.code = error.code;
  }
  console.log(JSON.stringify(answer));
}
await client.close();
process.exit(0);
