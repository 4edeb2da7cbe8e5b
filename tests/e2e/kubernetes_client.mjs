// The official JavaScript client of Kubernetes, driven by lines of JSON: kubernetes_client.mjs URL. "op" is the call; the first, "connect",
// says whom to trust and with which token.
import {
  AppsV1Api,
  CoordinationV1Api,
  CoreV1Api,
  KubeConfig,
  PatchStrategy,
  setHeaderOptions,
  V1MicroTime,
} from "@kubernetes/client-node";

import { answerLines } from "./answer_lines.mjs";

const server = process.argv[2];
const config = new KubeConfig();
const mergePatch = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);

const leases = () => config.makeApiClient(CoordinationV1Api);

// Its times are objects.
function lease({ spec, ...body }) {
  const timed = { ...spec };
  for (const name of ["acquireTime", "renewTime"]) if (timed[name]) timed[name] = new V1MicroTime(timed[name]);
  return { ...body, spec: timed };
}

const calls = {
  connect: ({ caFile, token }) => {
    config.loadFromOptions({
      clusters: [{ name: "it", server, caFile }],
      users: [{ name: "test", token }],
      contexts: [{ name: "it", cluster: "it", user: "test" }],
      currentContext: "it",
    });
    return null;
  },
  readLease: ({ namespace, name }) => leases().readNamespacedLease({ namespace, name }),
  createLease: ({ namespace, body }) => leases().createNamespacedLease({ namespace, body: lease(body) }),
  replaceLease: ({ namespace, name, body }) => leases().replaceNamespacedLease({ namespace, name, body: lease(body) }),
  readScale: ({ namespace, name }) => config.makeApiClient(AppsV1Api).readNamespacedDeploymentScale({ namespace, name }),
  patchScale: (input) => config.makeApiClient(AppsV1Api).patchNamespacedDeploymentScale(input, mergePatch),
  patchPod: (input) => config.makeApiClient(CoreV1Api).patchNamespacedPod(input, mergePatch),
};

await answerLines(calls);
