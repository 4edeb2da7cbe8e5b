// The official SDK driven by lines of JSON: lambda_client.mjs http://KEY:SECRET@HOST:PORT. "Payload" is text.
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import readline from "node:readline";

const url = new URL(process.argv[2]);
const client = new LambdaClient({
  endpoint: `${url.protocol}//${url.host}`,
  region: "eu-west-1",
  credentials: { accessKeyId: url.username, secretAccessKey: decodeURIComponent(url.password) },
  maxAttempts: 1,
});

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { op, ...input } = JSON.parse(line);
  let answer;
  try {
    const { $metadata, Payload, ...value } = await client.send(new InvokeCommand(input));
    answer = { value: { ...value, Payload: Payload && Buffer.from(Payload).toString() } };
  } catch (error) {
    answer = { value: { name: error.name, message: error.message, Reason: error.Reason } };
  }
  console.log(JSON.stringify(answer));
}
