// A real OpenID provider for the tests of sign-on, as a process of its own: `node openid-provider.mjs PORT` with
// REDIRECT_URIS, separated by spaces; over TLS with TLS_CERT and TLS_KEY as PEM. Its people and its keys are changed at /test; whoever signs in types only a name.
import { generateKeyPairSync, sign } from "node:crypto";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { Provider } from "oidc-provider";

const port = Number(process.argv[2]);
const { TLS_CERT: cert, TLS_KEY: key } = process.env;
const issuer = `${cert ? "https" : "http"}://127.0.0.1:${port}`;
let redirectUris = process.env.REDIRECT_URIS.split(" ");
const people = new Map();
let clientSecret = "a-secret-of-the-tests";
let idTokenSeconds = 60;
let backChannel;
let signingKey;
let provider = start();

function start() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  signingKey = { privateKey, kid: String(Math.random()) };
  const made = new Provider(issuer, {
    clients: [
      {
        client_id: "opsconductor",
        client_secret: clientSecret,
        redirect_uris: redirectUris,
        post_logout_redirect_uris: redirectUris.map((uri) => `${new URL(uri).origin}/login`),
        ...(backChannel && { backchannel_logout_uri: backChannel, backchannel_logout_session_required: true }),
      },
    ],
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256", kid: signingKey.kid }] },
    cookies: { keys: ["only for tests"] },
    claims: {
      openid: ["sub"],
      profile: ["name", "preferred_username"],
      email: ["email", "email_verified"],
      groups: ["groups"],
    },
    scopes: ["openid", "profile", "email", "groups"],
    ttl: {
      IdToken: () => idTokenSeconds,
      AccessToken: 600,
      AuthorizationCode: 60,
      Session: 3600,
      Interaction: 600,
      Grant: 600,
    },
    features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true } },
    // Without its guard against addresses inside a network: whom it tells of sign-outs is on this machine.
    fetch: (url, { dispatcher: _, ...options }) => fetch(url, options),
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    findAccount: (_, id) => people.has(id) && { accountId: id, claims: () => ({ sub: id, ...people.get(id) }) },
    loadExistingGrant: grantEverything,
  });
  made.on("server_error", (_, error) => console.error(error));
  made.on("backchannel.error", (_, error) => console.error(error));
  return made;
}

async function grantEverything(ctx) {
  const { client, session } = ctx.oidc;
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope("openid profile email groups");
  await grant.save();
  return grant;
}

async function bodyOf(request) {
  let text = "";
  for await (const piece of request) text += piece;
  return text;
}

const form = `<!doctype html><html lang="en"><title>Provider</title><main><h1>Sign in at the provider</h1>
<form method="post"><label>Name <input name="name"></label> <button>Go on</button> <button name="deny" value="1">Refuse</button></form></main></html>`;

async function interact(request, response) {
  if (request.method === "GET") return response.setHeader("content-type", "text/html").end(form);
  const fields = new URLSearchParams(await bodyOf(request));
  const result = fields.has("deny") ? { error: "access_denied" } : { login: { accountId: fields.get("name") } };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

/** A token with the provider's own signature, whatever it says. */
function signed({ header, claims }) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ alg: "RS256", kid: signingKey.kid, ...header })}.${part(claims)}`;
  return `${text}.${sign("sha256", Buffer.from(text), signingKey.privateKey).toString("base64url")}`;
}

/**
 * PUT /test/people/NAME with claims; PUT /test/keys for new ones; PUT /test/id-token-seconds with a number; PUT
 * /test/back-channel with the address that is told of sign-outs; PUT /test/sign with a token's header and claims; PUT
 * /test/client-secret with another one.
 */
async function change(request, response) {
  const body = await bodyOf(request);
  const [, , what, name] = request.url.split("/");
  if (what === "people") people.set(decodeURIComponent(name), JSON.parse(body));
  else if (what === "redirect-uris") {
    redirectUris = JSON.parse(body);
    provider = start();
  } else if (what === "keys") provider = start();
  else if (what === "sign") return response.end(signed(JSON.parse(body)));
  else if (what === "back-channel") {
    backChannel = JSON.parse(body);
    provider = start();
  } else if (what === "client-secret") {
    clientSecret = JSON.parse(body);
    provider = start();
  } else idTokenSeconds = Number(body);
  response.end("done");
}

const server = cert ? createTlsServer({ cert, key }) : createServer();
server.on("request", (request, response) => {
  const handle = request.url.startsWith("/test/")
    ? change(request, response)
    : request.url.startsWith("/interaction/")
      ? interact(request, response)
      : provider.callback()(request, response);
  Promise.resolve(handle).catch((error) => {
    console.error(error);
    response.writeHead(500).end();
  });
});
server.listen(port, "127.0.0.1", () => console.log("listening"));
