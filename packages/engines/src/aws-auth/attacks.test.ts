import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { createHarness } from "../testing/harness.js";
import type { Harness } from "../testing/harness.js";
import { loginFields, signLogin } from "../testing/aws-login.js";
import type { SignedLogin } from "../testing/aws-login.js";
import { parseCallerIdentity } from "./caller-identity.js";

/** A stand-in for STS that says yes to everything: what is refused here is refused by us. */
const ARN = "arn:aws:sts::123456789012:assumed-role/app/i-1";
const answer = (arn: string) => `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>${arn}</Arn><UserId>AROA1:i-1</UserId><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`;
const SERVER = "vault.example.com";
let harness: Harness;
let endpoint: string;
let asked: string[] = [];
let reply: { status: number; text: string; headers?: Record<string, string> } = { status: 200, text: answer(ARN) };
const server = createServer((request, response) => {
  asked.push(`${request.method} ${request.url} ${request.headers.host}`);
  request.resume().on("end", () => response.writeHead(reply.status, reply.headers).end(reply.text));
});

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  harness = await createHarness();
  await harness.mount("auth/aws", "aws");
  await harness.request("POST", "auth/aws/config/client", { sts_endpoint: endpoint, iam_server_id_header_value: SERVER, max_retries: 0 });
  await harness.request("POST", "auth/aws/role/app", { bound_iam_principal_arn: "arn:aws:iam::123456789012:role/app", resolve_aws_unique_ids: false });
});
after(() => server.close());

const CREDENTIALS = { accessKeyId: "AKIA1", secretAccessKey: "secret" };
async function login(fields: Record<string, unknown>) {
  const before = harness.store.index();
  const answer = await harness.request("POST", "auth/aws/login", fields, { token: "" });
  if (answer.status !== 200) assert.equal(harness.store.index(), before, "what is refused writes nothing");
  return answer;
}
const good = () => signLogin(endpoint, CREDENTIALS, SERVER);
const withHeaders = ({ headers, ...rest }: SignedLogin, more: Record<string, string>): SignedLogin => ({ ...rest, headers: { ...headers, ...more } });

async function refused(fields: Record<string, unknown>, why: RegExp, what: string): Promise<void> {
  asked = [];
  const { status, body } = await login(fields);
  assert.equal(status, 400, what);
  assert.match(body.errors![0]!, why, what);
  assert.deepEqual(asked, [], `${what}: nothing is sent`);
}

test("the request as it should be logs in", async () => {
  assert.equal((await login(loginFields(await good(), "app"))).status, 200);
});

test("another body is refused", async () => {
  const request = await good();
  const bodies = [
    "Action=AssumeRole&Version=2011-06-15", "Action=GetCallerIdentity", "Action=GetCallerIdentity&Version=2011-06-15&X=1", "Action=GetCallerIdentity&Action=AssumeRole&Version=2011-06-15",
    "Action=GetCallerIdentity&Version=2010-05-08", "action=GetCallerIdentity&Version=2011-06-15", "Action=GetCallerIdentity%00&Version=2011-06-15", "Action=%47etCallerIdentity&Version=2011-06-15", "Action=GetCallerIdentity&Version=2011-06-15\r\n\r\nGET / HTTP/1.1", "{}",
  ];
  for (const body of bodies) await refused(loginFields({ ...request, body }, "app"), /iam_request_body/, body);
});

test("another URL is refused: no path, query, user or fragment, and no host but the one that was signed", async () => {
  const request = await good();
  const host = endpoint.slice("http://".length);
  for (const url of [`${endpoint}/?Action=AssumeRole`, `${endpoint}/?`, `${endpoint}/x`, `${endpoint}//evil`, `http://user@${host}/`, `http://user:pass@${host}/`, `${endpoint}/#x`, "file:///etc/passwd", "gopher://x/", "sts.amazonaws.com", `${endpoint}/\\@evil`]) {
    await refused(loginFields({ ...request, url }, "app"), /iam_request_url/, url);
  }
  for (const url of ["https://evil.example/", "http://169.254.169.254/", "https://sts.amazonaws.com.evil.example/", `http://127.0.0.1:1/`]) {
    await refused(loginFields({ ...request, url }, "app"), /different hosts/, url);
    const moved = await signLogin(url, CREDENTIALS, SERVER);
    await refused(loginFields(moved, "app"), /not signed for STS/, `${url}, signed`);
  }
});

test("a request for STS by its own name goes to the configured endpoint, and nowhere else", async () => {
  asked = [];
  const request = await signLogin("https://sts.eu-west-1.amazonaws.com", CREDENTIALS, SERVER);
  assert.equal((await login(loginFields(request, "app"))).status, 200);
  assert.deepEqual(asked, ["POST / sts.eu-west-1.amazonaws.com"]);
});

test("another method is refused", async () => {
  const fields = loginFields(await good(), "app");
  for (const method of ["GET", "post", "PUT", "POST /x HTTP/1.1\r\n", ""]) await refused({ ...fields, iam_http_request_method: method }, /iam_http_request_method/, method);
});

