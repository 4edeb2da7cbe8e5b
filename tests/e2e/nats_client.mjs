// The client of nats.js driven by lines of JSON, a connection for each: nats_client.mjs URL.
import { connect, headers, nanos } from "nats";
import readline from "node:readline";

const operations = {
  async stream({ manager }, { name, subjects, retention }) {
    await manager.streams.add({ name, subjects, retention: retention ?? "limits" });
  },
  async consumer({ manager }, { stream, config, ack_wait_ms }) {
    await manager.consumers.add(stream, { ...config, ...(ack_wait_ms ? { ack_wait: nanos(ack_wait_ms) } : {}) });
  },
  async consumer_info({ manager }, { stream, name }) {
    return await manager.consumers.info(stream, name);
  },
  async remove_consumer({ manager }, { stream, name }) {
    await manager.consumers.delete(stream, name);
  },
  async publish({ jetstream }, { subject, messages }) {
    for (const { body, id, attributes } of messages) {
      const made = headers();
      for (const [name, value] of Object.entries(attributes ?? {})) made.append(name, value);
      await jetstream.publish(subject, body, { msgID: id, headers: made });
    }
  },
  // All that the stream holds.
  async messages({ manager }, { stream }) {
    const { state } = await manager.streams.info(stream);
    const found = [];
    for (let seq = state.first_seq; state.messages > 0 && seq <= state.last_seq; ++seq) {
      const stored = await manager.streams.getMessage(stream, { seq }).catch(() => null);
      if (!stored) continue;
      const names = stored.header ? [...stored.header] : [];
      found.push({ seq, subject: stored.subject, body: stored.string(), headers: Object.fromEntries(names.map(([k, v]) => [k, v[0]])) });
    }
    return found;
  },
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  const answer = {};
  let connection;
  try {
    const url = new URL(process.argv[2]);
    connection = await connect({ servers: url.host, user: url.username || undefined, pass: url.password || undefined });
    const jetstream = connection.jetstream();
    answer.value = await operations[command.op]({ manager: await jetstream.jetstreamManager(), jetstream }, command);
  } catch (error) {
    answer.error = String(error);
  }
  await connection?.close();
  console.log(JSON.stringify(answer));
}
