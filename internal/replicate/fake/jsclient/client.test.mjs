// Replicate's own JavaScript client, as it is published, gets through its day
// at the simulated provider. jsclient_test.go starts the provider and runs this:
// FAKE_URL and FAKE_TLS_URL are its two addresses, TOKEN the token it takes.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import test from "node:test";

import Replicate, { validateWebhook } from "replicate";

const { FAKE_URL, FAKE_TLS_URL, TOKEN } = process.env;
const kontext = "black-forest-labs/flux-kontext-pro";
const gpt = "openai/gpt-4.1-mini";
const upscaler = "nightmareai/real-esrgan";

const client = (options = {}) => new Replicate({ auth: TOKEN, baseUrl: `${FAKE_URL}/v1`, ...options });
const overTLS = (options = {}) => client({ baseUrl: `${FAKE_TLS_URL}/v1`, ...options });
const replicate = client();

const input = (prompt = "a lighthouse") => ({ prompt, aspect_ratio: "1:1" });

async function operator(method, path, body) {
  const response = await fetch(`${FAKE_URL}/_fake/${path}`, { method, body: body && JSON.stringify(body) });
  assert.ok(response.ok, `${method} ${path}: ${response.status}`);
  return response.status === 204 ? null : response.json();
}

const inject = (...faults) => operator("POST", "faults", faults);
const creates = async () => (await operator("GET", "stats")).requests.create ?? 0;

const refusedWith = (status, says) => (error) => {
  assert.equal(error.name, "ApiError");
  assert.equal(error.response.status, status);
  assert.match(error.message, says);
  return true;
};

// picture gives the bytes of a small PNG, as the provider draws them.
async function picture() {
  const url = await client({ useFileOutput: false }).run(kontext, { input: input() });
  return Buffer.from(await (await fetch(url)).arrayBuffer());
}

test.afterEach(() => operator("DELETE", "faults"));

test("account, model, version, secret", async () => {
  const account = await replicate.accounts.current();
  assert.equal(account.type, "user");
  assert.ok(account.username);
  const model = await replicate.models.get("black-forest-labs", "flux-kontext-pro");
  assert.equal(`${model.owner}/${model.name}`, kontext);
  const { Input } = model.latest_version.openapi_schema.components.schemas;
  assert.deepEqual(Input.required, ["prompt"]);
  const version = await replicate.models.versions.get(model.owner, model.name, model.latest_version.id);
  assert.deepEqual(version, model.latest_version);
  assert.match((await replicate.webhooks.default.secret.get()).key, /^whsec_/);
});

test("files", async () => {
  const file = await replicate.files.create(Buffer.from("bytes"), { job: 7 });
  assert.equal(file.size, 5);
  assert.equal(file.content_type, "application/octet-stream");
  assert.deepEqual(file.metadata, { job: 7 });
  const named = await replicate.files.create(new File(["x"], "me.png", { type: "image/png" }));
  assert.equal(named.name, "me.png");
  assert.equal(named.content_type, "image/png");
  assert.deepEqual(await replicate.files.get(file.id), file);
  const pages = [];
  for await (const page of replicate.paginate(replicate.files.list)) pages.push(...page);
  assert.deepEqual(pages.slice(0, 2).map((f) => f.id), [named.id, file.id]);
  assert.equal(await replicate.files.delete(file.id), true);
  await assert.rejects(replicate.files.get(file.id), refusedWith(404, /could not be found/));
});

test("run waits in the request", async () => {
  const before = await creates();
  const seen = [];
  const output = await replicate.run(kontext, { input: input() }, (p) => seen.push(p.status));
  assert.match(output, new RegExp(`^${FAKE_URL}/outputs/`));
  assert.deepEqual([...new Set(seen)], ["succeeded"]);
  assert.equal(await creates(), before + 1);
});