test("the server id must be there, be ours, and be signed", async () => {
  await refused(loginFields(await signLogin(endpoint, CREDENTIALS), "app"), /missing header/, "absent");
  await refused(loginFields(await signLogin(endpoint, CREDENTIALS, "other.example.com"), "app"), /another server/, "replayed from another server");
  const unsigned = withHeaders(await signLogin(endpoint, CREDENTIALS), { "X-Vault-AWS-IAM-Server-ID": SERVER });
  await refused(loginFields(unsigned, "app"), /wasn't signed/, "unsigned");
  const twice = withHeaders(await signLogin(endpoint, CREDENTIALS, "other.example.com"), { "x-vault-aws-iam-server-id": SERVER });
  await refused(loginFields(twice, "app"), /more than once|another server/, "twice");
});

test("headers that could make it another request are refused", async () => {
  const request = await good();
  for (const [name, value] of Object.entries({ "X-Amz-Target": "x", "transfer-encoding": "chunked", Connection: "upgrade", expect: "100-continue", "x-amz-copy-source": "x" })) {
    await refused(loginFields(withHeaders(request, { [name]: value }), "app"), /invalid request header/, name);
  }
  await refused(loginFields(await signLogin(endpoint, CREDENTIALS, SERVER, { "x-forwarded-host": "x" }), "app"), /invalid request header/, "a signed one that is not usual");
  await refused(loginFields(withHeaders(request, { "x-a": "a\r\nHost: evil" }), "app"), /value/, "a line break");
  await refused(loginFields(withHeaders(request, { "a b": "x" }), "app"), /name/, "a name that is none");
  await refused(loginFields(await signLogin(endpoint, CREDENTIALS, SERVER, { "content-length": "1" }), "app"), /Content-Length/, "another length");
  const { headers } = request;
  for (const authorization of ["", "Bearer x", headers["authorization"]!.replace("/sts/", "/s3/"), headers["authorization"]!.replace("host;", ""), headers["authorization"]!.replace("us-east-1", "evil.example/"), headers["authorization"]!.slice(0, -1)]) {
    await refused(loginFields(withHeaders(request, { authorization }), "app"), /Authorization|host/, authorization.slice(0, 60));
  }
});

test("fields of other types, sizes and encodings are refused", async () => {
  const fields = loginFields(await good(), "app");
  const long = "A".repeat(20_000);
  const strange: Record<string, readonly unknown[]> = {
    iam_request_url: [long, "%%%", ["a"], { a: 1 }, 7],
    iam_request_body: [long, "", {}, ["QQ=="]],
    iam_request_headers: [long, "", "QQ==", 7, true, null, [], ["a"], { host: { a: 1 } }, { host: ["a", "b"] }, { host: null }, Buffer.from("[]").toString("base64"), Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`h${i}`, "x"])), { authorization: long }],
  };
  for (const [name, values] of Object.entries(strange)) {
    for (const value of values) {
      const { status } = await login({ ...fields, [name]: value });
      assert.equal(status, 400, `${name}: ${JSON.stringify(value).slice(0, 60)}`);
    }
  }
  assert.equal((await login({})).status, 400);
});

test("only the answer to sts:GetCallerIdentity is one", () => {
  assert.deepEqual(parseCallerIdentity(answer(ARN)), { arn: ARN, userId: "AROA1:i-1", account: "123456789012" });
  const whole = answer(ARN);
  const forged = [
    "", "{}", `{"Arn":"${ARN}"}`, whole.replace("https://sts.amazonaws.com/doc/2011-06-15/", "https://evil/"), whole.replaceAll("GetCallerIdentity", "AssumeRole"), `${whole}x`, `${whole}${whole}`, `<a>${whole}</a>`, whole.replace("<Arn>", `<Arn>x</Arn><Arn>`), whole.replace(/<UserId>.*<\/UserId>/, ""),
    whole.replace("<Account>123456789012", "<Account>999999999999"), `<!DOCTYPE x [<!ENTITY a "b">]>${whole}`, whole.replace(ARN, `<![CDATA[${ARN}]]>`), whole.replace("<Arn>", "<Arn a='b'>"), whole.slice(0, 100), `<GetCallerIdentityResponse>${whole}</GetCallerIdentityResponse>`, whole.replace(ARN, "x"),
  ];
  for (const text of forged) assert.equal(parseCallerIdentity(text), undefined, text);
});

test("what STS does not answer as it should is no login", async () => {
  const fields = loginFields(await good(), "app");
  const status = async (next: typeof reply) => {
    reply = next;
    return (await login(fields)).status;
  };
  assert.equal(await status({ status: 403, text: "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code></Error></ErrorResponse>" }), 400);
  assert.equal(await status({ status: 500, text: "" }), 502);
  assert.equal(await status({ status: 200, text: " ".repeat(70_000) + answer(ARN) }), 502);
  assert.equal(await status({ status: 302, text: "", headers: { location: "http://169.254.169.254/" } }), 400);
  assert.equal(await status({ status: 200, text: answer("arn:aws:sts::123456789012:federated-user/app") }), 400);
  assert.equal(await status({ status: 200, text: answer("arn:aws:iam::123456789012:root") }), 400);
  assert.equal(await status({ status: 200, text: answer("arn:aws:iam::123456789012:user/app") }), 400);
  assert.equal(await status({ status: 200, text: answer(ARN) }), 200);
});
