// Functions as Google's documentation has them, on the unmodified Functions Framework.
const functions = require('@google-cloud/functions-framework');

functions.cloudEvent('onMessage', (event) => {
  const text = Buffer.from(event.data.message.data, 'base64').toString();
  if (text === 'throw') throw new RangeError('as asked');
  if (text === 'exit') process.exit(5);
  console.log(`${event.type} from ${event.source}: ${text} ${JSON.stringify(event.data.message.attributes)}`);
});

functions.http('onRequest', (request, response) => {
  if (request.body.fail) return response.status(503).send('not now');
  return response.send({ got: request.body, queue: request.get('X-CloudTasks-QueueName') });
});

// A background function of the first generation.
exports.onBackground = (data, context) => {
  console.log(`${context.eventType}: ${Buffer.from(data.data, 'base64')}`);
};
