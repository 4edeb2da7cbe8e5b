// Validates Kubernetes manifests, JSON on standard input as [{...}, ...], against the schemas of kubernetes-models, and prints
// a TypeScript program on standard output that does not compile where a manifest has a field that its kind has not.
import { readFileSync } from "node:fs";

const manifests = JSON.parse(readFileSync(0, "utf8"));
const imports = new Map();
const constants = [];
for (const [number, manifest] of manifests.entries()) {
  const { apiVersion, kind } = manifest;
  const group = apiVersion.split("/")[0];
  const folder = { "monitoring.coreos.com": "@kubernetes-models/prometheus-operator", "keda.sh": "@kubernetes-models/keda" };
  const module = `${folder[group] ?? "kubernetes-models"}/${apiVersion}/${kind}`;
  const model = (await import(module))[kind];
  new model(manifest).validate();
  imports.set(module, kind);
  constants.push(`export const manifest${number}: I${kind} = ${JSON.stringify(manifest)};`);
}
console.log([...imports].map(([module, kind]) => `import type { I${kind} } from "${module}";`).join("\n"));
console.log(constants.join("\n"));
