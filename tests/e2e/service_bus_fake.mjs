// A Service Bus on loopback, by rhea: AMQP 1.0 with $cbs, queues with locks, $management, dead letters, and the
// management API over HTTPS. Written from Azure's protocol guide; that it is what the service's own SDK expects is
// what service_bus_sdk_test.py shows. What it keeps is in a file, so that it can be killed and started again:
// service_bus_fake.mjs '{"port":..., "state":FILE, "key_name":..., "key":..., "cert":PEM, "key_file":PEM, "amqps":bool}'.
// Lines of JSON on its input are commands (see `operations`), each answered by one.
import crypto from "node:crypto";
import fs from "node:fs";
import https from "node:https";
import readline from "node:readline";
import rhea from "rhea";
import { Sessions } from "./service_bus_sessions.mjs";

const settings = JSON.parse(process.argv[2]);
const { types } = rhea;
const container = rhea.create_container({ id: "fake-service-bus" });
container.sasl_server_mechanisms.enable_anonymous();

// What the service keeps.
let kept = { queues: {} };
if (fs.existsSync(settings.state)) kept = JSON.parse(fs.readFileSync(settings.state, "utf8"));
// Sessions end with their links, and so with this process.
for (const queue of Object.values(kept.queues)) if (queue.requires_session) for (const message of queue.messages) delete message.lock;
const save = () => {
  fs.writeFileSync(settings.state + ".new", JSON.stringify(kept));
  fs.renameSync(settings.state + ".new", settings.state);
};

// What only this process knows.
const jwts = new Map(); // token -> when it ends, ms
const faults = {}; // name -> how many more times
let trouble = null; // what every link, token and settlement is refused with while it lasts: { status, condition, description }
const seen = { tokens: [], outcomes: [], apart: [], credits: [], attached: 0 };
const receivers = new Set(); // links on which messages are delivered
const deliveries = new Map(); // lock token -> rhea's delivery

const fault = (name) => {
  if (!faults[name]) return false;
  --faults[name];
  return true;
};
const queue_of = (path) => kept.queues[path.replace(/\/\$(DeadLetterQueue|management)$/i, "")];
const is_dead = (path) => /\/\$DeadLetterQueue$/i.test(path);
const messages_of = (path) => (is_dead(path) ? queue_of(path).dead : queue_of(path).messages);

// .NET writes the first three fields of a GUID in the other order.
const reorder = (b) => Buffer.from([3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15].map((at) => b[at]));

function why_refused(token, type) {
  if (type === "jwt") {
    const until = jwts.get(token);
    if (!until) return "InvalidToken";
    return until > Date.now() ? "" : "ExpiredToken";
  }
  if (!token.startsWith("SharedAccessSignature ")) return "InvalidToken";
  const said = new URLSearchParams(token.slice(22));
  const encoded = /(?:^|[ &])sr=([^&]*)/.exec(token)[1];
  const signature = crypto.createHmac("sha256", settings.key).update(`${encoded}\n${said.get("se")}`).digest("base64");
  if (said.get("skn") !== settings.key_name || said.get("sig") !== signature) return "InvalidSignature";
  return Number(said.get("se")) * 1000 > Date.now() ? "" : "ExpiredToken";
}
const end_of = (token, type) => (type === "jwt" ? jwts.get(token) : Number(new URLSearchParams(token.slice(22)).get("se")) * 1000);

function allowed(connection, path) {
  for (const [audience, until] of connection.audiences ?? []) {
    if (until > Date.now() && (path + "/").toLowerCase().startsWith(audience.toLowerCase() + "/")) return true;
  }
  return false;
}

const refused = {
  token: { condition: "amqp:unauthorized-access", description: "Unauthorized access. 'Listen' claim(s) are required." },
  expired: { condition: "amqp:unauthorized-access", description: "ExpiredToken: The token is expired." },
  missing: { condition: "amqp:not-found", description: "The messaging entity could not be found." },
  busy: { condition: "com.microsoft:server-busy", description: "The request was terminated because the namespace is being throttled." },
  lost: { condition: "com.microsoft:message-lock-lost", description: "The lock supplied is invalid." },
  sessions: { condition: "amqp:not-allowed", description: "It is not possible for an entity that requires sessions to create a non-sessionful message receiver." },
};

const sessions = new Sessions({ queue_of: (path) => queue_of(path), fail, save, deliver: deliver_all, receivers, fault });

