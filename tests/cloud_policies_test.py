"""docs/policies allow exactly what the sources call: no call is refused, and nothing is allowed for nothing."""

import json
import re
import unittest

from source_tree import ROOT, read

# Of Pub/Sub's methods and Cloud Monitoring's, as the code names them (IAM permissions reference of Google Cloud).
GOOGLE = {
    "subscription_url()": "pubsub.subscriptions.get",
    ":pull": "pubsub.subscriptions.consume",
    ":acknowledge": "pubsub.subscriptions.consume",
    ":modifyAckDeadline": "pubsub.subscriptions.consume",
    ":publish": "pubsub.topics.publish",
    "/timeSeries": "monitoring.timeSeries.list",
}

# Of Service Bus, by what a file of the source's does (Azure resource provider operations). $cbs and $management, to
# which request_link.cpp attaches, ask for no more than the queue that they belong to.
AZURE = {
    "bus_receiver.cpp": "Microsoft.ServiceBus/namespaces/messages/receive/action",
    "bus_sender.cpp": "Microsoft.ServiceBus/namespaces/messages/send/action",
    "queue_description.cpp": "Microsoft.ServiceBus/namespaces/queues/read",
    "request_link.cpp": None,
}


def azure_actions(sources):
    """`sources`: name of the file -> its text."""
    calling = [name for name, text in sources.items() if re.search(r"\b(pn_receiver|pn_sender|fetch)\(", text)]
    unknown = [name for name in calling if name not in AZURE]
    if unknown:
        raise AssertionError(f"which action is needed for what these do is not known: {unknown}")
    return {AZURE[name] for name in calling} - {None}


def sqs_actions(source):
    """Names of actions in calls; a batch is allowed by its single action's name."""
    names = re.findall(r'"((?:Get|Receive|Delete|Change|Send|Create|Set|Purge|List|Add|Remove|Tag|Untag|Start|Cancel)[A-Z]\w+)"', source)
    return {"sqs:" + name.removesuffix("Batch") for name in names}


def google_permissions(source):
    urls = re.findall(r'\.url = (.*?)[,}]', source, re.DOTALL)
    found = set()
    for url in urls:
        names = [name for name in GOOGLE if name in url]
        if url.strip() != "calling.url" and len(names) != 1:
            raise AssertionError(f"this call's permission is not known: {url}")
        found.update(GOOGLE[name] for name in names)
    return found


# Of Lambda's API, by the paths of its calls (Service Authorization Reference, AWS Lambda).
LAMBDA = {"/invocations": "lambda:InvokeFunction"}


def lambda_actions(source):
    paths = re.findall(r'"(/[a-z-]+)"', "".join(re.findall(r"request\.url \+= .*?;", source, re.DOTALL)))
    unknown = [path for path in paths if path not in LAMBDA]
    if unknown or not paths:
        raise AssertionError(f"these calls' actions are not known: {unknown}")
    return {LAMBDA[path] for path in paths}


# Of metrics, by the operation that a source's requests name.
METRICS = {"GraniteServiceVersion20100801.GetMetricData": "cloudwatch:GetMetricData",
           "/providers/Microsoft.Insights/metrics": "Microsoft.Insights/metrics/read",
           "/timeSeries": "monitoring.timeSeries.list"}


def metric_actions(source):
    """Every request is made by ask_service; its operation is in a text of the same file."""
    named = re.findall(r'"(GraniteServiceVersion\w+\.\w+|/providers/[\w./]+|/timeSeries)', source)
    unknown = [name for name in named if name not in METRICS]
    if unknown or not named or source.count("ask_service(") != 1 or re.search(r"\bfetch\w*\(", source):
        raise AssertionError(f"these calls' actions are not known: {unknown or source[:80]}")
    return {METRICS[name] for name in named}


