// Reads a bucket with AWS's SDK for JavaScript, unmodified, and prints what it found.
//
//   TRAILSEAL_NODE=FOLDER AWS_REGION=… AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… node s3.mjs BUCKET < CLIENTS
//
// FOLDER holds `node_modules`. Standard input is a JSON list of settings of clients ({ "endpoint": …, "forcePathStyle": … });
// standard output is a JSON list with one entry each:
//
//   { "objects": { KEY: { "etag": …, "sha256": … } }, "error": NAME OF THE ERROR FOR A KEY THAT IS NOT THERE }
//
// Names that end with `localhost` are this machine, as systemd-resolved, nss-myhostname and macOS have it.

import { createHash } from "node:crypto";
import dns from "node:dns";
import { Agent } from "node:http";
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";

const require = createRequire(`${process.env.TRAILSEAL_NODE}/`);
const { S3Client, GetObjectCommand, paginateListObjectsV2 } = require("@aws-sdk/client-s3");

const lookup = (host, options, done) => dns.lookup(host.endsWith("localhost") ? "127.0.0.1" : host, options, done);

async function read(Bucket, settings) {
  const requestHandler = { httpAgent: new Agent({ keepAlive: true, lookup }) };
  const client = new S3Client({ ...settings, requestHandler, maxAttempts: 1 });
  try {
    const objects = {};
    for await (const page of paginateListObjectsV2({ client, pageSize: 100 }, { Bucket })) {
      for (const { Key, ETag } of page.Contents ?? []) {
        const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, IfMatch: ETag }));
        const sha256 = createHash("sha256").update(await Body.transformToByteArray()).digest("hex");
        objects[Key] = { etag: ETag, sha256 };
      }
    }
    const error = await client.send(new GetObjectCommand({ Bucket, Key: "none" })).then(
      () => null,
      (error) => error.name,
    );
    return { objects, error };
  } finally {
    client.destroy();
  }
}

const answers = [];
for (const settings of JSON.parse(await text(process.stdin))) answers.push(await read(process.argv[2], settings));
process.stdout.write(JSON.stringify(answers));
