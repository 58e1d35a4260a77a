// Signs and checks webhooks with the providers' own client libraries, so that hooklake is tested against them and not
// against our reading of them. One JSON object a line in, one out, in order:
//
//   {"scheme":"github","secret":"…","body_base64":"…"}                         → {"headers":{"x-hub-signature-256":"…"}}
//   {"scheme":"linear","secret":"…","body_base64":"…","check":true,"headers":{…}} → {"valid":false,"reason":"…"}
//
// scheme       github | slack | linear | standard (Standard Webhooks)
// timestamp    the moment of sending: seconds for slack and standard, milliseconds for linear; now, if left out.
//              When checking, the moment of arrival: the library's clock is set to it.
// id           the delivery's id, where the scheme has one; a random one, if left out
//
// Slack's and Linear's libraries only check. There the signature is computed here and the library must accept it.
// What a library refuses to sign or accept is a failure of the test that asked: the program says why and stops.
import { createHmac, randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

// The packages are installed outside the sources, where Node does not look by itself.
const installed = new URL("../../../.tools/clients/", import.meta.url);
const require = createRequire(new URL("package.json", installed));
const { verifySlackRequest } = require("@slack/bolt");
const { LinearWebhookClient } = require("@linear/sdk/webhooks");
const { Webhook } = require("standardwebhooks");
// This one has no entry that `require` may use.
const octokit = await import(new URL("node_modules/@octokit/webhooks-methods/dist-node/index.js", installed));

const hex = (secret, ...parts) => parts.reduce((mac, part) => mac.update(part), createHmac("sha256", secret)).digest("hex");
const seconds = (timestamp) => timestamp ?? Math.floor(Date.now() / 1000);
const refuse = (reason) => { throw new Error(reason); };

// Two of the libraries read the clock themselves.
const at = (milliseconds, act) => {
  const clock = Date.now;
  Date.now = () => milliseconds;
  try { return act(); } finally { Date.now = clock; }
};

// Some of the libraries take strings only, and would quietly change bytes that are not UTF-8.
const text = (body) => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);

const schemes = {
  github: {
    async sign({ secret, body, id }) {
      return { "x-hub-signature-256": await octokit.sign(secret, text(body)), "x-github-delivery": id ?? randomUUID() };
    },
    async check({ secret, body, headers }) {
      (await octokit.verify(secret, text(body), headers["x-hub-signature-256"])) || refuse("signature mismatch");
    },
  },
  slack: {
    async sign({ secret, body, timestamp }) {
      const sent = seconds(timestamp);
      return { "x-slack-request-timestamp": `${sent}`, "x-slack-signature": `v0=${hex(secret, `v0:${sent}:`, body)}` };
    },
    async check({ secret, body, headers, timestamp }) {
      verifySlackRequest({
        signingSecret: secret,
        body: text(body),
        headers: { ...headers, "x-slack-request-timestamp": Number(headers["x-slack-request-timestamp"]) },
        nowMilliseconds: 1000 * seconds(timestamp),
      });
    },
  },
  linear: {
    async sign({ secret, body, timestamp, id }) {
      return {
        "linear-signature": hex(secret, body),
        "linear-timestamp": `${timestamp ?? Date.now()}`,
        "linear-delivery": id ?? randomUUID(),
      };
    },
    // Reads `webhookTimestamp` in the body and nothing else: the header counts for nothing.
    async check({ secret, body, headers, timestamp }) {
      at(timestamp ?? Date.now(), () => new LinearWebhookClient(secret).verify(body, headers["linear-signature"]));
    },
  },
  standard: {
    async sign({ secret, body, timestamp, id = `msg_${randomUUID()}` }) {
      const sent = seconds(timestamp);
      const signature = new Webhook(secret).sign(id, new Date(sent * 1000), text(body));
      return { "webhook-id": id, "webhook-timestamp": `${sent}`, "webhook-signature": signature };
    },
    async check({ secret, body, headers, timestamp }) {
      at(1000 * seconds(timestamp), () => new Webhook(secret).verify(text(body), headers, { jsonParse: false }));
    },
  },
};

async function answer({ scheme, check, body_base64, headers = {}, ...rest }) {
  const library = schemes[scheme] ?? refuse(`no such scheme: ${scheme}`);
  const request = { ...rest, body: Buffer.from(body_base64, "base64") };
  if (check) {
    const given = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
    return library.check({ ...request, headers: given }).then(
      () => ({ valid: true }),
      (error) => ({ valid: false, reason: error.message }),
    );
  }
  const signed = await library.sign(request);
  await library.check({ ...request, headers: signed });
  return { headers: signed };
}

let line = 0;
for await (const request of createInterface({ input: process.stdin })) {
  line += 1;
  try {
    console.log(JSON.stringify(await answer(JSON.parse(request))));
  } catch (error) {
    console.error(`sign.mjs, line ${line}: ${error.message}`);
    process.exit(1);
  }
}