function add_message(queue, bytes, session) {
  queue.messages.push({ bytes: bytes.toString("base64"), sequence: ++queue.sequence, enqueued: Date.now(), failed: 0, session });
  save();
  deliver_all();
}

function bury(queue, message, reason, description) {
  queue.messages = queue.messages.filter((one) => one !== message);
  delete message.lock;
  queue.dead.push({ ...message, session: undefined, failed: 0, reason, description }); // dead letters have no sessions
}

function encoded_message(message) {
  const decoded = rhea.message.decode(Buffer.from(message.bytes, "base64"));
  decoded.delivery_count = message.failed;
  decoded.message_annotations = {
    ...decoded.message_annotations,
    "x-opt-sequence-number": types.wrap_long(message.sequence),
    "x-opt-enqueued-time": types.wrap_timestamp(message.enqueued),
    "x-opt-locked-until": types.wrap_timestamp(message.until ?? 0),
  };
  if (message.reason !== undefined) {
    decoded.application_properties = {
      ...decoded.application_properties, DeadLetterReason: message.reason, DeadLetterErrorDescription: message.description,
    };
  }
  return decoded;
}

function deliver_all() {
  for (const link of receivers) {
    const queue = queue_of(link.path);
    if (!queue) continue;
    for (const message of messages_of(link.path)) {
      // rhea counts what it has written; what waits to be written counts too.
      if (link.given >= link.delivery_count + link.credit) break;
      if (message.lock || message.session !== link.session_name) continue;
      ++link.given;
      const tag = crypto.randomBytes(16);
      message.lock = tag.toString("hex");
      message.until = link.session_name === undefined ? Date.now() + queue.lock_ms : sessions.of(queue).get(link.session_name).until;
      deliveries.set(message.lock, link.send(encoded_message(message), tag));
      save();
    }
  }
}

// How a lock ends. False: it has ended already.
function settle(lock, outcome, reason, description) {
  for (const queue of Object.values(kept.queues)) {
    for (const list of ["messages", "dead"]) {
      const message = queue[list].find((one) => one.lock === lock);
      if (!message || message.until <= Date.now()) continue;
      delete message.lock;
      if (outcome === "completed") queue[list] = queue[list].filter((one) => one !== message);
      if (outcome === "abandoned") fail(queue, message);
      if (outcome === "suspended") bury(queue, message, reason, description);
      save();
      deliver_all();
      return true;
    }
  }
  return false;
}

function fail(queue, message) {
  delete message.lock;
  if (++message.failed >= queue.max_delivery && queue.messages.includes(message))
    bury(queue, message, "MaxDeliveryCountExceeded", "Message could not be consumed after its delivery attempts.");
}

setInterval(() => {
  const now = Date.now();
  let changed = false;
  for (const queue of Object.values(kept.queues)) {
    for (const message of [...queue.messages, ...queue.dead]) {
      // What is of a session ends with it.
      if (!message.lock || message.until > now || message.session !== undefined) continue;
      fail(queue, message);
      changed = true;
    }
  }
  if (changed) {
    save();
    deliver_all();
  }
  for (const link of receivers) {
    if (!allowed(link.connection, link.path)) link.close(refused.expired);
  }
}, 20);

// Settlements on the link: the receiver says the outcome, and waits for the answer.
function disposed({ delivery, sender }, outcome, error) {
  if (sender.path === undefined) return; // an answer to a request
  const lock = delivery.tag.toString("hex");
  const info = error?.info ?? {};
  const name = error?.condition === "com.microsoft:dead-letter" ? "dead-letter" : outcome;
  seen.outcomes.push(name);
  if (fault("silent_settle")) return;
  if (trouble) return void delivery.update(true, rhea.message.rejected({ error: trouble }).described());
  if (fault("busy_settle")) return void delivery.update(true, rhea.message.rejected({ error: refused.busy }).described());
  const ends = { accepted: "completed", released: "released", modified: "abandoned", rejected: "suspended" };
  if (!settle(lock, ends[outcome], info.DeadLetterReason ?? "", info.DeadLetterErrorDescription ?? "")) {
    const error = sender.session_name === undefined ? refused.lost : sessions.refusals.lost;
    return void delivery.update(true, rhea.message.rejected({ error }).described());
  }
  if (fault("mute_after_settle")) return;
  delivery.update(true, rhea.message.accepted().described());
}
container.on("accepted", (context) => disposed(context, "accepted"));
container.on("released", (context) => disposed(context, "released"));
container.on("modified", (context) => disposed(context, "modified"));
container.on("rejected", (context) => disposed(context, "rejected", context.delivery.remote_state.error));

