// The client of @grpc/grpc-js asking an external scaler as KEDA does, driven by lines of JSON: keda_client.mjs HOST:PORT [CA [CERTIFICATE KEY]].
import { credentials, loadPackageDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { readFileSync } from "node:fs";
import readline from "node:readline";

const definition = new URL("../../src/edge/cloud/keda/externalscaler.proto", import.meta.url).pathname;
const { ExternalScaler } = loadPackageDefinition(loadSync(definition, { keepCase: true, longs: Number, defaults: true })).externalscaler;
const [address, ca, certificate, key] = process.argv.slice(2);
const read = (path) => (path ? readFileSync(path) : null);
const client = new ExternalScaler(address, ca ? credentials.createSsl(read(ca), read(key), read(certificate)) : credentials.createInsecure());
const streams = new Map();
const say = (answer) => console.log(JSON.stringify(answer));
const failure = (error) => ({ error: error.code, details: error.details });

function stream(id, reference) {
  const call = client.StreamIsActive(reference);
  streams.set(id, call);
  call.on("data", ({ result }) => say({ stream: id, active: result }));
  // Without an error the status is 0, and both come.
  call.on("error", () => {});
  call.on("status", ({ code, details }) => say({ stream: id, status: code, details }));
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { op, id, metadata, name = "worker", bytes = 0 } = JSON.parse(line);
  const reference = { name, namespace: "shop", scalerMetadata: { ...metadata, ...(bytes ? { padding: "x".repeat(bytes) } : {}) } };
  if (op === "stream") stream(id, reference);
  else if (op === "cancel") streams.get(id).cancel();
  else {
    const request = op === "GetMetrics" ? { scaledObjectRef: reference, metricName: "instances" } : reference;
    client[op](request, { deadline: Date.now() + 30_000 }, (error, value) => say({ id, ...(error ? failure(error) : { value }) }));
  }
}
client.close();