def scaling_actions(source):
    """Every request is made by ask_service; its operation is the first member of a Call, or replaces it."""
    named = re.findall(r'(?:Call call\{|call\.operation = )"(\w+)"', source)
    if not named or source.count("ask_service(") != 1 or source.count("Call call{") != len(re.findall(r'Call call\{"', source)) \
            or re.search(r"\bfetch\w*\(", source):
        raise AssertionError(f"these calls' actions are not known: {named}")
    return {"application-autoscaling:" + name for name in named}


# Of Azure's App Service, by what a class of the source's reads and writes: the app's own, or its configuration's.
APP_SERVICE = {"AzureElastic": ("/config/web?", "Microsoft.Web/sites/config/"), "AzureFlex": ("?api-version=", "Microsoft.Web/sites/")}


def app_service_actions(source, name):
    """Of the class `name`, all of whose requests go to one url_."""
    text = source[source.index(f"class {name} :"):]
    text = text[:text.index("\n};\n")]
    path, actions = APP_SERVICE[name]
    urls = re.findall(r'url_\(\w+\.url \+ \w+\.name \+ "([^"]+)"', text)
    methods = set(re.findall(r'(?:\.method = |json_request\()"(\w+)"', text))
    asked = text.count(".url = ") + text.count("json_request(")
    if len(urls) != 1 or not urls[0].startswith(path) or asked != len(re.findall(r'\.url = url_|json_request\("\w+", url_', text)):
        raise AssertionError(f"these calls' actions are not known: {urls}")
    return {actions + {"GET": "read", "PATCH": "write", "PUT": "write"}[method] for method in methods}


# Of Lambda's API that control speaks, by the path of a class' calls: the action of each method (Service Authorization
# Reference, AWS Lambda).
LAMBDA_TARGETS = {
    "/provisioned-concurrency": {method: f"lambda:{verb}ProvisionedConcurrencyConfig"
                                 for method, verb in (("GET", "Get"), ("PUT", "Put"), ("DELETE", "Delete"))},
    "/concurrency": {method: f"lambda:{verb}FunctionConcurrency" for method, verb in (("GET", "Get"), ("PUT", "Put"), ("DELETE", "Delete"))},
    "/event-source-mappings/": {"GET": "lambda:GetEventSourceMapping", "PUT": "lambda:UpdateEventSourceMapping"},
}


def lambda_target_actions(source):
    """Of each class that translates directives, all of whose requests go to one path."""
    found = set()
    for text in source.split("\nclass ")[1:]:
        paths = set(re.findall(r'"[^"]*(/provisioned-concurrency|/concurrency|/event-source-mappings/|/functions/(?=\w))', text))
        methods = re.findall(r'\.method = "(\w+)"', text)
        if len(paths) != 1 or not methods or len(methods) != text.count("FetchRequest{") or paths - set(LAMBDA_TARGETS):
            raise AssertionError(f"these calls' actions are not known: {paths}, {methods}")
        actions = LAMBDA_TARGETS[paths.pop()]
        found.update(actions[method] for method in methods)
    return found


# Of object stores, by what their sources do: list a bucket, or GET or PUT an object (each provider's reference of
# permissions). Whoever replaces an object of Cloud Storage needs to be allowed to delete it.
STORES = {
    "s3": {"list": {"s3:ListBucket"}, "GET": {"s3:GetObject"}, "PUT": {"s3:PutObject"}},
    "cloud-storage": {"list": {"storage.objects.list"}, "GET": {"storage.objects.get"},
                      "PUT": {"storage.objects.create", "storage.objects.delete"}},
    "blob-storage": {verb: {"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/" + action}
                     for verb, action in (("list", "read"), ("GET", "read"), ("PUT", "write"))},
}


def store_actions(source, store):
    """Every request is made by ask(): one of no method is a GET, of an object or of the list."""
    if source.count("ask_store(") != 1 or re.search(r"\bfetch\w*\(", source):
        raise AssertionError("these calls' actions are not known")
    verbs = {"GET": ".url = url_of(name)}" in source, "list": "{.url = url}" in source}
    verbs |= {method: True for method in re.findall(r'\.method = "(\w+)"', source)}
    return set().union(*(STORES[store][verb] for verb, there in verbs.items() if there))