function answer(connection, request, properties, body) {
  const link = connection.answers?.get(request.reply_to);
  link?.send({ correlation_id: request.message_id, application_properties: properties, body });
}

function put_token({ connection, message }) {
  const { type, name, operation } = message.application_properties;
  seen.tokens.push({ type, name, text: type === "jwt" ? message.body : undefined });
  const status = (code, text) =>
    answer(connection, message, { "status-code": types.wrap_int(code), "status-description": text });
  if (operation !== "put-token") return status(400, "BadRequest");
  if (trouble) return status(trouble.status, trouble.description);
  if (fault("busy_token")) return status(503, "ServerBusy");
  const why = why_refused(message.body, type);
  if (why) return status(401, why);
  connection.audiences ??= new Map();
  connection.audiences.set(decodeURIComponent(name).replace(/^[a-z]+:\/\/[^/]*\/?/, ""), end_of(message.body, type));
  status(202, "Accepted");
}

const locks_in = (body) => Array.from(body["lock-tokens"], (uuid) => reorder(Buffer.from(uuid)).toString("hex"));

function manage({ connection, message, receiver }) {
  const operation = message.application_properties.operation;
  seen.apart.push(operation.replace("com.microsoft:", "") + (message.body["disposition-status"] ? " " + message.body["disposition-status"] : ""));
  const path = receiver.path.replace(/\/\$management$/, "");
  const status = (code, text, body) =>
    answer(connection, message, { statusCode: types.wrap_int(code), statusDescription: text }, body ?? {});
  if (trouble) return status(trouble.status, trouble.description);
  if (!allowed(connection, path)) return status(401, refused.token.description);
  if (fault("busy_manage")) return status(503, refused.busy.description);
  const queue = queue_of(path);
  if (operation === "com.microsoft:renew-session-lock") {
    const answer_it = () => {
      const until = sessions.renew(queue, message.body["session-id"]);
      if (until === undefined) return status(410, sessions.refusals.lost.description);
      status(200, "OK", { expiration: types.wrap_timestamp(until) });
    };
    return fault("slow_renew") ? void setTimeout(answer_it, queue.lock_ms / 3) : answer_it();
  }
  const locks = locks_in(message.body);
  if (operation === "com.microsoft:renew-lock") {
    const found = locks.map((lock) => queue.messages.find((one) => one.lock === lock && one.until > Date.now()));
    if (found.includes(undefined)) return status(410, refused.lost.description);
    for (const one of found) one.until = Date.now() + queue.lock_ms;
    save();
    return status(200, "OK", { expirations: types.wrap_array(found.map((one) => one.until), 0x83) });
  }
  if (operation === "com.microsoft:update-disposition") {
    const outcome = message.body["disposition-status"];
    const of_session = (lock) => queue.messages.find((one) => one.lock === lock)?.session;
    for (const lock of locks) {
      if (of_session(lock) !== message.body["session-id"]) return status(410, sessions.refusals.lost.description);
      if (!settle(lock, outcome, message.body["deadletter-reason"] ?? "", message.body["deadletter-description"] ?? ""))
        return status(410, refused.lost.description);
    }
    return status(200, "OK");
  }
  status(501, "NotImplemented");
}

const sockets = new Set();
container.on("connection_open", ({ connection }) => {
  sockets.add(connection);
  // Also when the socket is destroyed here, of which rhea tells nobody.
  connection.socket.on("close", () => {
    sockets.delete(connection);
    for (const link of receivers) {
      if (link.connection !== connection) continue;
      receivers.delete(link);
      sessions.gone(link);
    }
    for (const one of sessions.waiting) if (one.link.connection === connection) sessions.waiting.delete(one);
  });
});
container.on("disconnected", () => {});
container.on("connection_error", () => {});
container.on("session_error", () => {});
container.on("sender_error", () => {});
container.on("receiver_error", () => {});
container.on("protocol_error", () => {});
container.on("error", () => {});

