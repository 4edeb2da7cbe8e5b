"""What deploy/ has for containers and Kubernetes is whole: schemas, references between the manifests, configurations, packages."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from server_process import PROGRAM, run

HERE = pathlib.Path(__file__).parent
DEPLOY = HERE.parent.parent / "deploy"
WORKLOADS = {"control": ("StatefulSet", "forewarm-control"), "server": ("StatefulSet", "forewarm")}


def yaml_documents(text):
    """The documents of a YAML text, by the package that Kubernetes' own JavaScript client uses."""
    script = ("import { parseAllDocuments } from 'yaml'; import { readFileSync } from 'node:fs';"
              "const all = parseAllDocuments(readFileSync(0, 'utf8'));"
              "for (const one of all) if (one.errors.length) throw one.errors[0];"
              "console.log(JSON.stringify(all.map(one => one.toJSON())));")
    done = subprocess.run(["node", "--input-type=module", "-e", script], input=text, capture_output=True, text=True, cwd=HERE)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return json.loads(done.stdout)


def manifests(name, files=None):
    """Those of a folder, the optional ones too unless `files` are named."""
    folder = DEPLOY / "kubernetes" / name
    paths = [folder / file for file in files] if files else sorted(set(folder.glob("*.yaml")) - {folder / "kustomization.yaml"})
    return yaml_documents("\n---\n".join(path.read_text() for path in paths))


def kustomization(name, everything=False):
    """Of a folder; with `everything`, what is commented out in it too."""
    text = (DEPLOY / "kubernetes" / name / "kustomization.yaml").read_text()
    if everything:
        text = re.sub(r"^#(?! )", "", re.sub(r"^#  ", "  ", text, flags=re.MULTILINE), flags=re.MULTILINE)
    return yaml_documents(text)[0]


def one(documents, kind):
    found = [each for each in documents if each["kind"] == kind]
    assert len(found) == 1, f"{len(found)} of kind {kind}"
    return found[0]