def allowed_by(policy):
    """Of a policy of AWS."""
    return {action for statement in policy["Statement"] for action in statement["Action"]}


class Policies(unittest.TestCase):
    def test_the_policy_for_lambdas_concurrency_allows_what_is_called(self):
        policy = json.loads(read(ROOT, "docs/policies/lambda-concurrency.json"))
        called = lambda_target_actions(read(ROOT, "src/edge/cloud/targets/lambda_concurrency.cpp"))
        self.assertEqual(called, allowed_by(policy))

    def test_the_role_for_minimum_instances_of_cloud_run_allows_what_is_called(self):
        role = json.loads(read(ROOT, "docs/policies/cloud-run-scale.json"))
        source = read(ROOT, "src/edge/cloud/targets/service_scale.cpp")
        methods = re.findall(r'(?:\.method = |json_request\()"(\w+)", (?:\.url = )?url_', source)
        self.assertEqual(len(methods), source.count("FetchRequest{") + source.count("json_request("))
        self.assertEqual({"run.services." + {"GET": "get", "PATCH": "update"}[method] for method in methods},
                         set(role["includedPermissions"]))

    def test_the_policies_for_archives_allow_what_is_called(self):
        bucket = read(ROOT, "src/edge/archive/bucket_store.cpp")
        self.assertEqual(store_actions(bucket, "s3"), allowed_by(json.loads(read(ROOT, "docs/policies/archive-s3.json"))))
        self.assertEqual(store_actions(bucket, "cloud-storage"),
                         set(json.loads(read(ROOT, "docs/policies/archive-cloud-storage.json"))["includedPermissions"]))
        role = json.loads(read(ROOT, "docs/policies/archive-blob-storage.json"))
        self.assertEqual(store_actions(read(ROOT, "src/edge/archive/azure_store.cpp"), "blob-storage"),
                         {*role["Actions"], *role["DataActions"]})

    def test_the_roles_for_azure_functions_allow_what_is_called(self):
        source = read(ROOT, "src/edge/cloud/targets/azure_scale.cpp")
        premium = json.loads(read(ROOT, "docs/policies/azure-premium.json"))
        self.assertEqual(app_service_actions(source, "AzureElastic"), {*premium["Actions"], *premium["DataActions"]})
        flex = json.loads(read(ROOT, "docs/policies/azure-flex.json"))
        # Whoever writes an app that is in a plan joins it to the plan (Azure resource provider operations, Microsoft.Web).
        self.assertEqual(app_service_actions(source, "AzureFlex") | {"Microsoft.Web/serverfarms/join/action"},
                         {*flex["Actions"], *flex["DataActions"]})

    def test_the_policy_for_sqs_allows_what_is_called(self):
        policy = json.loads(read(ROOT, "docs/policies/sqs.json"))
        self.assertEqual(sqs_actions(read(ROOT, "src/edge/cloud/sqs/sqs_source.cpp")), allowed_by(policy))

    def test_the_role_for_pubsub_allows_what_is_called(self):
        role = json.loads(read(ROOT, "docs/policies/pubsub.json"))
        self.assertEqual(google_permissions(read(ROOT, "src/edge/cloud/pubsub/pubsub_source.cpp")),
                         set(role["includedPermissions"]))

    def test_the_role_for_service_bus_allows_what_is_called(self):
        role = json.loads(read(ROOT, "docs/policies/servicebus.json"))
        folder = ROOT / "src/edge/cloud/servicebus"
        sources = {path.name: path.read_text() for path in folder.glob("*.cpp") if not path.name.endswith("_test.cpp")}
        self.assertEqual(azure_actions(sources), {*role["Actions"], *role["DataActions"]})

    def test_the_policy_for_invoking_lambda_allows_what_is_called(self):
        policy = json.loads(read(ROOT, "docs/policies/lambda-invoke.json"))
        self.assertEqual(lambda_actions(read(ROOT, "src/edge/cloud/invoke/lambda_invoke.cpp")), allowed_by(policy))

    def test_the_role_for_invoking_cloud_run_has_what_a_request_to_its_url_needs(self):
        role = json.loads(read(ROOT, "docs/policies/cloud-run-invoke.json"))
        # One request, to the function's own URL and nothing else of Google's.
        source = read(ROOT, "src/edge/cloud/invoke/http_invoke.cpp")
        self.assertEqual(re.findall(r"\.url = (\w+)", source), ["url"])
        self.assertEqual(role["includedPermissions"], ["run.routes.invoke"])

    def test_the_policies_for_metrics_allow_what_is_asked(self):
        def asked(name):
            return metric_actions(read(ROOT, f"src/edge/cloud/metrics/{name}.cpp"))

        policy = json.loads(read(ROOT, "docs/policies/cloudwatch-metrics.json"))
        self.assertEqual(asked("cloudwatch"), allowed_by(policy))
        role = json.loads(read(ROOT, "docs/policies/azure-monitor-metrics.json"))
        self.assertEqual(asked("azure_monitor"), {*role["Actions"], *role["DataActions"]})
        role = json.loads(read(ROOT, "docs/policies/cloud-monitoring-metrics.json"))
        self.assertEqual(asked("cloud_monitoring"), set(role["includedPermissions"]))

    def test_the_policy_for_application_auto_scaling_allows_what_is_called_and_what_it_asks_of_the_caller(self):
        policy = json.loads(read(ROOT, "docs/policies/application-auto-scaling.json"))
        called = scaling_actions(read(ROOT, "src/edge/cloud/targets/application_auto_scaling.cpp"))
        # The service checks that whoever changes a scalable target may change the resource too (its user guide,
        # "Permissions validation for Application Auto Scaling API calls on target resources").
        self.assertEqual(allowed_by(policy), called | {f"lambda:{verb}ProvisionedConcurrencyConfig" for verb in ("Get", "Put", "Delete")})

    def test_a_call_that_is_not_allowed_is_found(self):
        with self.assertRaises(AssertionError):
            lambda_target_actions('\nclass A {\n "/functions/" "/configuration" FetchRequest{.method = "PUT"} };')
        with self.assertRaises(AssertionError):
            store_actions('ask_store(x); fetch(y)', "s3")
        self.assertEqual(store_actions('ask_store(x); ask({.url = url})', "s3"), {"s3:ListBucket"})
        self.assertEqual(scaling_actions('Call call{"A", named()}; call.operation = "B"; ask_service(x)'),
                         {"application-autoscaling:A", "application-autoscaling:B"})
        with self.assertRaises(AssertionError):
            app_service_actions('class AzureFlex : x {\n url_(a.url + a.name + "?api-version=1"); json_request("PUT", other_);\n};\n', "AzureFlex")
        with self.assertRaises(AssertionError):
            scaling_actions('Call call{name, named()}; ask_service(x)')
        with self.assertRaises(AssertionError):
            metric_actions('ask_service({.headers = {{"X-Amz-Target", "GraniteServiceVersion20100801.PutMetricData"}}});')
        with self.assertRaises(AssertionError):
            lambda_actions('request.url += "/2015-03-31/functions/" + name + "/code";')
        self.assertEqual(sqs_actions('call({.action = "PurgeQueue"}); call_batch("DeleteMessageBatch", x)'),
                         {"sqs:PurgeQueue", "sqs:DeleteMessage"})
        with self.assertRaises(AssertionError):
            google_permissions('call({.url = subscription_url(":seek"), .body = x})')
        with self.assertRaises(AssertionError):
            azure_actions({"bus_rules.cpp": "fetch(request)"})


if __name__ == "__main__":
    unittest.main()
