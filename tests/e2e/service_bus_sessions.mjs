// The sessions of the fake Service Bus: who has which, until when, and who waits for the next one. A session's lock is
// its link's: it ends with the link, and with its time.
import rhea from "rhea";

const { types } = rhea;
const FILTER = "com.microsoft:session-filter";
const TICKS_AT_EPOCH = 621355968000000000n;

const refusals = {
  timeout: { condition: "com.microsoft:timeout", description: "The operation did not complete within the allotted timeout." },
  taken: { condition: "com.microsoft:session-cannot-be-locked", description: "The requested session cannot be accepted. It may be locked by another receiver." },
  none: { condition: "amqp:not-allowed", description: "A sessionful message receiver cannot be created on an entity that does not require sessions. Ensure RequiresSession is set to true when creating a Queue or Subscription to enable sessionful behavior." },
  lost: { condition: "com.microsoft:session-lock-lost", description: "The session lock has expired on the session." },
  unnamed: { condition: "amqp:not-allowed", description: "The SessionId was not set on a message, and it cannot be sent to the entity." },
};

function ticks(ms) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(TICKS_AT_EPOCH + BigInt(ms) * 10000n);
  return types.wrap_long(bytes);
}

// The fake lends us its queues and ways: queue_of(path), fail(queue, message), save(), deliver(), receivers, fault(name).
export class Sessions {
  constructor(fake) {
    this.fake = fake;
    this.held = new Map(); // queue -> session -> { link, until }
    this.waiting = new Set(); // { link, queue, until } in their order
    this.turns = new Map(); // queue -> session -> when it was had last
    this.clock = 0;
    this.accepted = []; // names
    this.renewals = 0;
    setInterval(() => this.tick(), 20);
  }

  refusals = refusals;

  of(queue) {
    if (!this.held.has(queue)) this.held.set(queue, new Map());
    return this.held.get(queue);
  }

  // A link that asks for a session, of a queue that may have some. False: it asks for none.
  asked(link, queue) {
    const filter = link.source.filter;
    if (!filter || !(FILTER in filter)) return false;
    if (!queue.requires_session) return link.close(refusals.none), true;
    const name = filter[FILTER];
    if (name !== null && name !== undefined) {
      if (this.of(queue).has(name)) link.close(refusals.taken);
      else this.accept(link, queue, name);
      return true;
    }
    // rhea would answer at once.
    link.state.local_open = false;
    link.state.open_requests = 0;
    this.waiting.add({ link, queue, until: Date.now() + (this.fake.fault("no_patience") ? 0 : link.properties?.["com.microsoft:timeout"] ?? 60000) });
    this.serve();
    return true;
  }

  // The one that was had longest ago, or never, among those that have messages and that nobody has.
  next(queue) {
    const turns = this.turns.get(queue) ?? new Map();
    const free = [...new Set(queue.messages.map((one) => one.session))].filter((name) => !this.of(queue).has(name));
    return free.sort((a, b) => (turns.get(a) ?? 0) - (turns.get(b) ?? 0))[0];
  }

  serve() {
    for (const one of this.waiting) {
      const name = this.next(one.queue);
      if (name === undefined) continue;
      this.waiting.delete(one);
      one.link.open();
      this.accept(one.link, one.queue, name);
    }
  }

  accept(link, queue, name) {
    const until = Date.now() + queue.lock_ms;
    this.of(queue).set(name, { link, until });
    if (!this.turns.has(queue)) this.turns.set(queue, new Map());
    this.turns.get(queue).set(name, ++this.clock);
    this.accepted.push(name);
    link.set_source({ address: link.source.address, filter: { [FILTER]: name } });
    link.set_target({ address: link.target?.address });
    link.local.attach.properties = { "com.microsoft:locked-until-utc": ticks(until) };
    Object.assign(link, { path: link.source.address, given: 0, session_name: name });
    this.fake.receivers.add(link);
  }

  // Its link is gone: what it had comes again, and nobody has counted it.
  gone(link) {
    for (const one of this.waiting) {
      if (one.link !== link) continue;
      this.waiting.delete(one);
      link.open();
    }
    if (link.session_name === undefined) return;
    const queue = this.fake.queue_of(link.path);
    if (this.of(queue).get(link.session_name)?.link !== link) return;
    this.release(queue, link.session_name, (message) => delete message.lock);
  }

  release(queue, name, unlock) {
    this.of(queue).delete(name);
    for (const message of [...queue.messages]) if (message.session === name && message.lock) unlock(message);
    this.fake.save();
    this.fake.deliver();
  }

  lose(queue, name) {
    const { link } = this.of(queue).get(name);
    this.fake.receivers.delete(link);
    this.release(queue, name, (message) => this.fake.fail(queue, message));
    link?.close(refusals.lost);
  }

  // Somebody else has it, for so long.
  take(queue, name, ms) {
    if (this.of(queue).has(name)) this.lose(queue, name);
    this.of(queue).set(name, { link: null, until: Date.now() + ms });
  }

  tick() {
    for (const [queue, held] of this.held) {
      for (const [name, { link, until }] of [...held]) {
        if (until > Date.now()) continue;
        if (link) this.lose(queue, name);
        else held.delete(name);
      }
    }
    for (const one of [...this.waiting]) {
      if (one.until > Date.now()) continue;
      this.waiting.delete(one);
      one.link.open();
      one.link.close(refusals.timeout);
    }
    this.serve();
  }

  // When it ends now; undefined: it has ended.
  renew(queue, name) {
    const session = this.of(queue).get(name);
    if (!session?.link) return undefined;
    ++this.renewals;
    session.until = Date.now() + queue.lock_ms;
    for (const message of queue.messages) if (message.session === name && message.lock) message.until = session.until;
    this.fake.save();
    return session.until;
  }
}