test("run polls", async () => {
  const seen = [];
  const options = { input: input(), wait: { mode: "poll", interval: 5 } };
  const output = await replicate.run(kontext, options, (p) => seen.push(p.status));
  assert.match(output, /\/outputs\//);
  assert.equal(seen[0], "starting");
  assert.equal(seen.at(-1), "succeeded");
});

test("run goes on polling when the request's wait is over", async () => {
  await operator("PATCH", "settings", { latency: { start: "2s" } });
  try {
    const seen = [];
    const options = { input: input(), wait: { mode: "block", timeout: 1, interval: 5 } };
    const output = await replicate.run(kontext, options, (p) => seen.push(p.status));
    assert.match(output, /\/outputs\//);
    assert.equal(seen[0], "starting"); // were it processing, the client would take it for the end
    assert.equal(seen.at(-1), "succeeded");
  } finally {
    await operator("PATCH", "settings", { latency: { start: "0s" } });
  }
});

test("run takes an early reply for the end, as at Replicate", async () => {
  await inject({ kind: "early_processing" });
  assert.equal(await replicate.run(kontext, { input: input() }), null);
});

test("run by version, with files in the input", async () => {
  const { latest_version } = await replicate.models.get(...upscaler.split("/"));
  const image = await picture();
  // The client's own "data-uri" strategy sends itself for the input (1.4.0), so
  // the URI is made here.
  const uri = `data:image/png;base64,${image.toString("base64")}`;
  for (const [fileEncodingStrategy, file] of [["default", image], ["upload", new Blob([image])], ["upload", uri]]) {
    const c = client({ fileEncodingStrategy });
    const output = await c.run(`${upscaler}:${latest_version.id}`, { input: { image: file, scale: 2 } });
    assert.match(output, /\/outputs\//, fileEncodingStrategy);
  }
  const { results } = await replicate.predictions.list();
  assert.match(results[0].input.image, /^data:image\/png;base64,/);
  assert.match(results[1].input.image, /\/v1\/files\//);
  assert.equal(results[0].version, latest_version.id);
});

test("run gives files that it fetches itself, without the token", async () => {
  const output = await overTLS().run(kontext, { input: input() });
  assert.equal(output.url().protocol, "https:");
  assert.equal(String(output), output.url().href);
  const blob = await output.blob();
  assert.equal(blob.type, "image/png");
  assert.ok(blob.size > 100);
  const list = await overTLS().run("qwen/qwen-image-edit-plus", { input: { ...input(), image: [await picture()] } });
  assert.equal(list.length, 1);
  assert.ok((await list[0].blob()).size > 100);
});

test("run gives a text as its pieces", async () => {
  const output = await replicate.run(gpt, { input: { prompt: "say hello" } });
  assert.ok(Array.isArray(output) && output.length > 1);
  assert.match(output.join(""), /\w+ \w+/);
});

test("streams of a text and of files", async () => {
  const events = [];
  for await (const event of replicate.stream(gpt, { input: { prompt: "say hello" } })) events.push(event);
  assert.equal(events.at(-1).event, "done");
  const stored = (await replicate.predictions.list()).results[0];
  assert.equal(events.join(""), stored.output.join(""));
  const files = [];
  for await (const event of overTLS().stream(kontext, { input: input() })) files.push(event);
  assert.equal(files[0].event, "output");
  assert.equal((await files[0].data.blob()).type, "image/png");
});

test("failed predictions throw their reason", async () => {
  await inject({ kind: "fail", code: "E005" });
  await assert.rejects(replicate.run(kontext, { input: input() }), /Prediction failed: .*flagged as sensitive.*E005/);
});

test("create, wait, get", async () => {
  const made = await replicate.predictions.create({ model: kontext, input: input("by hand") });
  assert.equal(made.status, "starting");
  assert.equal(made.version, "hidden");
  assert.deepEqual(made.input, input("by hand"));
  const done = await replicate.wait(made, { interval: 5 });
  assert.equal(done.status, "succeeded");
  assert.ok(done.metrics.predict_time > 0);
  assert.deepEqual(await replicate.predictions.get(made.id), done);
  const waited = await replicate.predictions.create({ model: kontext, input: input(), wait: 30 });
  assert.equal(waited.status, "succeeded");
});

test("cancel", async () => {
  await inject({ kind: "stuck" });
  const made = await replicate.predictions.create({ model: kontext, input: input() });
  const canceled = await replicate.predictions.cancel(made.id);
  assert.equal(canceled.status, "canceled");
  assert.deepEqual(await replicate.predictions.cancel(made.id), canceled);
  assert.equal((await replicate.wait(canceled)).status, "canceled");
});

test("cancel by a signal", async () => {
  await inject({ kind: "stuck" });
  const stop = new AbortController();
  const options = { input: input(), signal: stop.signal, wait: { mode: "poll", interval: 5 } };
  // The first call comes with the created prediction. A signal that has fired by
  // the next poll ends the run with a cancellation.
  const seen = [];
  const done = replicate.run(kontext, options, (p) => {
    seen.push(p);
    if (seen.length === 2) stop.abort();
  });
  assert.equal(await done.catch((error) => error.name), null);
  assert.equal(seen.at(-1).status, "canceled");
});

test("lists in pages", async () => {
  const ids = [];
  for (const prompt of ["one", "two", "three", "four", "five"]) {
    ids.unshift((await replicate.predictions.create({ model: kontext, input: input(prompt) })).id);
  }
  const got = [];
  let pages = 0;
  for await (const page of replicate.paginate(replicate.predictions.list)) {
    assert.ok(page.length <= 2);
    got.push(...page.map((p) => p.id));
    pages++;
  }
  assert.deepEqual(got.slice(0, 5), ids);
  assert.equal(new Set(got).size, got.length);
  assert.ok(pages >= 3);
});

test("errors have their status", async () => {
  await assert.rejects(client({ auth: "r8_wrong" }).run(kontext, { input: input() }), refusedWith(401, /authentication token/));
  await assert.rejects(replicate.run(kontext, { input: {} }), refusedWith(422, /prompt is required/));
  await assert.rejects(replicate.run("nobody/nothing", { input: {} }), refusedWith(404, /could not be found/));
  await assert.rejects(replicate.predictions.create({ version: "0".repeat(64), input: {} }), refusedWith(422, /Invalid version/));
  await assert.rejects(replicate.predictions.get("none"), refusedWith(404, /could not be found/));
  await inject({ kind: "credit" });
  await assert.rejects(replicate.run(kontext, { input: input() }), refusedWith(402, /insufficient credit/));
});

test("creates are repeated after 429 and nothing else", async () => {
  await inject({ kind: "throttle", times: 2 });
  let before = await creates();
  assert.match(await replicate.run(kontext, { input: input() }), /\/outputs\//);
  assert.equal((await creates()) - before, 3);
  await inject({ kind: "throttle_body", times: -1 });
  before = await creates();
  await assert.rejects(replicate.run(kontext, { input: input() }), refusedWith(429, /was throttled/));
  assert.equal((await creates()) - before, 6);
  await operator("DELETE", "faults");
  await inject({ kind: "server_error_after" });
  before = await operator("GET", "stats");
  await assert.rejects(replicate.run(kontext, { input: input() }), refusedWith(500, /went wrong/));
  const after = await operator("GET", "stats");
  assert.equal(after.requests.create - before.requests.create, 1);
  assert.equal(after.predictions - before.predictions, 1);
});

test("questions are repeated after 429 and 5xx", async () => {
  const made = await replicate.predictions.create({ model: kontext, input: input(), wait: true });
  await inject({ kind: "throttle", on: "get" }, { kind: "bad_gateway", on: "get", times: 2 });
  assert.equal((await replicate.predictions.get(made.id)).id, made.id);
});

test("webhooks are valid, unless they are forged", async () => {
  const { key } = await replicate.webhooks.default.secret.get();
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const webhook = `http://127.0.0.1:${server.address().port}/hook?job=7`;
  const received = async () => {
    const [request, response] = await once(server, "request");
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += chunk;
    response.end();
    return { url: request.url, headers: request.headers, body };
  };
  try {
    for (const forged of [false, true]) {
      if (forged) await inject({ kind: "webhook_forged" });
      const next = received();
      const made = await replicate.predictions.create({
        model: kontext, input: input(), webhook, webhook_events_filter: ["completed"],
      });
      const got = await next;
      assert.equal(got.url, "/hook?job=7");
      assert.equal(JSON.parse(got.body).id, made.id);
      assert.equal(JSON.parse(got.body).status, "succeeded");
      assert.equal(await validateWebhook(got, key), !forged);
      assert.equal(await validateWebhook({ ...got, body: got.body + " " }, key), false);
    }
    await assert.rejects(
      replicate.predictions.create({ model: kontext, input: input(), webhook: "http://example.com/hook" }),
      refusedWith(422, /HTTPS/),
    );
  } finally {
    server.close();
    server.closeAllConnections();
  }
});