class Manifests(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="forewarm-deploy-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def each(self):
        for name, (kind, workload) in WORKLOADS.items():
            with self.subTest(name):
                documents = manifests(name)
                yield name, documents, one(documents, kind), workload

    def compiled(self, documents):
        """What a compiler says of them as objects of their kinds' types; empty: nothing."""
        done = subprocess.run(["node", "sdk/manifests.mjs"], input=json.dumps(documents), capture_output=True, text=True, cwd=HERE)
        self.assertEqual(done.returncode, 0, done.stderr)
        program = HERE / "sdk" / f"manifests-{os.getpid()}.ts"  # beside the packages that it imports
        program.write_text(done.stdout)
        self.addCleanup(program.unlink, missing_ok=True)
        return subprocess.run(["node_modules/.bin/tsc", "--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext",
                               str(program)], capture_output=True, text=True, cwd=HERE).stdout

    def test_they_are_of_their_kinds(self):
        every = [document for name in (*WORKLOADS, "worker") for document in manifests(name)]
        self.assertEqual(self.compiled(every), "")

    def test_a_field_that_is_none_is_found(self):
        wrong = one(manifests("server"), "StatefulSet")
        wrong["spec"]["template"]["spec"]["containers"][0]["livenesProbe"] = {}
        self.assertIn("livenesProbe", self.compiled([wrong]))

    def test_each_port_says_its_protocol(self):
        """Older API servers refuse to apply those that do not (kubectl apply --server-side, Argo CD)."""
        def ports(found):
            if isinstance(found, dict):
                return [found] if {"port", "containerPort"} & set(found) and "path" not in found else [each for value in found.values() for each in ports(value)]
            return [each for value in found for each in ports(value)] if isinstance(found, list) else []

        every = ports([document for name in (*WORKLOADS, "worker") for document in manifests(name) if document["kind"] != "ServiceMonitor"])
        self.assertEqual([each for each in every if "protocol" not in each], [])
        self.assertGreater(len(every), 9)

    def test_what_they_name_is_there(self):
        for _, documents, workload, name in self.each():
            labels = {"app.kubernetes.io/name": name}
            template = workload["spec"]["template"]
            self.assertEqual(workload["spec"]["selector"]["matchLabels"], labels)
            self.assertEqual(template["metadata"]["labels"], labels)
            services = [each for each in documents if each["kind"] == "Service"]
            service, = (each for each in services if each["metadata"]["name"] == name)
            self.assertEqual(service["spec"]["selector"], labels)
            self.assertEqual(service["metadata"]["labels"], labels)
            self.assertEqual(one(documents, "ServiceMonitor")["spec"]["selector"]["matchLabels"], labels)
            container, = template["spec"]["containers"]
            ports = {port["name"]: port["containerPort"] for port in container["ports"]}
            served = [port for each in services for port in each["spec"]["ports"]]
            self.assertEqual({port["targetPort"]: port["port"] for port in served}, ports)
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                self.assertIn(container[probe]["httpGet"]["port"], ports)
            self.assertIn(one(documents, "ServiceMonitor")["spec"]["endpoints"][0]["port"], ports)
            volumes = {each["name"]: each for each in template["spec"]["volumes"]}
            claims = {each["metadata"]["name"] for each in workload["spec"].get("volumeClaimTemplates", [])}
            if "serviceName" in workload["spec"]:
                self.assertEqual(workload["spec"]["serviceName"], service["metadata"]["name"])
            self.assertEqual({mount["name"] for mount in container["volumeMounts"]}, set(volumes) | claims)
            self.assertEqual(volumes["config"]["configMap"]["name"], one(documents, "ConfigMap")["metadata"]["name"])
            for volume in volumes.values():
                if "persistentVolumeClaim" in volume:
                    self.assertEqual(volume["persistentVolumeClaim"]["claimName"],
                                     one(documents, "PersistentVolumeClaim")["metadata"]["name"])
            self.assertEqual(one(documents, "ServiceMonitor")["spec"]["endpoints"][0]["authorization"]["credentials"]["name"],
                             volumes["secrets"]["secret"]["secretName"])

    def test_the_rights_are_those_that_the_target_uses(self):
        documents = manifests("control")
        role, binding = one(documents, "Role"), one(documents, "RoleBinding")
        account = one(documents, "ServiceAccount")["metadata"]["name"]
        self.assertEqual(role["rules"], [{"apiGroups": ["apps"], "resources": ["deployments/scale", "statefulsets/scale"],
                                          "verbs": ["get", "patch"]},
                                         {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
                                         {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"],
                                          "resourceNames": ["forewarm-control"], "verbs": ["get", "update"]},
                                         {"apiGroups": [""], "resources": ["pods"],
                                          "resourceNames": ["forewarm-control-0", "forewarm-control-1"], "verbs": ["patch"]}])
        (_, text), = one(documents, "ConfigMap")["data"].items()
        self.assertIn('[leader]\nkind = "kubernetes-lease"\nname = "forewarm-control"\n', text, "the Lease that it may use")
        self.assertEqual(binding["roleRef"]["name"], role["metadata"]["name"])
        self.assertEqual([subject["name"] for subject in binding["subjects"]], [account])
        workload = one(documents, "StatefulSet")
        self.assertEqual(workload["spec"]["template"]["spec"]["serviceAccountName"], account)
        self.assertEqual(one(documents, "PodDisruptionBudget")["spec"]["selector"], workload["spec"]["selector"])
        self.assertEqual(workload["spec"]["replicas"], 2, "as many pods as it may label")
        label, = re.findall(r'^pod_label = "(.+)"$', text, re.MULTILINE)
        leader, = (each for each in documents if each["kind"] == "Service" and each["metadata"]["name"].endswith("-leader"))
        self.assertEqual(leader["spec"]["selector"], workload["spec"]["selector"]["matchLabels"] | {label: "true"})

    def test_the_right_to_annotate_pods_is_the_one_that_is_asked_for(self):
        documents = manifests("server")
        account, role, binding = (one(documents, kind) for kind in ("ServiceAccount", "Role", "RoleBinding"))
        self.assertEqual(role["rules"], [{"apiGroups": [""], "resources": ["pods"], "verbs": ["patch"]}])
        self.assertEqual(binding["roleRef"], {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role["metadata"]["name"]})
        self.assertEqual(binding["subjects"], [{"kind": "ServiceAccount", "name": account["metadata"]["name"]}])
        self.assertNotIn("patches", kustomization("server"), "nobody has it who does not ask")
        self.assertNotIn("worker-pods.yaml", kustomization("server")["resources"])
        whole = kustomization("server", everything=True)
        self.assertEqual(set(whole["resources"]), {path.name for path in (DEPLOY / "kubernetes" / "server").glob("*.yaml")} - {"kustomization.yaml"})
        patch, = whole["patches"]
        workload = one(documents, patch["target"]["kind"])
        self.assertEqual(workload["metadata"]["name"], patch["target"]["name"])
        pod = workload["spec"]["template"]["spec"]
        steps = {step["path"].removeprefix("/spec/template/spec/"): step for step in yaml_documents(patch["patch"])[0]}
        self.assertEqual({name: step["op"] for name, step in steps.items()},
                         {name: "replace" if name in pod else "add" for name in ("serviceAccountName", "automountServiceAccountToken")})
        self.assertEqual({name: step["value"] for name, step in steps.items()},
                         {"serviceAccountName": account["metadata"]["name"], "automountServiceAccountToken": True})

    def configuration(self, documents, workload):
        """The configuration with its folders moved here, and its secrets made; the ports that it listens on."""
        (file, text), = one(documents, "ConfigMap")["data"].items()
        container, = workload["spec"]["template"]["spec"]["containers"]
        self.assertIn(f"/etc/forewarm/{file}", container["args"])
        mounted = [mount["mountPath"] for mount in container["volumeMounts"]]
        for path in re.findall(r'"(/[^"]+)"', text):
            self.assertTrue(any(path == each or path.startswith(each + "/") for each in mounted), path + " is not mounted")
        listening = {int(port) for port in re.findall(r'^(?:listen|admin) = "0\.0\.0\.0:(\d+)"$', text, re.MULTILINE)}
        self.assertEqual(listening, {port["containerPort"] for port in container["ports"]})
        secrets = self.folder / "etc" / "forewarm-secrets"
        secrets.mkdir(parents=True, exist_ok=True)
        for name in re.findall(r'"/etc/forewarm-secrets/([^"]+)"', text):
            (secrets / name).write_text("a-secret-of-the-test-0123456789\n")
            (secrets / name).chmod(0o600)
        path = self.folder / file
        path.write_text(re.sub(r'"/(etc|var)/', rf'"{self.folder}/\1/', text))
        return path

    def test_the_programs_take_the_configurations(self):
        for name, documents, workload, _ in self.each():
            path = self.configuration(documents, workload)
            if name == "server":
                done = run("check", path)
                self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
                continue
            closed = path.read_text().replace("prometheus-operated.monitoring:9090", "127.0.0.1:1")
            path.write_text(closed)
            done = run("control", "--config", path, "--once")
            # It gets as far as asking Prometheus, or for the cluster that is not there.
            self.assertNotRegex(done.stderr + done.stdout, rf"{re.escape(str(path))}:\d+")

    def test_kustomize_makes_the_same_of_them(self):
        if not shutil.which("kubectl"):
            self.skipTest("kubectl is not installed")
        for name, _, _, _ in self.each():
            done = subprocess.run(["kubectl", "kustomize", str(DEPLOY / "kubernetes" / name)], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            key = lambda each: (each["kind"], each["metadata"]["name"])
            rendered = sorted(yaml_documents(done.stdout), key=key)
            self.assertEqual(rendered, sorted(manifests(name, kustomization(name)["resources"]), key=key))


class Workers(unittest.TestCase):
    """The example of a function whose pods are workers."""

    def setUp(self):
        self.documents = manifests("worker")
        self.deployment = one(self.documents, "Deployment")
        self.pod = self.deployment["spec"]["template"]["spec"]
        self.container, = self.pod["containers"]

    def test_what_they_name_is_there(self):
        name = self.deployment["metadata"]["name"]
        self.assertEqual(self.deployment["spec"]["selector"]["matchLabels"], self.deployment["spec"]["template"]["metadata"]["labels"])
        volumes = {each["name"] for each in self.pod["volumes"]}
        self.assertEqual({mount["name"] for mount in self.container["volumeMounts"]}, volumes)
        init, = self.pod["initContainers"]
        self.assertEqual(init["command"][-1], self.container["command"][0])
        containerfile = (DEPLOY / "container" / "Containerfile").read_text()
        self.assertIn(f"build/release/forewarm-worker {init['command'][1]}\n", containerfile)
        self.assertEqual(init["image"], one(manifests("server"), "StatefulSet")["spec"]["template"]["spec"]["containers"][0]["image"])
        service = one(self.documents, "Service")
        self.assertEqual(service["spec"]["selector"], one(manifests("server"), "Service")["spec"]["selector"])
        url = self.container["args"][self.container["args"].index("--server") + 1]
        self.assertEqual(url, f"https://{service['metadata']['name']}:{service['spec']['ports'][0]['port']}")
        scaled = one(self.documents, "ScaledObject")["spec"]
        self.assertEqual(scaled["scaleTargetRef"]["name"], name)
        trigger, = scaled["triggers"]
        self.assertEqual(trigger["authenticationRef"]["name"], one(self.documents, "TriggerAuthentication")["metadata"]["name"])
        self.assertIn(f"http://{one(manifests('server'), 'Service')['metadata']['name']}:9325/", trigger["metadata"]["url"])

    def test_the_forwarder_is_told_which_pod_it_is_in(self):
        told = {each["name"]: each["valueFrom"]["fieldRef"]["fieldPath"] for each in self.container["env"] if "valueFrom" in each}
        self.assertEqual(told, {"POD_NAME": "metadata.name", "POD_NAMESPACE": "metadata.namespace"})
        program = str(pathlib.Path(PROGRAM).parent / pathlib.Path(self.container["command"][0]).name)
        said = subprocess.run([program, "--help"], capture_output=True, text=True, timeout=60, check=True).stdout
        for name in told:
            self.assertIn(f"(Env:{name})", said)

    def test_the_forwarder_takes_its_arguments(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="forewarm-deploy-"))
        self.addCleanup(shutil.rmtree, folder)
        (folder / "token").write_text("a-token-of-the-test-0123456789\n")
        (folder / "ca.pem").write_text(subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "/dev/null",
             "-subj", "/CN=test"], capture_output=True, text=True, check=True).stdout)
        arguments = [each.replace("/etc/worker", str(folder)) for each in self.container["args"]]
        arguments[arguments.index("--server") + 1] = "https://127.0.0.1:1"
        program = str(pathlib.Path(PROGRAM).parent / pathlib.Path(self.container["command"][0]).name)
        done = subprocess.run([program, *arguments[:-1], "sh", "-c", "exit 9"], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 9, done.stderr)

    def test_the_servers_configuration_in_the_readme_fits(self):
        text = (DEPLOY / "README.md").read_text()
        toml, = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
        with tempfile.TemporaryDirectory(prefix="forewarm-deploy-") as folder:
            path = pathlib.Path(folder) / "forewarm.toml"
            path.write_text(toml)
            done = run("check", path)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f':{one(self.documents, "Service")["spec"]["ports"][0]["targetPort"]}"', toml)


