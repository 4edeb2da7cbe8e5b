// The official SDK driven by lines of JSON: sqs_client.mjs http://KEY:SECRET@HOST:PORT. An "op" is a command's name, the
// rest its input; binary values are given and shown as {"base64": TEXT}.
import * as sqs from "@aws-sdk/client-sqs";
import readline from "node:readline";

const url = new URL(process.argv[2]);
const client = new sqs.SQSClient({
  endpoint: `${url.protocol}//${url.host}`,
  region: "eu-west-1",
  credentials: { accessKeyId: url.username, secretAccessKey: decodeURIComponent(url.password) },
  maxAttempts: 3,
});

const revive = (_, value) => (typeof value?.base64 === "string" ? Buffer.from(value.base64, "base64") : value);
const replace = (_, value) => (value instanceof Uint8Array ? { base64: Buffer.from(value).toString("base64") } : value);

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { op, ...input } = JSON.parse(line, revive);
  let answer;
  try {
    const { $metadata, ...value } = await client.send(new sqs[`${op}Command`](input));
    answer = { value };
  } catch (error) {
    answer = { error: `${error.name}: ${error.message}` };
  }
  console.log(JSON.stringify(answer, replace));
}
