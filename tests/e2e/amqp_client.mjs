// amqplib driven by lines of JSON, a connection for each: amqp_client.mjs URL.
import amqp from "amqplib";
import readline from "node:readline";

const operations = {
  async declare(channel, { queue, arguments: given }) {
    await channel.assertQueue(queue, { durable: true, arguments: given });
  },
  async publish(channel, { queue, messages }) {
    for (const { body, ...properties } of messages) {
      channel.sendToQueue(queue, Buffer.from(body), { persistent: true, ...properties });
    }
    await channel.waitForConfirms();
  },
  async count(channel, { queue }) {
    return (await channel.checkQueue(queue)).messageCount;
  },
  // All that is ready, taken for good.
  async take(channel, { queue }) {
    const taken = [];
    for (let got; (got = await channel.get(queue, { noAck: true })); ) {
      taken.push({ body: got.content.toString(), properties: got.properties, redelivered: got.fields.redelivered });
    }
    return taken;
  },
  async remove(channel, { queue }) {
    await channel.deleteQueue(queue);
  },
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  const answer = {};
  try {
    const connection = await amqp.connect(process.argv[2]);
    connection.on("error", () => {});
    const channel = await connection.createConfirmChannel();
    channel.on("error", () => {});
    answer.value = await operations[command.op](channel, command);
    await connection.close();
  } catch (error) {
    answer.error = String(error);
  }
  console.log(JSON.stringify(answer));
}