// From here messages go to the client.
container.on("sender_open", ({ connection, sender }) => {
  const path = sender.source.address;
  if (path === "$cbs" || path.endsWith("/$management")) {
    sender.set_source({ address: path });
    sender.set_target({ address: sender.target?.address });
    connection.answers ??= new Map();
    // A client names its end in one of two ways.
    for (const name of [sender.name, sender.target?.address]) if (name) connection.answers.set(name, sender);
    return;
  }
  ++seen.attached;
  if (trouble) return sender.close(trouble);
  if (fault("busy_attach")) return sender.close(refused.busy);
  const queue = queue_of(path);
  if (!queue) return sender.close(refused.missing);
  if (!allowed(connection, path)) return sender.close(refused.token);
  if (!is_dead(path) && sessions.asked(sender, queue)) return;
  if (queue.requires_session && !is_dead(path)) return sender.close(refused.sessions);
  sender.set_source({ address: path });
  sender.set_target({ address: sender.target?.address });
  sender.path = path;
  sender.given = 0;
  receivers.add(sender);
});
container.on("sender_close", ({ sender }) => {
  receivers.delete(sender);
  sessions.gone(sender);
});
container.on("sendable", ({ sender }) => {
  if (!receivers.has(sender)) return;
  seen.credits.push(sender.credit);
  deliver_all();
});
container.on("sender_draining", ({ sender }) => {
  sender.given = sender.delivery_count + sender.credit;
  sender.set_drained(true);
});

// And here they come from it.
container.on("receiver_open", ({ connection, receiver }) => {
  const path = receiver.target.address;
  receiver.set_target({ address: path });
  receiver.path = path;
  if (path === "$cbs") return;
  if (!queue_of(path)) return receiver.close(refused.missing);
  if (!allowed(connection, path)) return receiver.close(refused.token);
});
container.on("message", (context) => {
  const { receiver, message, delivery } = context;
  if (receiver.path === "$cbs") return put_token(context);
  if (receiver.path.endsWith("/$management")) return manage(context);
  if (fault("busy_send")) return delivery.reject(refused.busy);
  const queue = queue_of(receiver.path);
  if (queue.requires_session && message.group_id === undefined) return delivery.reject(sessions.refusals.unnamed);
  add_message(queue, rhea.message.encode(message), queue.requires_session ? message.group_id : undefined);
  delivery.accept();
});

const tls = settings.cert ? { cert: fs.readFileSync(settings.cert), key: fs.readFileSync(settings.key_file) } : {};
container.listen({
  host: "127.0.0.1", port: settings.port, require_sasl: true, idle_time_out: settings.idle_ms ?? 60000,
  sender_options: { autosettle: false, treat_modified_as_released: false, snd_settle_mode: 0 }, receiver_options: { autoaccept: false, credit_window: 100 },
  ...(settings.amqps ? { transport: "tls", ...tls } : {}),
});

// The management API: an Atom entry, whose counts have a namespace of their own.
function described(name, queue) {
  const iso = (ms) => `PT${Math.floor(ms / 60000)}M${(ms % 60000) / 1000}S`;
  const count = (kind, number) => `<d2p1:${kind}MessageCount>${number}</d2p1:${kind}MessageCount>`;
  return `<entry xmlns="http://www.w3.org/2005/Atom"><id>https://fake/${name}?api-version=2021-05</id>
    <title type="text">${name}</title><published>2026-01-01T00:00:00Z</published><updated>2026-01-01T00:00:00Z</updated>
    <author><name>fake</name></author><link rel="self" href="https://fake/${name}?api-version=2021-05"/>
    <content type="application/xml"><QueueDescription xmlns="http://schemas.microsoft.com/netservices/2010/10/servicebus/connect"
      xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><LockDuration>${iso(queue.lock_ms)}</LockDuration>
      <MaxSizeInMegabytes>1024</MaxSizeInMegabytes><RequiresDuplicateDetection>false</RequiresDuplicateDetection>
      <RequiresSession>${queue.requires_session}</RequiresSession>
      <DefaultMessageTimeToLive>P10675199DT2H48M5.4775807S</DefaultMessageTimeToLive>
      <DeadLetteringOnMessageExpiration>false</DeadLetteringOnMessageExpiration>
      <DuplicateDetectionHistoryTimeWindow>PT10M</DuplicateDetectionHistoryTimeWindow>
      <MaxDeliveryCount>${queue.max_delivery}</MaxDeliveryCount><EnableBatchedOperations>true</EnableBatchedOperations>
      <SizeInBytes>0</SizeInBytes><MessageCount>${queue.messages.length + queue.dead.length}</MessageCount>
      <Status>Active</Status><CreatedAt>2026-01-01T00:00:00Z</CreatedAt><UpdatedAt>2026-01-01T00:00:00Z</UpdatedAt>
      <AccessedAt>2026-01-01T00:00:00Z</AccessedAt>
      <EnablePartitioning>false</EnablePartitioning><EnableExpress>false</EnableExpress>
      <CountDetails xmlns:d2p1="http://schemas.microsoft.com/netservices/2011/06/servicebus">
      ${count("Active", queue.messages.length)}${count("DeadLetter", queue.dead.length)}${count("Scheduled", 0)}
      ${count("Transfer", 0)}${count("TransferDeadLetter", 0)}</CountDetails></QueueDescription></content></entry>`;
}

