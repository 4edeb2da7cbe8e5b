// Google's official clients of Cloud Storage and Cloud Run, driven by lines of JSON: google_client.mjs URL. "op" is the call.
import { generateKeyPairSync } from "node:crypto";

import { answerLines } from "./answer_lines.mjs";
import { installed, loopbackOptions, tokenClient } from "./google_installed.mjs";

const url = process.argv[2];

function bucket(name, credentials) {
  const { Storage } = installed()("@google-cloud/storage");
  return new Storage({ apiEndpoint: url, projectId: "shop", useAuthWithCustomEndpoint: true, retryOptions: { autoRetry: false }, ...credentials }).bucket(name);
}

function withToken(name, token) {
  return bucket(name, { authClient: tokenClient(token, "@google-cloud/storage") });
}

// The Storage client speaks the XML API only in the addresses that it signs, with a key of a service account.
function signing(name) {
  const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  return bucket(name, { credentials: { client_email: "forewarm@shop", private_key: key.export({ type: "pkcs8", format: "pem" }) } });
}

function services() {
  const { ServicesClient } = installed()("@google-cloud/run");
  return new ServicesClient(loopbackOptions(url, "@google-cloud/run"));
}

// The names of all that is in it, as protocol buffers write them: what a mask has to name for it to be changed.
function maskOf(message) {
  return Object.entries(message).flatMap(([name, value]) => {
    const plain = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    return typeof value === "object" ? maskOf(value).map((rest) => `${plain}.${rest}`) : [plain];
  });
}

const calls = {
  signedUrl: async ({ bucket: name, object, action, ...options }) => {
    const place = object === undefined ? signing(name) : signing(name).file(object);
    const [signed] = await place.getSignedUrl({ version: "v4", action, expires: Date.now() + 60000, ...options });
    return signed;
  },
  save: async ({ bucket: name, token, object, base64 }) => {
    await withToken(name, token).file(object).save(Buffer.from(base64, "base64"), { resumable: false, validation: "md5" });
    return null;
  },
  getFiles: async ({ bucket: name, token, ...query }) => {
    const [files, next] = await withToken(name, token).getFiles({ autoPaginate: false, ...query });
    return { files: files.map((file) => file.metadata), next: next?.pageToken ?? null };
  },
  download: async ({ bucket: name, token, object }) => {
    const [content] = await withToken(name, token).file(object).download({ validation: "md5" });
    return content.toString("base64");
  },
  getService: async ({ name }) => {
    const [service] = await services().getService({ name });
    return service;
  },
  // What the operation gives in the end.
  updateService: async ({ name, service }) => {
    const [operation] = await services().updateService({ service: { name, ...service }, updateMask: { paths: maskOf(service) } });
    const [updated] = await operation.promise();
    return updated;
  },
};

await answerLines(calls);
