// The versions this agent speaks; raised with agent.proto and with the job format.
export const protocolVersion = 1;
export const formatVersion = 1;
/** What an offer may ask for besides its definition; see Hello. */
export const features = ["check"];