class Image(unittest.TestCase):
    def test_it_has_the_libraries_that_the_program_is_linked_with(self):
        text = (DEPLOY / "container" / "Containerfile").read_text()
        packages = set(re.findall(r"^    (\S+) \\$", text, re.MULTILINE)) - {"ca-certificates"}
        self.assertGreater(len(packages), 10)
        needed = re.findall(r"\(NEEDED\).*\[(.+)\]", subprocess.run(["readelf", "-d", PROGRAM], capture_output=True, text=True,
                                                                    check=True).stdout)
        paths = dict(re.findall(r"^\s+(\S+) => (\S+)", subprocess.run(["ldd", PROGRAM], capture_output=True, text=True,
                                                                      check=True).stdout, re.MULTILINE))
        owners = set()
        for library in needed:
            if library not in paths:
                continue  # the loader
            found = subprocess.run(["dpkg-query", "-S", os.path.realpath(paths[library])], capture_output=True, text=True)
            if found.returncode != 0:  # /usr and / are one
                found = subprocess.run(["dpkg-query", "-S", os.path.realpath(paths[library]).removeprefix("/usr")],
                                       capture_output=True, text=True)
            self.assertEqual(found.returncode, 0, library + found.stderr)
            owners.add(found.stdout.split(":")[0])
        in_every_debian = {"libc6", "libgcc-s1", "libstdc++6"}  # of apt, which the image begins with
        self.assertEqual(packages, owners - in_every_debian)


if __name__ == "__main__":
    unittest.main(verbosity=2)
