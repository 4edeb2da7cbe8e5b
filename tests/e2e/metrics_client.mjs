// The clouds' official clients of metrics, driven by lines of JSON: metrics_client.mjs URL. "op" is the call, the rest its input.
import * as cloudwatch from "@aws-sdk/client-cloudwatch";
import { MetricsQueryClient } from "@azure/monitor-query";

import { answerLines } from "./answer_lines.mjs";
import { installed, loopbackOptions } from "./google_installed.mjs";

const url = process.argv[2];

const calls = {
  GetMetricData: ({ StartTime, EndTime, ...input }) => {
    const client = new cloudwatch.CloudWatchClient({
      endpoint: url,
      region: "eu-west-1",
      credentials: { accessKeyId: "AKIDTEST", secretAccessKey: "test/secret" },
      maxAttempts: 1,
    });
    const times = { StartTime: new Date(StartTime * 1000), EndTime: new Date(EndTime * 1000) };
    return client.send(new cloudwatch.GetMetricDataCommand({ ...input, ...times }));
  },
  queryResource: ({ resource, metrics, from, to, ...options }) => {
    const credential = { getToken: async () => ({ token: "official", expiresOnTimestamp: Date.now() + 3600000 }) };
    // A token is sent to loopback alone, and not by TLS: what forbids that makes way.
    const plain = {
      name: "plain",
      sendRequest: (request, next) => {
        request.headers.set("authorization", "Bearer official");
        return next(request);
      },
    };
    const client = new MetricsQueryClient(credential, {
      endpoint: url,
      allowInsecureConnection: true,
      additionalPolicies: [{ policy: plain, position: "perCall" }],
      retryOptions: { maxRetries: 0 },
    });
    client._metricsClient.pipeline.removePolicy({ name: "bearerTokenAuthenticationPolicy" });
    const timespan = { startTime: new Date(from * 1000), endTime: new Date(to * 1000) };
    return client.queryResource(resource, metrics, { ...options, timespan });
  },
  listTimeSeries: async ({ name, filter, from, to, aligner, reducer, pageSize }) => {
    const { MetricServiceClient, protos } = installed()("@google-cloud/monitoring");
    const { Aligner, Reducer } = protos.google.monitoring.v3.Aggregation;
    const client = new MetricServiceClient(loopbackOptions(url, "@google-cloud/monitoring"));
    const [series] = await client.listTimeSeries(
      {
        name,
        filter,
        interval: { startTime: { seconds: from }, endTime: { seconds: to } },
        aggregation: { alignmentPeriod: { seconds: 60 }, perSeriesAligner: Aligner[aligner], crossSeriesReducer: Reducer[reducer] },
        pageSize,
      },
      { autoPaginate: false },
    );
    return series.map(({ points }) => points.map(({ interval, value }) => [Number(interval.endTime.seconds), Number(value.int64Value)]));
  },
};

await answerLines(calls);
