"""A queue with a dead-letter queue, from which message move tasks bring back what lies there."""

import time

from killed_server import Client, Refused
from traffic import VISIBILITY_SECONDS, Traffic, key_of

RECEIVES_MAX = 2


class DeadLetterTraffic(Traffic):
    queue = "kill-twice"
    dead = "kill-dead"

    def __init__(self, server, oracle, seed):
        super().__init__(server, oracle, seed)
        self.dead_arn = None
        self.figures |= {"dead letters seen": 0, "move tasks": 0}

    def set_up(self):
        client = Client(self.server, self.dead)
        client.create({"VisibilityTimeout": str(VISIBILITY_SECONDS)})
        self.dead_arn = client.call("GetQueueAttributes", AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.attributes = {"RedrivePolicy": f'{{"deadLetterTargetArn":"{self.dead_arn}",'
                                            f'"maxReceiveCount":"{RECEIVES_MAX}"}}'}
        super().set_up()

    def roles(self, producers, consumers):
        return super().roles(producers, consumers) + [("undertaker", self.bury), ("mover", self.move)]

    def places(self):
        return [self.queue, self.dead]

    def consume(self, client, choice, _):
        self.take(client, choice, deleted=0.4, released=0.6)

    def bury(self, client, choice, _):
        """Deletes a part of what is dead, and leaves the rest to the mover."""
        if client.queue != self.dead:
            client.queue, client.queue_url = self.dead, None
        self.take(client, choice, deleted=0.5, released=0.5)
        time.sleep(0.1)

    def move(self, client, choice, _):
        time.sleep(choice.random())
        try:
            client.ask("StartMessageMoveTask", SourceArn=self.dead_arn,
                       **({"MaxNumberOfMessagesPerSecond": 50} if choice.random() < 0.3 else {}))
            self.figures["move tasks"] += 1
        except Refused as refusal:
            if "already" not in str(refusal):  # the one before goes on, after a restart too
                raise

    def look_at(self, queue, messages, asked_at):
        for message in messages:
            key = key_of(message["Body"])
            self.oracle.seen(key, message["Body"], None, asked_at, delivery=True)
            count = int(message["Attributes"]["ApproximateReceiveCount"])
            if queue == self.dead:
                self.figures["dead letters seen"] += 1
            elif count > RECEIVES_MAX:
                self.oracle.violated(f"I4: message {key} was delivered {count} times and is not dead")
