// A function app with a custom handler, as Azure's documentation has it: an HTTP server on the port that it is told.
const http = require('node:http');

http.createServer((request, response) => {
  let body = '';
  request.on('data', (piece) => { body += piece; });
  request.on('end', () => {
    const { Data, Metadata } = JSON.parse(body);
    const order = JSON.parse(Data.order);
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({
      Outputs: { receipt: `receipt of ${order}` },
      Logs: [`${request.url} got ${order}, try ${Metadata.DequeueCount}`],
      ReturnValue: { method: Metadata.sys.MethodName, id: JSON.parse(Metadata.Id), sent: Metadata.InsertionTime },
    }));
  });
}).listen(process.env.FUNCTIONS_CUSTOMHANDLER_PORT);
