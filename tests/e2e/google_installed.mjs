// Google's official clients, installed by whoever wants to see them in the folder FOREWARM_GOOGLE_CLIENTS.
import { createRequire } from "node:module";

// require() as of that folder, or as of one of the packages there: what each was made with may be of several versions.
export function installed(...packages) {
  return packages.reduce((require, name) => createRequire(require.resolve(name)), createRequire(`${process.env.FOREWARM_GOOGLE_CLIENTS}/`));
}

// With a token that is what it is, of the class that these packages know.
export function tokenClient(token, ...packages) {
  const { OAuth2Client } = installed(...packages)("google-auth-library");
  const client = new OAuth2Client();
  client.setCredentials({ access_token: token, expiry_date: Date.now() + 3600000 });
  return client;
}

// Options of a client of gax that asks a server on loopback.
export function loopbackOptions(url, name) {
  const { hostname, port } = new URL(url);
  return { fallback: true, protocol: "http", apiEndpoint: hostname, port: Number(port), authClient: tokenClient("official", name, "google-gax") };
}
