// A host in a process of its own, for tests that kill it: takes offers and desires over the channel of fork.
import { pino } from "pino";
import type { DesireMessage, OfferMessage } from "../../link/host.ts";
import { createHost } from "../create-host.ts";

const [stateFolder, settings] = process.argv.slice(2);
const host = createHost({
  stateFolder: stateFolder!,
  settings: JSON.parse(settings!),
  log: pino({ level: "silent" }),
  environment: process.env,
  policyPath: `${stateFolder}/no-policy.yaml`,
});

process.on("message", (message: { offer?: OfferMessage; desire?: DesireMessage }) => {
  if (message.offer !== undefined) host.receiveOffer(message.offer, Date.now());
  if (message.desire !== undefined) host.receiveDesire(message.desire);
});
process.send!("ready");
