// Azure's official client of the App Service API, driven by lines of JSON: arm_client.mjs URL. "op" is the call.
import { WebSiteManagementClient } from "@azure/arm-appservice";

import { answerLines } from "./answer_lines.mjs";

const url = process.argv[2];

// A token is sent to loopback alone, and not by TLS: what forbids that makes way.
const plain = {
  name: "plain",
  sendRequest: (request, next) => {
    request.headers.set("authorization", "Bearer official");
    return next(request);
  },
};

function client(subscription, apiVersion) {
  const credential = { getToken: async () => ({ token: "official", expiresOnTimestamp: Date.now() + 3600000 }) };
  const made = new WebSiteManagementClient(credential, subscription, {
    endpoint: url,
    apiVersion,
    allowInsecureConnection: true,
    additionalPolicies: [{ policy: plain, position: "perCall" }],
    retryOptions: { maxRetries: 0 },
  });
  made.pipeline.removePolicy({ name: "bearerTokenAuthenticationPolicy" });
  return made.webApps;
}

const calls = {
  getConfiguration: ({ subscription, group, app, version }) => client(subscription, version).getConfiguration(group, app),
  updateConfiguration: ({ subscription, group, app, version, config }) => client(subscription, version).updateConfiguration(group, app, config),
  get: ({ subscription, group, app, version }) => client(subscription, version).get(group, app),
  // What was read, with the number of one group changed.
  createOrUpdate: async ({ subscription, group, app, version, name, instanceCount }) => {
    const apps = client(subscription, version);
    const site = await apps.get(group, app);
    const scale = site.functionAppConfig.scaleAndConcurrency;
    scale.alwaysReady = [...scale.alwaysReady.filter((each) => each.name !== name), { name, instanceCount }];
    await apps.beginCreateOrUpdate(group, app, site);
    return null;
  },
};

await answerLines(calls);
