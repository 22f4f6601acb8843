// Calls services with npm's `aws-sdk` (version 2 of AWS's SDK for JavaScript), unmodified, and prints what it made of the answers.
//
//   TRAILSEAL_NODE=FOLDER node v2.mjs URL < STEPS
//
// FOLDER holds `node_modules`. Standard input is a JSON list of steps, which run one after the other:
//
//   { "service": "cloudtrail", "operation": "GetTrail", "input": { "Name": "audit" }, "region": "eu-west-1" }
//   { "service": "s3", "operation": "ListObjectsV2", "input": { "Bucket": …, "MaxKeys": 7 }, "pages": true }
//   { "service": "s3", "operation": "GetObject", "input": { … }, "presign": 60 }
//
// each with the credentials "key" and "secret". Standard output is { "version": …, "answers": [ … ] } with one answer a step:
//
//   { "result": {…} }   { "pages": [{…}, …] }   { "url": … }   { "error": { "name": …, "message": …, "status": 400 } }
//
// Dates and bytes are written as marks.mjs says, both ways.

import { createRequire } from "node:module";
import { text } from "node:stream/consumers";

import { mark, unmark } from "./marks.mjs";

process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = "1";
const require = createRequire(`${process.env.TRAILSEAL_NODE}/`);
const AWS = require("aws-sdk/global");

const classOf = (service) => require(`aws-sdk/clients/${service}`);

function pagesOf(request) {
  return new Promise((resolve, reject) => {
    const pages = [];
    request.eachPage((error, page) => {
      if (error) reject(error);
      else if (page) pages.push(mark(page));
      else resolve(pages);
    });
  });
}

async function run(step) {
  const client = new (classOf(step.service))({
    endpoint: process.argv[2],
    region: step.region ?? "us-east-1",
    credentials: new AWS.Credentials(step.key, step.secret),
    maxRetries: 0,
    s3ForcePathStyle: true,
    signatureVersion: "v4",
  });
  const operation = step.operation[0].toLowerCase() + step.operation.slice(1);
  const given = unmark(step.input ?? {});
  if (step.presign) return { url: client.getSignedUrl(operation, { ...given, Expires: step.presign }) };
  try {
    if (step.pages) return { pages: await pagesOf(client[operation](given)) };
    return { result: mark(await client[operation](given).promise()) };
  } catch ({ code: name, message, statusCode: status }) {
    return { error: { name, message, status } };
  }
}

const answers = [];
for (const step of JSON.parse(await text(process.stdin))) answers.push(await run(step));
process.stdout.write(JSON.stringify({ version: AWS.VERSION, answers }));
