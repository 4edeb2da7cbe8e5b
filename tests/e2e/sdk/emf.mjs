// Whether each line of a file is a document of CloudWatch's embedded metric format: node emf.mjs FILE
// The limits are those of the specification in the Amazon CloudWatch User Guide and of the API's MetricDatum.
import { readFileSync } from "node:fs";
import Ajv from "ajv";

const kUnits = ["Seconds", "Microseconds", "Milliseconds", "Percent", "Count", "Count/Second", "None"];
for (const size of ["Bytes", "Bits"])
  for (const scale of ["", "Kilo", "Mega", "Giga", "Tera"]) {
    const unit = scale ? scale + size.toLowerCase() : size;
    kUnits.push(unit, `${unit}/Second`);
  }

const name = { type: "string", minLength: 1, maxLength: 255 };
const schema = {
  type: "object", required: ["_aws"],
  properties: {
    _aws: {
      type: "object", required: ["Timestamp", "CloudWatchMetrics"], additionalProperties: false,
      properties: {
        Timestamp: { type: "integer" },
        CloudWatchMetrics: {
          type: "array",
          items: {
            type: "object", required: ["Namespace", "Dimensions", "Metrics"], additionalProperties: false,
            properties: {
              Namespace: name,
              Dimensions: { type: "array", minItems: 1, items: { type: "array", maxItems: 30, items: name } },
              Metrics: {
                type: "array", maxItems: 100,
                items: {
                  type: "object", required: ["Name"], additionalProperties: false,
                  properties: { Name: name, Unit: { enum: kUnits }, StorageResolution: { enum: [1, 60] } },
                },
              },
            },
          },
        },
      },
    },
  },
};

const validate = new Ajv({ allErrors: true }).compile(schema);
const lines = readFileSync(process.argv[2], "utf8").split("\n").slice(0, -1);
const wrong = [];
for (const line of lines) {
  const document = JSON.parse(line);
  if (!validate(document)) wrong.push(JSON.stringify(validate.errors));
  if (Buffer.byteLength(line) > 256 * 1024) wrong.push("a line of more than 256 KiB");
  for (const { Dimensions, Metrics } of document._aws.CloudWatchMetrics) {
    for (const key of Dimensions.flat()) if (typeof document[key] !== "string") wrong.push(`dimension ${key}`);
    for (const { Name } of Metrics) if (typeof document[Name] !== "number") wrong.push(`metric ${Name}`);
  }
}
if (lines.length === 0) wrong.push("no line");
console.log(wrong.join("\n"));
process.exit(wrong.length === 0 ? 0 : 1);
