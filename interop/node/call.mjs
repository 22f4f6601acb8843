// Calls CloudTrail with AWS's SDK for JavaScript, unmodified, and prints what the SDK made of the answers.
//
//   TRAILSEAL_NODE=FOLDER AWS_ENDPOINT_URL=URL AWS_REGION=… AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… node call.mjs
//
// FOLDER holds `node_modules`. Standard input is a JSON list of steps, which run one after the other:
//
//   { "operation": "GetTrail", "input": { "Name": "audit" }, "region": "eu-west-1" }
//   { "operation": "LookupEvents", "input": {}, "paginate": { "pageSize": 7 } }
//
// Standard output is a JSON list with one entry a step:
//
//   { "result": {…}, "status": 200, "target": "CloudTrail_20131101.GetTrail" }
//   { "pages": [{…}, …], "status": 200, "target": … }
//   { "error": { "name": …, "message": …, "isModelled": true, "fault": "client", "status": 400 }, "target": … }
//
// `region` and `paginate` may be left out. `isModelled` says that the error is of the class that the SDK exports under its
// name. Dates and bytes are written as marks.mjs says, both ways.

import { createRequire } from "node:module";
import { text } from "node:stream/consumers";

import { mark, unmark } from "./marks.mjs";

const sdk = createRequire(`${process.env.TRAILSEAL_NODE}/`)("@aws-sdk/client-cloudtrail");

function toResult({ $metadata, ...members }) {
  return mark(members);
}

function toError(error) {
  const { name, message, $fault: fault, $metadata } = error;
  const isModelled = typeof sdk[name] === "function" && error instanceof sdk[name];
  return { name, message, isModelled, fault, status: $metadata?.httpStatusCode };
}

async function run({ operation, input = {}, region, paginate }) {
  const client = new sdk.CloudTrailClient({ ...(region && { region }), maxAttempts: 1 });
  const seen = {};
  // what is on the wire, behind everything that the SDK does to a request
  client.middlewareStack.add(
    (next) => async (args) => {
      seen.target = args.request.headers["x-amz-target"];
      const done = await next(args);
      seen.status = done.response.statusCode;
      return done;
    },
    { step: "finalizeRequest", priority: "low" },
  );
  try {
    if (paginate) {
      const pages = [];
      const configuration = { ...paginate, client };
      for await (const page of sdk[`paginate${operation}`](configuration, unmark(input))) pages.push(toResult(page));
      return { pages, ...seen };
    }
    const command = new sdk[`${operation}Command`](unmark(input));
    return { result: toResult(await client.send(command)), ...seen };
  } catch (error) {
    return { error: toError(error), ...seen };
  } finally {
    client.destroy();
  }
}

const answers = [];
for (const step of JSON.parse(await text(process.stdin))) answers.push(await run(step));
process.stdout.write(JSON.stringify(answers));