function api(request, response) {
  const reply = (status, text) => {
    response.writeHead(status, { "content-type": "application/atom+xml;type=entry;charset=utf-8" });
    response.end(text);
  };
  const header = request.headers.authorization ?? "";
  const bearer = header.startsWith("Bearer ");
  if (why_refused(bearer ? header.slice(7) : header, bearer ? "jwt" : "") || faults.no_manage > 0) return reply(401, "<Error/>");
  const name = decodeURIComponent(new URL(request.url, "https://fake").pathname.slice(1));
  if (fault("garbage_manage")) return reply(200, "<html>not an entry");
  const queue = kept.queues[name];
  // That there is no such queue is said by a feed without entries.
  if (!queue) return reply(200, '<feed xmlns="http://www.w3.org/2005/Atom"><title type="text">Publicly Listed Services</title></feed>');
  reply(200, described(name, queue));
}

let management_port = 0;
if (settings.cert) {
  const server = https.createServer(tls, api);
  await new Promise((ready) => server.listen(settings.management_port ?? 0, "127.0.0.1", ready));
  management_port = server.address().port;
}

const operations = {
  ports: () => ({ management: management_port }),
  queue({ name, lock_ms = 30000, max_delivery = 10, requires_session = false }) {
    kept.queues[name] = { lock_ms, max_delivery, requires_session, sequence: 0, messages: [], dead: [] };
    save();
  },
  // As if somebody had sent these.
  add({ name, messages }) {
    for (const { session, body } of messages)
      add_message(kept.queues[name], rhea.message.encode({ group_id: session ?? undefined, body: rhea.message.data_section(Buffer.from(body)) }), session ?? undefined);
  },
  jwt: ({ token, life_ms }) => void jwts.set(token, Date.now() + life_ms),
  fault: ({ name, times = 1 }) => void (faults[name] = times),
  // Links that are there end by it too; without a status it is over.
  trouble({ status, condition, description, ends_links }) {
    trouble = status ? { status, condition, description } : null;
    if (ends_links) for (const link of receivers) link.close(trouble);
  },
  // Another key of the policy: what was let in by the former is not any more.
  rekey({ key }) {
    settings.key = key;
    for (const connection of sockets) connection.audiences?.clear();
  },
  // Every lock ends, as if its time were over.
  unlock({ name }) {
    for (const message of kept.queues[name].messages) if (message.lock) message.until = 0;
  },
  left: ({ name }) => kept.queues[name].messages.map(({ failed, lock }) => ({ failed, locked: lock !== undefined })),
  dead: ({ name }) => kept.queues[name].dead.map(({ reason, description }) => ({ reason, description })),
  seen: () => ({ ...seen, accepted: sessions.accepted, renewals: sessions.renewals, waiting: sessions.waiting.size }),
  sessions: ({ name }) => [...sessions.of(kept.queues[name]).keys()],
  lose_session: ({ name, session }) => sessions.lose(kept.queues[name], session),
  take_session: ({ name, session, ms }) => sessions.take(kept.queues[name], session, ms),
  drop() {
    for (const connection of sockets) connection.socket.destroy();
  },
  detach({ condition, description }) {
    for (const link of receivers) link.close({ condition, description });
  },
  // A link that has nothing to do is closed after ten minutes.
  detach_requests() {
    for (const connection of sockets) {
      for (const link of new Set(connection.answers?.values() ?? [])) link.close({ condition: "amqp:link:detach-forced", description: "idle" });
      connection.answers?.clear();
    }
  },
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  const reply = {};
  try {
    reply.value = operations[command.op](command) ?? null;
  } catch (error) {
    reply.error = String(error);
  }
  console.log(JSON.stringify(reply));
}
process.exit(0);
